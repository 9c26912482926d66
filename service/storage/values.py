"""What storage hands out: frozen values, never rows. Which state may follow which is `studies/states.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from models.architectures.architecture import Architecture
from models.search.proposal import COSTS, CostName, Direction, FurtherObjective, Hyperparameters, Limits, Strategy

TrialSource = Literal["initial", "acquisition", "enqueued", "extrapolation", "fallback"]


class TrialState(StrEnum):
    """Where a trial stands. `waiting` is a trial whose lease ran out and that goes to the next asker."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class NamedObjective:
    """One of several objectives. One that has the name of a cost is counted from the graph, the others are observed."""

    name: str
    direction: Direction

    @property
    def cost(self) -> CostName | None:
        return next((cost for cost in COSTS if cost == self.name), None)


class KeyScope(StrEnum):
    """What a key may do, each with what those before it may: look around, train, and change studies."""

    READ = "read"
    OBSERVE = "observe"
    ADMIN = "admin"

    def includes(self, other: "KeyScope") -> bool:
        order = list(KeyScope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Key:
    """A stored key to the API; its token is known to whoever made it alone."""

    name: str
    scope: KeyScope
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Annotation:
    """What people write on a study or a trial: a free text, and words to find it by."""

    note: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MedianRule:
    """A trial should stop at a step, from `min_step` on, where it is worse than the median of at least `min_trials` others.

    At `max_step`, where training ends, and after it no trial is stopped any more: its value is its result.
    """

    min_step: int = 1
    min_trials: int = 5
    max_step: int | None = None
    rule: Literal["median"] = "median"


@dataclass(frozen=True, slots=True)
class AshaRule:
    """A trial should stop at a rung, `min_step * reduction_factor**k` steps, unless among the best 1/`reduction_factor` there.

    `max_step` is as for the median.
    """

    min_step: int = 1
    reduction_factor: int = 3
    max_step: int | None = None
    rule: Literal["asha"] = "asha"


StoppingRule = MedianRule | AshaRule


@dataclass(frozen=True, slots=True)
class StudySettings:
    """What a study is created with. `lease_seconds` 0 means leases never run out; None in a limit means there is none.

    `objectives` are there where they have names, an observed one first, whose direction is `objective` and whose value is that of
    a trial. Nothing beyond the `limits` is proposed. Without a `stopping` rule no trial is advised to stop.
    """

    name: str
    space: str
    objective: Direction
    seed: int
    strategy: Strategy
    initial_size: int
    max_trials: int | None
    lease_seconds: int
    max_attempts: int
    model_hash: str
    objectives: tuple[NamedObjective, ...] = ()
    limits: Limits = Limits()
    stopping: StoppingRule | None = None

    @property
    def observed_names(self) -> tuple[str, ...]:
        """The names of the objectives that trainers report, the first one first; none where there is one without a name."""
        return tuple(objective.name for objective in self.objectives if objective.cost is None)

    @property
    def further(self) -> tuple[FurtherObjective, ...]:
        """The objectives after the first as the search takes them."""
        return tuple(FurtherObjective(objective.direction, objective.cost) for objective in self.objectives[1:])


@dataclass(frozen=True, slots=True)
class Study:
    """A stored study. `hyperparameters` are those of the last fit of its surrogate; a closed one hands nothing out any more."""

    id: int
    settings: StudySettings
    trials_created: int
    hyperparameters: Hyperparameters | None
    created_at: datetime
    closed_at: datetime | None = None
    annotation: Annotation = Annotation()

    @property
    def name(self) -> str:
        return self.settings.name


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a trial exists: its source, the latent point, and what the surrogate expected of it then, where it was asked."""

    source: TrialSource
    latent: tuple[float, ...] | None = None
    predicted_mean: float | None = None
    predicted_std: float | None = None
    acquisition_value: float | None = None
    observations_seen: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training a trial gave. `value` is None where there is none, `std` where it is not known. `values` are those of the
    objectives that have names, by name; `value` is then the first one's. `step` is the one after which they were measured.
    """

    status: TrialState
    value: float | None = None
    std: float | None = None
    reason: str | None = None
    values: Mapping[str, float] | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A stored trial. `finished_attempt` is the attempt whose report finished it: None while nobody's did, 0 for a result
    from elsewhere. `worker` holds, or held last, the current `attempt`. `replicate` is 0 for the first trial of an architecture.
    """

    id: str
    study: str
    number: int
    state: TrialState
    attempt: int
    worker: str | None
    lease_expires_at: datetime | None
    architecture: Architecture
    canonical_id: str
    origin: Origin
    model_hash: str
    value: float | None
    values: Mapping[str, float] | None
    std: float | None
    reason: str | None
    finished_attempt: int | None
    created_at: datetime
    finished_at: datetime | None
    replicate: int = 0
    annotation: Annotation = Annotation()

    @property
    def is_settled(self) -> bool:
        """Whether somebody's report has finished the trial. One that failed because its leases ran out is not settled."""
        return self.finished_attempt is not None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a trial was handed out; `outcome` is a trial state or `expired`, None while it runs."""

    attempt: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """One report as it came in. `attempt` 0 is a result from elsewhere; a `late` one did not change the trial."""

    attempt: int
    outcome: Outcome
    metrics: Mapping[str, Any] | None
    late: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one attempt after a step, of the first observed objective, with what a stopping rule needs of those before it.

    `reports` counts the values up to this one, `mean` and `best` are over them. `rung` is the rung of ASHA that the attempt reached
    with this one, None where it reached none.
    """

    step: int
    value: float
    reports: int
    mean: float
    best: float
    rung: int | None


@dataclass(frozen=True, slots=True)
class StoredProgress:
    """One intermediate value as it came in."""

    attempt: int
    step: int
    value: float
    received_at: datetime
