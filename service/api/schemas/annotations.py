"""Notes and tags on the wire."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from service.api.schemas.fields import Json, Schema, Text, shown

ANNOTATE: Json = {"note": "diverges after epoch 40 with the large learning rate", "tags": ["baseline", "rerun"]}

Tag = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,49}$",
        description="1 to 50 letters, digits, '.', '_', ':' and '-', beginning with a letter or digit.",
    ),
]


def _distinct(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


Tags = Annotated[list[Tag], Field(max_length=20, fail_fast=True), AfterValidator(_distinct)]


class AnnotationRequest(Schema):
    """A merge patch (RFC 7396): what is left out stays, null takes it away."""

    model_config = shown(ANNOTATE)

    note: Text | None = None
    tags: Annotated[Tags | None, Field(description="All tags, those that stay with them.")] = None

    def changes(self) -> dict[str, Any]:
        """The fields that were given."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return given | ({"tags": tuple(self.tags or ())} if "tags" in given else {})
