"""The media type of an answer: the one that the `Accept` header prefers (RFC 9110, section 12.5.1), or that `format` names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from models.architectures.architecture import Fault
from models.networks.source.network_source import SPACES
from service.errors import InvalidRequest, NotAcceptable

Form = Literal["json", "svg", "dot", "python"]

MEDIA_TYPES: dict[Form, str] = {
    "json": "application/json",
    "svg": "image/svg+xml",
    "dot": "text/vnd.graphviz",
    "python": "text/x-python",
}
"""In order of preference where a caller accepts several equally well."""
VARY = {"Vary": "Accept"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks for: `accept` is the header, and `form` goes before it where it is given."""

    form: Form | None
    accept: str

    def choose(self, space: str) -> Form:
        """The form of an answer about architectures of this space; only spaces with networks have Python.

        Raises `InvalidRequest` where `form` is one that the answer does not have, and `NotAcceptable` where the header names none.
        """
        offered: list[Form] = [form for form in MEDIA_TYPES if form != "python" or space in SPACES]
        types = [MEDIA_TYPES[form] for form in offered]
        without = f"there are no networks for the space '{space}', only for {', '.join(SPACES)}, so no Python"
        if self.form is not None:
            if self.form not in offered:
                raise InvalidRequest([Fault("/format", f"{without}; ask for {', '.join(offered)}")])
            return self.form
        place = preferred(self.accept, types)
        if place is None:
            message = f"expected an Accept header with one of {', '.join(types)}, or */*; got '{self.accept[:200]}'"
            raise NotAcceptable(message if "python" in offered else f"{message}; {without}", details={"offered": types})
        return offered[place]


def wanted(
    request: Request,
    format: Annotated[Form | None, Query(description="The form of the answer, in place of the header `Accept`.")] = None,
) -> Wanted:
    return Wanted(format, accepted(request))


def accepted(request: Request) -> str:
    """The `Accept` header, in one line where it came in several."""
    return ",".join(request.headers.getlist("accept"))


WantedDep = Annotated[Wanted, Depends(wanted)]


def preferred(accept: str, offered: Sequence[str]) -> int | None:
    """The place of the media type that an `Accept` header likes best; None where it excludes them all.

    Of equal qualities the one that the header names most precisely comes first, then the first one offered. What is malformed is
    passed over; an empty header accepts everything.
    """
    ranges = [read for part in accept.split(",") if (read := _read_range(part))] if accept.strip() else [("*/*", 1.0)]
    rated = [(*_rate(ranges, media_type), -place) for place, media_type in enumerate(offered)]
    quality, _, place = max(rated)
    return -place if quality > 0 else None


def _rate(ranges: Sequence[tuple[str, float]], media_type: str) -> tuple[float, int]:
    """The quality of the most precise range that holds the media type, and how precise that is."""
    patterns = ["*/*", f"{media_type.partition('/')[0]}/*", media_type]
    found = [(patterns.index(pattern), quality) for pattern, quality in ranges if pattern in patterns]
    precision, quality = max(found, default=(0, 0.0))
    return quality, precision


def _read_range(text: str) -> tuple[str, float] | None:
    """A media range, without its parameters, and its quality between 0 and 1."""
    media_range, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
    return (media_range, quality) if media_range and 0 <= quality <= 1 else None
