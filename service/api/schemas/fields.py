"""Field types that several wire schemas share, and the base of all of them: unknown fields are refused so that typos surface."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.search.proposal import Strategy

Json = dict[str, Any]


_MAX_FIELDS = 50


class Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _refuse_crowds(cls, value: Any) -> Any:
        """A fault for each of a million unknown fields would cost gigabytes."""
        return at_most(_MAX_FIELDS, value)


def at_most(limit: int, value: Any) -> Any:
    """The value itself. Raises `ValueError` for an object or a list of more than `limit` items, before they are looked at."""
    if isinstance(value, dict | list) and len(value) > limit:
        raise ValueError(f"expected at most {limit} items, got {len(value)}; send fewer")
    return value


def shown(*examples: Json) -> ConfigDict:
    """The configuration of a schema that shows these examples in the documentation."""
    return ConfigDict(json_schema_extra={"examples": [*examples]})


Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite JSON number; NaN, infinities, strings and booleans are refused."""

MAX_ENTRIES = 20_000
"""The longest list that any request may hold. A longer one is refused before its entries are looked at, so that a body of millions
of wrong ones costs nothing; the settings may allow less."""

Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Attempt = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Step = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Text = Annotated[str, Field(strict=True, max_length=10_000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
StudyName = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="1 to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit.",
    ),
]
ObjectiveName = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$",
        description="1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or '_'.",
    ),
]
TrialId = Annotated[str, Field(strict=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
StrategyName = Annotated[Strategy, Field(description="How architectures are chosen; 'svge' is the full search.")]
