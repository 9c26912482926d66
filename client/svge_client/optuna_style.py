"""Ask and tell in the words of Optuna, for programs that come from there; nothing of Optuna is needed.

What an objective gets is an architecture, `trial.architecture`, instead of the values of `trial.suggest_…`. The rest is as there:
directions are `minimize` unless given, steps count from 0, `study.optimize` ends after `n_trials`. A trial that has been asked for
keeps its lease, by heartbeats from a thread, until it is told.
"""

import itertools
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from enum import StrEnum
from functools import cached_property
from typing import Any

from svge_client._sync.client import Client
from svge_client._sync.running import RunningTrial
from svge_client.bodies import COSTS, is_finite
from svge_client.errors import LeaseLost, NothingToDo, TrialStopped
from svge_client.slots import Slots
from svge_client.values import Architecture
from svge_client.values import Trial as FrozenTrial

Values = float | Sequence[float] | Mapping[str, float]
"""The value of a trial, or its values: by objective, or in the order of the objectives that are observed."""


_PATIENCE = 3600.0
"""How long `optimize` tells a result again that cannot be delivered, in seconds."""


class TrialState(StrEnum):
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "fail"


class TrialPruned(Exception):
    """Raised by an objective that ends early."""


class Trial:
    """A trial while its objective runs."""

    def __init__(self, running: RunningTrial, worker: str) -> None:
        self._running = running
        self._worker = worker

    @property
    def number(self) -> int:
        return self._running.number

    @property
    def architecture(self) -> Architecture:
        return self._running.architecture

    @property
    def native(self) -> Any:
        """The architecture in the space's own form."""
        return self._running.trial.native

    def report(self, value: float, step: int) -> None:
        """Tell the value after a step, counted from 0; the service counts from 1. A value that is not finite is not stored."""
        with suppress(TrialStopped):
            self._running.progress(step + 1, value)

    def should_prune(self) -> bool:
        """Whether the study's stopping rule, which `create_study` names, gives this trial up."""
        return self._running.should_stop


Objective = Callable[[Trial], Values]


