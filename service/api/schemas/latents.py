"""Encoding and decoding on the wire."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from models.spaces.space import SearchSpace
from service.api.schemas.architectures import CELL, NATIVE, ArchitectureSchema, CanonicalArchitecture, Native, architecture_schema
from service.api.schemas.fields import MAX_ENTRIES, Finite, Json, Name, Schema, Seed, shown
from service.studies.latent_points import Point
from service.studies.latents import Decoded, Expected
from service.workers.worker import Encoding

CANONICAL_ID = "b269d0c04ca0c0b296c9ad5abf9b81aa3ea6403473299a684f52fade13ed3345"
ENCODE: Json = {"space": "nasbench101", "architectures": [CELL]}
ENCODED: Json = {"latents": [{"mean": [0.1, -0.3, 1.2], "std": [0.05, 0.04, 0.06], "canonical_id": CANONICAL_ID}]}
DECODE: Json = {"study": "demo", "latents": [[0.1, -0.3, 1.2]], "samples": 10}
DECODED: Json = {
    "points": [[0.1, -0.3, 1.2]],
    "architectures": [
        {
            "point": 0,
            "architecture": CELL,
            "native": NATIVE,
            "canonical_id": CANONICAL_ID,
            "frequency": 0.7,
            "valid": True,
            "round_trip_distance": 0.4,
            "predicted_mean": 0.9,
            "predicted_std": 0.02,
            "acquisition_value": -5.1,
            "trial": None,
        }
    ],
}
PREDICT: Json = {"study": "demo", "architectures": [CELL]}
PREDICTED: Json = {
    "predictions": [
        {
            "canonical_id": CANONICAL_ID,
            "predicted_mean": 0.9,
            "predicted_std": 0.02,
            "acquisition_value": -5.1,
            "trial": None,
        }
    ]
}

Mode = Literal["sampled", "greedy"]
Samples = Annotated[int, Field(strict=True, ge=1, le=1_000_000, description="Architectures drawn at each point.")]


class EncodeRequest(Schema):
    """Exactly one of `space` (its default model), `model` and `study` says whose latent space is meant."""

    model_config = shown(ENCODE)

    space: Name | None = None
    model: Name | None = None
    study: Name | None = None
    architectures: Annotated[list[ArchitectureSchema], Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True)]


class Latent(Schema):
    """Mean and standard deviation of the posterior, one number a latent dimension."""

    mean: list[float]
    std: list[float]
    canonical_id: str


class EncodeAnswer(Schema):
    """One latent for each architecture, in order."""

    model_config = shown(ENCODED)

    latents: list[Latent]


class DecodeRequest(Schema):
    """Exactly one of `study` and `model` says whose latent space is meant; with a study come its predictions."""

    model_config = shown(DECODE)

    study: Name | None = None
    model: Name | None = None
    latents: Annotated[list[Annotated[list[Finite], Field(fail_fast=True)]], Field(min_length=1, max_length=MAX_ENTRIES)]
    samples: Samples = 1
    mode: Mode = "sampled"
    seed: Seed = 0


class DecodedArchitecture(Schema):
    """One distinct architecture around the point with the index `point`.

    `frequency` is its share of the samples, `round_trip_distance` that from the point to its own encoding, `trial` the id of
    the study's trial of it. Predictions are null without a study or while it has fewer than two observations.
    """

    point: int
    architecture: CanonicalArchitecture
    native: Native
    canonical_id: str
    frequency: float
    valid: bool
    round_trip_distance: float
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: float | None
    trial: str | None


class DecodeAnswer(Schema):
    """The points, and point by point the architectures around each, the most frequent first."""

    model_config = shown(DECODED)

    points: list[list[float]]
    architectures: list[DecodedArchitecture]


class PredictRequest(Schema):
    model_config = shown(PREDICT)

    study: Name
    architectures: Annotated[list[ArchitectureSchema], Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True)]


class PredictionSchema(Schema):
    """What the study expects of one architecture, null while it has fewer than two observations; `trial` is the id of its own."""

    canonical_id: str
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: float | None
    trial: str | None


class PredictAnswer(Schema):
    """One prediction for each architecture, in order."""

    model_config = shown(PREDICTED)

    predictions: list[PredictionSchema]


def predict_schema(expected: Sequence[Expected]) -> PredictAnswer:
    return PredictAnswer(
        predictions=[
            PredictionSchema(
                canonical_id=one.canonical_id,
                predicted_mean=one.prediction.mean if one.prediction else None,
                predicted_std=one.prediction.std if one.prediction else None,
                acquisition_value=one.prediction.acquisition_value if one.prediction else None,
                trial=one.trial,
            )
            for one in expected
        ]
    )


def encode_schema(encodings: Sequence[Encoding]) -> EncodeAnswer:
    return EncodeAnswer(latents=[Latent(mean=list(e.mean), std=list(e.std), canonical_id=e.canonical_id) for e in encodings])


def decode_schema(space: SearchSpace, points: Sequence[Point], decoded: Sequence[Decoded]) -> DecodeAnswer:
    return DecodeAnswer(points=[list(point) for point in points], architectures=[_decoded_schema(space, item) for item in decoded])


def _decoded_schema(space: SearchSpace, item: Decoded) -> DecodedArchitecture:
    decoding, prediction = item.decoding, item.prediction
    return DecodedArchitecture(
        point=item.point,
        architecture=architecture_schema(decoding.architecture),
        native=space.format_native(decoding.architecture),
        canonical_id=decoding.canonical_id,
        frequency=decoding.frequency,
        valid=item.valid,
        round_trip_distance=decoding.round_trip_distance,
        predicted_mean=prediction.mean if prediction else None,
        predicted_std=prediction.std if prediction else None,
        acquisition_value=prediction.acquisition_value if prediction else None,
        trial=item.trial,
    )
