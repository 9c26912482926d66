"""A trial while it runs: its lease is renewed from a background thread until it is reported, failed, stopped or given up."""

import logging
import math
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

from svge_client.errors import Invalid, LeaseLost, NothingToDo, SvgeError, TrialDiverged, TrialStopped
from svge_client.values import Architecture, Heartbeat, Progress, Trial

_log = logging.getLogger("svge_client")

_MOST_AT_ONCE = 500
"""Intermediate values in one request, where a server that was away left more unsent."""


class Endpoint(Protocol):
    """What a running trial needs of the client."""

    def observe(
        self,
        trial: Trial,
        value: float | Mapping[str, float],
        *,
        std: float | None = None,
        metrics: Mapping[str, float] | None = None,
        step: int | None = None,
    ) -> Trial: ...

    def fail(self, trial: Trial, reason: str) -> Trial: ...

    def stop(self, trial: Trial, reason: str, *, value: float | None = None, step: int | None = None) -> Trial: ...

    def heartbeat_once(self, trials: list[Trial], progress: list[Progress]) -> Heartbeat: ...


class RunningTrial:
    """Use it as a context manager around the training. `report`, `fail` or `stop` ends it; an exception that leaves the body is
    reported as the trial's failure, and a body that ends with none of these is a `RuntimeError`. Ctrl-C, errors of the conversation
    with the server and whatever comes after a value was reported, accepted or not, report nothing, for they say nothing about the
    architecture: the lease runs out and somebody else gets it.

    `TrialStopped`, which `progress` raises and a trainer may raise, ends the body early: that is reported, and the program goes on
    after the body.

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
        self._advice: str | None = None
        self._last: Progress | None = None
        self._unsent: list[Progress] = []
        self._sending = threading.Lock()
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

    def progress(self, step: int, value: float) -> None:
        """Tell the value after a step, an epoch say, counted from 1; it renews the lease. Of several observed objectives the first
        one's counts.

        Raises `TrialStopped` where the server advises to end the trial, and `TrialDiverged`, which is one, for NaN and infinities.
        Catch it to go on instead. Does not raise where the server cannot be reached: the value is sent again with the next
        heartbeat.
        """
        if step < 1:
            raise ValueError(f"expected a step of at least 1, got {step}; count from 1")
        if not is_finite(value):
            raise TrialDiverged(f"the training diverged: the value after step {step} is {value}")
        self._last = Progress(self.trial, int(step), float(value))
        self._unsent.append(self._last)
        self._send()
        advice, self._advice = self._advice, None
        if advice is not None:
            raise TrialStopped(advice)

    def report(
        self,
        value: float | Mapping[str, float],
        std: float | None = None,
        metrics: Mapping[str, float] | None = None,
        step: int | None = None,
    ) -> Trial:
        """Complete the trial with its value, or its values by objective, and end its heartbeats; `std` is the standard error of the
        (first) value, `step` the one after which it was measured.

        Raises `LeaseLost` when somebody else finished the trial before; other errors leave the trial running.
        """
        self._has_value = self._has_value or is_finite(value)
        return self._finish(lambda: self._endpoint.observe(self.trial, value, std=std, metrics=metrics, step=step))

    def stop(self, reason: str) -> Trial:
        """Report that the trial was ended early, with the last value of `progress`, and end the heartbeats.

        The search does not learn from the value. Raises as `report` does.
        """
        value, step = (None, None) if self._last is None else (self._last.value, self._last.step)
        return self._finish(lambda: self._endpoint.stop(self.trial, reason, value=value, step=step))

    def fail(self, reason: str) -> Trial:
        """Report that this architecture could not be trained, and end the heartbeats."""
        return self._finish(lambda: self._endpoint.fail(self.trial, reason))

    def __enter__(self) -> Self:
        self._trial = self._ask()
        self._thread = threading.Thread(target=self._beat, name=f"svge-heartbeat-{self._trial.number}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        try:
            if self._ended.is_set():
                return isinstance(error, TrialStopped)
            if kind is None:
                if not self._has_value:
                    self.fail("the trainer's body ended without a report")
                raise RuntimeError(
                    "the body ended without a report; call trial.report(value), trial.stop(reason) or trial.fail(reason)"
                )
            if isinstance(error, TrialStopped) and not self._has_value:
                if isinstance(error, TrialDiverged):
                    self.fail(error.reason)
                else:
                    self.stop(error.reason)
                return True
            if isinstance(error, Exception) and not isinstance(error, SvgeError) and not self._has_value:
                self._report_failure(error)
            return False
        finally:
            self._end()

    def _report_failure(self, error: Exception) -> None:
        """The body's exception is the one that goes on; that it could not be reported is only logged."""
        try:
            self.fail(f"{type(error).__name__}: {error}"[:500])
        except SvgeError as unreported:
            _log.warning("the failure of trial %s could not be reported: %s", self.trial.id, unreported)

    def _finish(self, send: Callable[[], Trial]) -> Trial:
        if self._unsent:
            self._send()
        try:
            done = send()
        except LeaseLost:
            self._end()
            raise
        self._end()
        return done

    def _end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(self.heartbeat_seconds):
            self._send()

    def _send(self) -> None:
        """Renew the lease, and tell the values that have not arrived yet, in their order.

        What goes wrong is no reason to stop: the next heartbeat may succeed, and the training goes on either way.
        """
        with self._sending:
            unsent = self._unsent[:_MOST_AT_ONCE]
            try:
                answer = self._endpoint.heartbeat_once([self.trial], unsent)
            except SvgeError as error:
                _log.warning("the lease of trial %s was not renewed: %s", self.trial.id, error)
                if isinstance(error, Invalid):  # they would be refused for ever, and the lease with them
                    del self._unsent[: len(unsent)]
                return
            del self._unsent[: len(unsent)]
        self._hear(answer)

    def _hear(self, answer: Heartbeat) -> None:
        if self.trial.id in answer.lost:
            self._lost.set()
        if self.trial.id in answer.stop:
            self._advice = answer.stop[self.trial.id]
            self._stop.set()
        if self.trial.id in answer.renewed:
            for dropped in answer.dropped:
                _log.warning("the value of trial %s after step %d was not stored: %s", dropped.trial, dropped.step, dropped.reason)


def is_finite(value: float | Mapping[str, float]) -> bool:
    """Whether a value, or each of several, can be reported."""
    return all(map(math.isfinite, value.values() if isinstance(value, Mapping) else [value]))


def first_trial(trials: tuple[Trial, ...], reason: str | None) -> Trial:
    """The trial to run. Raises `NothingToDo` with the server's reason where there is none."""
    if not trials:
        raise NothingToDo(reason or "the study has no trial to hand out")
    return trials[0]