class Study:
    """A study of the service behind the face of one of Optuna's. `storage` is the server's address, or a client."""

    def __init__(self, study_name: str, storage: str | Client | None = None) -> None:
        self._client = storage if isinstance(storage, Client) else Client(storage)
        if self._client is not storage:
            weakref.finalize(self, self._client.close)
        self._slots = Slots(self._client.worker)
        self._asked: dict[int, Trial] = {}
        self._stopped = threading.Event()
        self.study_name = study_name

    @property
    def directions(self) -> dict[str, str]:
        """By objective; the only one without a name is called `value`."""
        study = self._client.study(self.study_name)
        return {"value": study.objective} if study.objectives is None else dict(study.objectives)

    @property
    def trials(self) -> list[FrozenTrial]:
        return list(self._client.trials(self.study_name))

    @property
    def best_trial(self) -> FrozenTrial:
        """Raises `ValueError` while none is completed."""
        best = self._client.best(self.study_name)
        if not best:
            raise ValueError("no trial is completed yet")
        return best[0]

    @property
    def best_value(self) -> float:
        """Raises as `best_trial` does."""
        value = self.best_trial.value
        assert value is not None
        return value

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The trials that no other one dominates."""
        return list(self._client.pareto(self.study_name))

    def enqueue_trial(self, architecture: Architecture) -> None:
        """Let this one be trained next."""
        self._client.enqueue(self.study_name, [architecture])

    def ask(self) -> Trial:
        """A new trial. Raises `NothingToDo` where the study hands out none."""
        return self._ask(patience=0.0)

    def _ask(self, patience: float) -> Trial:
        _ = self._observed  # as long as the server answers: it may be away when values are told
        worker = self._slots.take()
        running = self._client.trial(self.study_name, worker=worker, patience=patience)
        try:
            running.start()
        except BaseException:
            self._slots.free(worker)
            raise
        trial = Trial(running, worker)
        self._asked[trial.number] = trial
        return trial

    def tell(
        self, trial: Trial | int, values: Values | None = None, state: TrialState | str | None = None, *, reason: str = ""
    ) -> FrozenTrial:
        """Report a trial, by itself or by its number: completed where it has finite values, else failed, unless a state is given.

        Raises `ValueError` for a trial that was not asked for here, or was told before.
        """
        number = trial if isinstance(trial, int) else trial.number
        asked = self._asked.get(number)
        if asked is None:
            raise ValueError(f"trial {number} does not wait for its result here; tell each trial that was asked for once")
        try:
            told = self._told(asked._running, values, None if state is None else TrialState(state), reason)
        except LeaseLost:
            self._let_go(asked)
            raise
        self._let_go(asked)
        return told

    def optimize(
        self,
        objective: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: tuple[type[Exception], ...] = (),
        callbacks: Sequence[Callable[["Study", FrozenTrial], None]] = (),
    ) -> None:
        """Train until `n_trials` have ended, `timeout` seconds are over, the study hands out nothing more, or `stop` is called.

        `n_jobs` trials run side by side in threads. An exception of the objective fails the trial, and goes on unless it is one to
        `catch`; trials that run beside it still end. While the server is away, results are told again for an hour.
        """
        self._stopped.clear()
        last = None if timeout is None else time.monotonic() + timeout
        left = itertools.count() if n_trials is None else iter(range(n_trials))  # its next is safe between threads

        def work() -> None:
            while not self._stopped.is_set() and (last is None or time.monotonic() < last) and next(left, None) is not None:
                try:
                    told = self._run(objective, catch)
                except NothingToDo:
                    return
                for callback in callbacks:
                    callback(self, told)

        if n_jobs == 1:
            work()
            return
        with ThreadPoolExecutor(n_jobs) as pool:
            jobs = [pool.submit(work) for _ in range(n_jobs)]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BaseException:  # Ctrl-C too: the other threads would go on for as long as there are trials
                self.stop()
                raise

    def stop(self) -> None:
        """Let `optimize` end after the trials that run."""
        self._stopped.set()

    def _run(self, objective: Objective, catch: tuple[type[Exception], ...]) -> FrozenTrial:
        trial = self._ask(_PATIENCE)
        try:
            return self._measure(trial, objective, catch)
        finally:  # Ctrl-C, or a result that could not be told: somebody else gets it
            trial._running.abandon()
            self._let_go(trial)

    def _measure(self, trial: Trial, objective: Objective, catch: tuple[type[Exception], ...]) -> FrozenTrial:
        try:
            values = objective(trial)
        except TrialPruned as pruned:
            return self.tell(trial, state=TrialState.PRUNED, reason=str(pruned))
        except Exception as error:
            told = self.tell(trial, state=TrialState.FAIL, reason=f"{type(error).__name__}: {error}"[:500])
            if isinstance(error, catch):
                return told
            raise
        return self.tell(trial, values)

    def _told(self, running: RunningTrial, values: Values | None, state: TrialState | None, reason: str) -> FrozenTrial:
        if state is TrialState.PRUNED:
            return running.stop(reason or running.advice or "pruned")
        named = None if values is None else self._named(values)
        if state is TrialState.FAIL or named is None or not is_finite(named):
            return running.fail(reason or f"the objective gave {values}")
        return running.report(named)

    def _named(self, values: Values) -> float | Mapping[str, float]:
        if isinstance(values, Mapping | int | float) or not isinstance(values, Sequence):
            return values
        named = dict(zip(self._observed, values, strict=True))
        return named["value"] if list(named) == ["value"] else named

    @cached_property
    def _observed(self) -> list[str]:
        """The names of what trainers report."""
        return [name for name in self.directions if name not in COSTS]

    def _let_go(self, trial: Trial) -> None:
        if self._asked.pop(trial.number, None) is not None:  # the second time somebody else may have the slot
            self._slots.free(trial._worker)


def create_study(
    study_name: str,
    space: str,
    *,
    storage: str | Client | None = None,
    direction: str = "minimize",
    directions: Mapping[str, str] | None = None,
    load_if_exists: bool = False,
    stopping: Mapping[str, Any] | None = None,
    max_trials: int | None = None,
    seed: int = 0,
) -> Study:
    """Create a study over a search space. `storage` is the server's address, or a client; `directions` are by objective.

    `stopping` is the rule behind `should_prune`: `{"rule": "median"}`, say. Raises `Conflict` where the study is there, unless
    `load_if_exists`.
    """
    study = Study(study_name, storage)
    study._client.create_study(
        study_name,
        space,
        objective=direction,
        objectives=directions,
        stopping=stopping,
        max_trials=max_trials,
        seed=seed,
        exist_ok=load_if_exists,
    )
    return study


def load_study(study_name: str, *, storage: str | Client | None = None) -> Study:
    """A study that is there. Raises `NotFound`."""
    study = Study(study_name, storage)
    study._client.study(study_name)
    return study
