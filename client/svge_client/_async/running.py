"""A trial while it runs: its lease is renewed in the background until it is reported, failed, stopped or given up."""

import logging
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from svge_client.bodies import is_finite
from svge_client.concurrency import AsyncCall, AsyncLock, AsyncPulse, async_sleep
from svge_client.errors import TEMPORARY, Invalid, LeaseLost, NothingToDo, SvgeError, TrialDiverged, TrialStopped
from svge_client.values import Architecture, Heartbeat, Progress, Trial

if TYPE_CHECKING:
    from svge_client._async.trainer import AsyncTrainer

_log = logging.getLogger("svge_client")

_MOST_AT_ONCE = 500
"""Intermediate values in one request, where a server that was away left more unsent."""


class AsyncRunningTrial:
    """Use it as a context manager around the training. `report`, `fail` or `stop` ends it; an exception that leaves the body is
    reported as the trial's failure, and a body that ends with none of these is a `RuntimeError`. Ctrl-C, errors of the conversation
    with the server and whatever comes after a value was reported, accepted or not, report nothing, for they say nothing about the
    architecture: the lease runs out and somebody else gets it.

    `TrialStopped`, which `progress` raises and a trainer may raise, ends the body early: that is reported, and the program goes on
    after the body.

    A report, failure or stop that cannot be delivered, because the server is away or fails, is told again for `patience` seconds
    before that is an error; heartbeats go on meanwhile.

    Entering raises `NothingToDo` where the study has no trial to hand out.
    """

    def __init__(
        self, client: "AsyncTrainer", study: str, worker: str, heartbeat_seconds: float | None, patience: float = 0.0
    ) -> None:
        self._client = client
        self._study = study
        self._worker = worker
        self.heartbeat_seconds = heartbeat_seconds
        self.patience = patience
        self._trial: Trial | None = None
        self._has_value = False
        self._has_ended = False
        self._is_unheard = False
        self._is_lost = False
        self._reason: str | None = None
        self._is_news = False
        self._last: Progress | None = None
        self._unsent: list[Progress] = []
        self._sending = AsyncLock()
        self._pulse: AsyncPulse | None = None

    @property
    def has_started(self) -> bool:
        """Whether it has been asked for with success."""
        return self._trial is not None

    @property
    def is_unheard(self) -> bool:
        """Whether its end was told, and the server has not taken it."""
        return self._is_unheard

    @property
    def trial(self) -> Trial:
        if self._trial is None:
            raise RuntimeError("the trial has not been asked for yet; use it in a 'with' statement, or start() it")
        return self._trial

    @property
    def architecture(self) -> Architecture:
        return self.trial.architecture

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def advice(self) -> str | None:
        """Why the server asks to end this trial early; None where it does not."""
        return self._reason

    @property
    def lost(self) -> bool:
        """Whether the server has given the trial to somebody else; a result is still accepted if nobody was faster."""
        return self._is_lost

    @property
    def should_stop(self) -> bool:
        """Whether the server asks to end this trial early."""
        return self._reason is not None

    async def progress(self, step: int, value: float) -> None:
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
        await self._send()
        is_news, self._is_news = self._is_news, False
        if is_news and self._reason is not None:
            raise TrialStopped(self._reason)

    async def report(
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
        return await self._finish(lambda: self._client.observe(self.trial, value, std=std, metrics=metrics, step=step))

    async def stop(self, reason: str) -> Trial:
        """Report that the trial was ended early, with the last value of `progress`, and end the heartbeats.

        The search does not learn from the value. Raises as `report` does.
        """
        value, step = (None, None) if self._last is None else (self._last.value, self._last.step)
        return await self._finish(lambda: self._client.stop(self.trial, reason, value=value, step=step))

    async def fail(self, reason: str) -> Trial:
        """Report that this architecture could not be trained, and end the heartbeats."""
        return await self._finish(lambda: self._client.fail(self.trial, reason))

    async def start(self, held: Trial | None = None) -> Self:
        """Ask for the trial, or go on with one that the worker holds, and begin with its heartbeats.

        For those who cannot use `with`: they must report, stop or fail it, or `abandon` it. Raises `NothingToDo` where the study
        has no trial to hand out.
        """
        if self.heartbeat_seconds is None:
            self.heartbeat_seconds = await self._client.heartbeat_period(self._study)
        self._trial = held or await self._ask()
        self._pulse = AsyncPulse(self._send, self.heartbeat_seconds, f"svge-heartbeat-{self._trial.number}")
        await self._pulse.start()
        return self

    async def abandon(self) -> None:
        """End the heartbeats without a report: the lease runs out and somebody else gets the trial."""
        self._has_ended = True
        if self._pulse is not None:
            await self._pulse.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        try:
            if self._has_ended:
                return isinstance(error, TrialStopped)
            if kind is None:
                if not self._has_value:
                    await self.fail("the trainer's body ended without a report")
                raise RuntimeError(
                    "the body ended without a report; call trial.report(value), trial.stop(reason) or trial.fail(reason)"
                )
            if isinstance(error, TrialStopped) and not self._has_value:
                if isinstance(error, TrialDiverged):
                    await self.fail(error.reason)
                else:
                    await self.stop(error.reason)
                return True
            if isinstance(error, Exception) and not isinstance(error, SvgeError) and not self._has_value:
                await self._report_failure(error)
            return False
        finally:
            await self.abandon()

    async def _ask(self) -> Trial:
        suggestion = await self._client.suggest(self._study, worker=self._worker)
        if not suggestion.trials:
            raise NothingToDo(suggestion.reason or "the study has no trial to hand out")
        return suggestion.trials[0]

    async def _report_failure(self, error: Exception) -> None:
        """The body's exception is the one that goes on; that it could not be reported is only logged."""
        try:
            await self.fail(f"{type(error).__name__}: {error}"[:500])
        except SvgeError as unreported:
            _log.warning("the failure of trial %s could not be reported: %s", self.trial.id, unreported)

    async def _finish(self, report: AsyncCall[Trial]) -> Trial:
        if self._unsent:
            await self._send()
        self._is_unheard = True
        try:
            self._trial = await self._deliver(report)
        except LeaseLost:
            self._is_unheard = False
            await self.abandon()
            raise
        self._is_unheard = False
        await self.abandon()
        return self._trial

    async def _deliver(self, report: AsyncCall[Trial]) -> Trial:
        """What the server says to it, told again while it is away and there is patience left."""
        last = time.monotonic() + self.patience
        while True:
            try:
                return await report()
            except TEMPORARY as error:
                left = last - time.monotonic()
                if left <= 0:
                    raise
                _log.warning(
                    "the end of trial %s did not arrive; it is told again for %.0f seconds: %s", self.trial.id, left, error
                )
            await async_sleep(min(left, self._client._longest_pause))

    async def _send(self) -> None:
        """Renew the lease, and tell the values that have not arrived yet, in their order.

        What goes wrong is no reason to stop: the next heartbeat may succeed, and the training goes on either way.
        """
        async with self._sending:
            unsent = self._unsent[:_MOST_AT_ONCE]
            try:
                answer = await self._client.heartbeat_once([self.trial], unsent, worker=self._worker)
            except SvgeError as error:
                _log.warning("the lease of trial %s was not renewed: %s", self.trial.id, error)
                if isinstance(error, Invalid):  # they would be refused for ever, and the lease with them
                    del self._unsent[: len(unsent)]
                return
            del self._unsent[: len(unsent)]
        self._hear(answer)

    def _hear(self, answer: Heartbeat) -> None:
        if self.trial.id in answer.lost and not self._is_lost:
            self._is_lost = True
            _log.warning("the lease of trial %s is lost: %s", self.trial.id, answer.lost[self.trial.id])
        if self.trial.id in answer.stop:
            self._reason = answer.stop[self.trial.id]
            self._is_news = True
        if self.trial.id in answer.renewed:
            for dropped in answer.dropped:
                _log.warning("the value of trial %s after step %d was not stored: %s", dropped.trial, dropped.step, dropped.reason)
