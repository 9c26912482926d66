"""What the commands that speak to a server share: its address and key, tables or JSON, and how refusals are shown.

A command is a function whose first parameter is the `Session`; `remote` gives it the options `--url`, `--key` and `--json`.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import httpx
import typer
from rich.console import Console, RenderableType
from svge_client import Client, ResponseError, Retry, ServerFault, SvgeError, Unreachable
from svge_client.address import without_credentials

from service.commands.documents import writing_to

P = ParamSpec("P")
Answer = TypeVar("Answer")

REFUSED, FAILED, NOTHING = 2, 1, 3
"""Exit codes: the request is at fault; the server could not be reached or failed; the study hands out nothing."""

_RETRY = Retry(attempts=3, first_pause=0.2, longest_pause=10.0)
_TIMEOUT_SECONDS = 130.0
"""Above the longest wait of a suggest."""

Url = Annotated[str, typer.Option("--url", envvar="SVGE_URL", help="Address of the server.", show_default="http://127.0.0.1:8000")]
Key = Annotated[
    str | None, typer.Option("--key", envvar="SVGE_TOKEN", help="Token of a key, where the server needs one.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's answer as it came, instead of a table.")]


class _Recorder(httpx.BaseTransport):
    """Keeps the last answer, so that `--json` prints what the server said and nothing made of it."""

    def __init__(self, url: str) -> None:
        # Certificates take longer to load than most commands run; over plain HTTP, where no redirect is followed, none is needed.
        self._transport = httpx.HTTPTransport(verify=not url.lower().startswith("http://"))
        self.last = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        response.read()
        self.last = response.text if "json" in response.headers.get("Content-Type", "") else ""
        return response

    def close(self) -> None:
        self._transport.close()


@dataclass(frozen=True, slots=True)
class Session:
    """One command's conversation with a server."""

    client: Client
    as_json: bool
    _recorder: _Recorder

    def show(self, answer: Answer, render: Callable[[Answer], RenderableType]) -> None:
        """The answer as a table or a text, or as the server's JSON."""
        if self.as_json:
            typer.echo(self._recorder.last)
        else:
            Console(soft_wrap=True).print(render(answer))

    def done(self, message: str) -> None:
        """What was done, where the answer says no more; nothing with `--json`."""
        if not self.as_json:
            typer.echo(message)


@contextmanager
def session(url: str, key: str | None, as_json: bool = False) -> Iterator[Session]:
    """Refusals are shown without a traceback, and end the program with an exit code that says whose fault it is."""
    recorder = _Recorder(url)
    try:
        with Client(url, token=key, retry=_RETRY, timeout=_TIMEOUT_SECONDS, transport=recorder) as client:
            yield Session(client, as_json, recorder)
    except ResponseError as error:
        problem = error.problem
        lines = [f"svge: {problem.title}: {problem.detail}" if problem.detail else f"svge: {problem.title}"]
        lines += [f"  {fault.pointer}: {fault.message}" for fault in problem.errors]
        raise _exit("\n".join(lines), FAILED if isinstance(error, ServerFault) else REFUSED) from error
    except Unreachable as error:
        cause = error.__cause__ if isinstance(error.__cause__, httpx.RequestError) else error
        reason = str(cause).strip() or type(cause).__name__
        asked = f"no answer from {without_credentials(url)}: {reason}"
        raise _exit(f"svge: {asked}; is the server running? Name another one with --url", FAILED) from error
    except (SvgeError, ValueError) as error:
        raise _exit(f"svge: {error}", REFUSED) from error


def remote(app: typer.Typer, name: str) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[..., None]]:
    """Registers a command of this name that speaks to a server."""

    def register(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*, url: str, key: str | None, as_json: bool, **given: Any) -> None:
            with session(url, key, as_json) as opened:
                function(opened, **given)  # type: ignore[call-arg]

        own = list(inspect.signature(function).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter("url", keyword, default="http://127.0.0.1:8000", annotation=Url),
            inspect.Parameter("key", keyword, default=None, annotation=Key),
            inspect.Parameter("as_json", keyword, default=False, annotation=AsJson),
        ]
        hints = get_type_hints(function, include_extras=True)
        command.__annotations__ = {one.name: hints[one.name] for one in own} | {one.name: one.annotation for one in shared}
        command.__signature__ = inspect.Signature([one.replace(kind=keyword) for one in own] + shared)  # type: ignore[attr-defined]
        app.command(name)(command)
        return command

    return register


def study_names(context: typer.Context, incomplete: str) -> list[str]:
    """The names of studies for the shell's completion: of the first hundred, at once or not at all."""
    given = context.params
    try:
        with Client(given.get("url"), token=given.get("key"), retry=Retry(attempts=1), timeout=1.0) as client:
            return [study.name for study in client.studies_page(100).studies if study.name.startswith(incomplete)]
    except (SvgeError, ValueError):
        return []


StudyName = Annotated[str, typer.Argument(help="A study.", autocompletion=study_names, show_default=False)]
TrialId = Annotated[str, typer.Argument(help="The id of a trial, which 'svge study trials' shows.", show_default=False)]
Cursor = Annotated[str | None, typer.Option(help="Where the page before this one ended.", show_default=False)]


def pairs(given: list[str] | None, option: str) -> dict[str, str] | None:
    """`NAME=VALUE` by name. Raises `ValueError`, naming the option."""
    if not given:
        return None
    split = [one.partition("=") for one in given]
    for (name, sign, value), text in zip(split, given, strict=True):
        if not (name and sign and value):
            raise ValueError(f"expected {option} NAME=VALUE, got '{text}'")
    return {name: value for name, _, value in split}


def numbers(given: dict[str, str] | None, option: str) -> dict[str, float] | None:
    """The values as numbers. Raises `ValueError`, naming the option."""
    try:
        return None if given is None else {name: float(value) for name, value in given.items()}
    except ValueError as error:
        raise ValueError(f"expected {option} NAME=NUMBER: {error}") from error


def write_bytes(content: bytes, out: Path | None) -> None:
    """To a file or to standard output. Raises `ValueError` where the file cannot be written."""
    if out is None:
        typer.echo(content, nl=False)
        return
    with writing_to(out, "--out"):
        out.write_bytes(content)


def read_bytes(path: Path) -> bytes:
    """Raises `ValueError` that names the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read '{path}': {error.strerror}; give a file that is there") from error


def _exit(message: str, code: int) -> typer.Exit:
    typer.secho(message, fg="red", err=True)
    return typer.Exit(code)
