"""A trial while it runs: its lease is renewed from a background thread until it is reported, failed or given up."""

import logging
import math
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

from svge_client.errors import LeaseLost, NothingToDo, SvgeError
from svge_client.values import Architecture, Heartbeat, Trial

_log = logging.getLogger("svge_client")


class Endpoint(Protocol):
    """What a running trial needs of the client."""

    def observe(
        self,
        trial: Trial,
        value: float | Mapping[str, float],
        *,
        std: float | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> Trial: ...

    def fail(self, trial: Trial, reason: str) -> Trial: ...

    def heartbeat_once(self, trials: list[Trial]) -> Heartbeat: ...


class RunningTrial:
    """Use it as a context manager around the training. `report` or `fail` ends it; an exception that leaves the body is
    reported as the trial's failure, and a body that ends with neither is a `RuntimeError`. Ctrl-C, errors of the conversation
    with the server and whatever comes after a value was reported, accepted or not, report nothing, for they say nothing about the
    architecture: the lease runs out and somebody else gets it.

    Entering raises `NothingToDo` where the study has no trial to hand out.
    """

    def __init__(self, endpoint: Endpoint, ask: Callable[[], Trial], heartbeat_seconds: float) -> None:
        self._endpoint = endpoint
        self._ask = ask
        self.heartbeat_seconds = heartbeat_seconds
        self._trial: Trial | None = None
        self._has_value = False
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def trial(self) -> Trial:
        if self._trial is None:
            raise RuntimeError("the trial has not been asked for yet; use it in a 'with' statement")
        return self._trial

    @property
    def architecture(self) -> Architecture:
        return self.trial.architecture

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def lost(self) -> bool:
        """Whether the server has given the trial to somebody else; a result is still accepted if nobody was faster."""
        return self._lost.is_set()

    @property
    def should_stop(self) -> bool:
        """Whether the server asks to end this trial early."""
        return self._stop.is_set()

    def report(
        self, value: float | Mapping[str, float], std: float | None = None, metrics: Mapping[str, float] | None = None
    ) -> Trial:
        """Complete the trial with its value, or its values by objective, and end its heartbeats; `std` is the standard error of the
        (first) value.

        Raises `LeaseLost` when somebody else finished the trial before; other errors leave the trial running.
        """
        self._has_value = self._has_value or is_finite(value)
        try:
            done = self._endpoint.observe(self.trial, value, std=std, metrics=metrics)
        except LeaseLost:
            self._end()
            raise
        self._end()
        return done

    def fail(self, reason: str) -> Trial:
        """Report that this architecture could not be trained, and end the heartbeats."""
        done = self._endpoint.fail(self.trial, reason)
        self._end()
        return done

    def __enter__(self) -> Self:
        self._trial = self._ask()
        self._thread = threading.Thread(target=self._beat, name=f"svge-heartbeat-{self._trial.number}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._ended.is_set():
                return
            if kind is None:
                if not self._has_value:
                    self.fail("the trainer's body ended without a report")
                raise RuntimeError("the body ended without a report; call trial.report(value) or trial.fail(reason)")
            if isinstance(error, Exception) and not isinstance(error, SvgeError) and not self._has_value:
                self._report_failure(error)
        finally:
            self._end()

    def _report_failure(self, error: Exception) -> None:
        """The body's exception is the one that goes on; that it could not be reported is only logged."""
        try:
            self.fail(f"{type(error).__name__}: {error}"[:500])
        except SvgeError as unreported:
            _log.warning("the failure of trial %s could not be reported: %s", self.trial.id, unreported)

    def _end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        """A failed heartbeat is no reason to stop: the next one may succeed, and the training goes on either way."""
        while not self._ended.wait(self.heartbeat_seconds):
            try:
                answer = self._endpoint.heartbeat_once([self.trial])
            except SvgeError as error:
                _log.warning("the lease of trial %s was not renewed: %s", self.trial.id, error)
                continue
            if self.trial.id in answer.lost:
                self._lost.set()
            if self.trial.id in answer.stop:
                self._stop.set()


def is_finite(value: float | Mapping[str, float]) -> bool:
    """Whether a value, or each of several, can be reported."""
    return all(map(math.isfinite, value.values() if isinstance(value, Mapping) else [value]))


def first_trial(trials: tuple[Trial, ...], reason: str | None) -> Trial:
    """The trial to run. Raises `NothingToDo` with the server's reason where there is none."""
    if not trials:
        raise NothingToDo(reason or "the study has no trial to hand out")
    return trials[0]
