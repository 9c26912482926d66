"""What plots are drawn from, on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.api.schemas.architectures import CELL, NATIVE, CanonicalArchitecture, Native, architecture_schema
from service.api.schemas.fields import Json, Schema, shown
from service.api.schemas.latents import CANONICAL_ID
from service.api.schemas.trials import TRIAL_ID
from service.storage.values import TrialSource, TrialState
from service.studies.curve import Curve
from service.studies.latent_map import LatentMap

CURVE: Json = {
    "improvements": [
        {"trial": TRIAL_ID, "number": 12, "evaluations": 9, "value": 0.931, "finished_at": "2026-01-31T12:10:00Z"},
    ],
    "evaluations": 11,
}
MAP: Json = {
    "trials": [{"trial": TRIAL_ID, "number": 12, "state": "completed", "source": "initial", "value": 0.931, "x": 1.4, "y": -0.2}],
    "sample": [
        {
            "architecture": CELL,
            "native": NATIVE,
            "canonical_id": CANONICAL_ID,
            "x": 0.3,
            "y": 2.1,
            "predicted_mean": 0.9,
            "predicted_std": 0.02,
            "acquisition_value": -5.1,
        }
    ],
    "explained": [0.31, 0.12],
}

Coordinate = Annotated[float, Field(description="Along an axis, in units of the latent space.")]


class ImprovementSchema(Schema):
    """A trial that was better than all completed before it; `evaluations` counts these and itself."""

    trial: str
    number: int
    evaluations: int
    value: float
    finished_at: datetime


class CurveAnswer(Schema):
    """The best value so far, of the first objective: a step at each improvement, level up to the last of `evaluations`."""

    model_config = shown(CURVE)

    improvements: list[ImprovementSchema]
    evaluations: int


class PlacedTrial(Schema):
    trial: str
    number: int
    state: TrialState
    source: TrialSource
    value: float | None
    x: Coordinate
    y: Coordinate


class PlacedArchitecture(Schema):
    """Predictions are null while the study has fewer than two observations."""

    architecture: CanonicalArchitecture
    native: Native
    canonical_id: str
    x: Coordinate
    y: Coordinate
    predicted_mean: float | None
    predicted_std: float | None
    acquisition_value: float | None


class MapAnswer(Schema):
    """`explained` is the share of the variance of random architectures along x and along y."""

    model_config = shown(MAP)

    trials: list[PlacedTrial]
    sample: list[PlacedArchitecture]
    explained: tuple[float, float]


def curve_schema(curve: Curve) -> CurveAnswer:
    improvements = [
        ImprovementSchema(
            trial=one.trial, number=one.number, evaluations=one.evaluations, value=one.value, finished_at=one.finished_at
        )
        for one in curve.improvements
    ]
    return CurveAnswer(improvements=improvements, evaluations=curve.evaluations)


def map_schema(found: LatentMap) -> MapAnswer:
    trials = [
        PlacedTrial(trial=trial.id, number=trial.number, state=trial.state, source=trial.origin.source, value=trial.value, x=x, y=y)
        for trial, (x, y) in found.trials
    ]
    sample = [
        PlacedArchitecture(
            architecture=architecture_schema(one.encoding.architecture),
            native=found.space.format_native(one.encoding.architecture),
            canonical_id=one.encoding.canonical_id,
            x=one.place[0],
            y=one.place[1],
            predicted_mean=one.prediction.mean if one.prediction else None,
            predicted_std=one.prediction.std if one.prediction else None,
            acquisition_value=one.prediction.acquisition_value if one.prediction else None,
        )
        for one in found.sample
    ]
    assert found.explained is not None, "principal components have shares"
    return MapAnswer(trials=trials, sample=sample, explained=found.explained)
