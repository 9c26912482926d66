"""Points of the latent space, and what the server says of them, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from svge_client.values import Architecture, known


@dataclass(frozen=True, slots=True)
class Latent:
    """One encoded architecture: mean and standard deviation of its posterior in each latent dimension, and its canonical id."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    canonical_id: str

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Latent":
        return cls(tuple(document["mean"]), tuple(document["std"]), document["canonical_id"])


@dataclass(frozen=True, slots=True)
class Decoding:
    """One distinct architecture decoded from a latent point. `frequency` is its share of the samples, `round_trip_distance`
    the Euclidean distance from the point to its encoding; the prediction is there only for a study with observations.
    """

    architecture: Architecture
    canonical_id: str
    frequency: float
    valid: bool
    round_trip_distance: float
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: float | None
    trial: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Decoding":
        return cls(**known(cls, {**document, "architecture": Architecture.from_json(document["architecture"])}))


@dataclass(frozen=True, slots=True)
class DecodedPoint:
    """A latent point and its distinct architectures, the most frequent first."""

    latent: tuple[float, ...]
    decodings: tuple[Decoding, ...]


def decoded_points(document: Mapping[str, Any]) -> list[DecodedPoint]:
    around: list[list[Decoding]] = [[] for _ in document["points"]]
    for decoding in document["architectures"]:
        around[decoding["point"]].append(Decoding.from_json(decoding))
    return [DecodedPoint(tuple(point), tuple(found)) for point, found in zip(document["points"], around, strict=True)]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a study expects of an architecture, None while it has fewer than two observations; `trial` is the id of its own."""

    canonical_id: str
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: float | None
    trial: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Prediction":
        return cls(**known(cls, document))


@dataclass(frozen=True, slots=True)
class PlacedTrial:
    """A trial, by its id, in a plane of the latent space."""

    trial: str
    number: int
    state: str
    source: str
    value: float | None
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PlacedArchitecture:
    """An architecture of the space in the same plane, with what the study expects of it."""

    architecture: Architecture
    canonical_id: str
    x: float
    y: float
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: float | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "PlacedArchitecture":
        return cls(**known(cls, {**document, "architecture": Architecture.from_json(document["architecture"])}))


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The newest trials and a sample of the space; `explained` is the share of the variance along x and along y."""

    trials: tuple[PlacedTrial, ...]
    sample: tuple[PlacedArchitecture, ...]
    explained: tuple[float, float]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "LatentMap":
        along_x, along_y = document["explained"]
        return cls(
            trials=tuple(PlacedTrial(**known(PlacedTrial, trial)) for trial in document["trials"]),
            sample=tuple(PlacedArchitecture.from_json(one) for one in document["sample"]),
            explained=(along_x, along_y),
        )
