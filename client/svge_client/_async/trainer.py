"""The calls of a trainer, and those on single trials. What happens while a trial runs is in `running.py`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from svge_client._async.resource import AsyncResource
from svge_client._async.running import AsyncRunningTrial
from svge_client.bodies import KEPT, Kept, changes, given, result_body, study_path, trial_id, trial_path, value_fields
from svge_client.concurrency import AsyncTrain
from svge_client.errors import NothingToDo
from svge_client.history import ProgressPage, Step, TrialHistory
from svge_client.retry import ONCE, Retry
from svge_client.values import Heartbeat, Progress, Result, Study, Suggestion, Trial, trials_of

_LONGEST_HEARTBEAT = 60.0
_PATIENCE = 3600.0
"""How long `run` tells the end of a trial again, in seconds: what was trained shall outlive an hour without the server."""


class AsyncTrainer(AsyncResource):
    """The calls of trainers and on trials. `worker` is the client's own unless another one is given."""

    async def suggest(
        self,
        study: str,
        count: int = 1,
        wait: float | None = None,
        max_nodes: int | None = None,
        strategy: str | None = None,
        *,
        worker: str | None = None,
    ) -> Suggestion:
        """Up to `count` trials for this worker: those that it holds already, then new ones. Fewer come with a reason.

        `wait` is the longest wait for a fresh proposal, in seconds; `strategy` counts for this request instead of the study's.
        """
        body = {"study": study, "worker": worker or self.worker, "count": count}
        body |= given(wait=wait, max_nodes=max_nodes, strategy=strategy)
        answer = await self._transport.post("/suggest", body)
        return Suggestion(trials_of(answer), answer.get("reason"))

    def trial(
        self, study: str, heartbeat_seconds: float | None = None, *, worker: str | None = None, patience: float = 0.0
    ) -> AsyncRunningTrial:
        """A context manager that asks for one trial and keeps its lease; the heartbeats come at a quarter of the study's lease
        unless a period is given. An end of the trial that cannot be delivered is told again for `patience` seconds.
        """
        return AsyncRunningTrial(self, study, worker or self.worker, heartbeat_seconds, patience)

    async def run(
        self,
        study: str,
        train: AsyncTrain[AsyncRunningTrial],
        *,
        trials: int | None = None,
        catch: tuple[type[Exception], ...] = (),
        patience: float = _PATIENCE,
    ) -> tuple[Trial, ...]:
        """Train what the study hands out, until it hands out nothing more or `trials` have ended, and return those.

        `train` gets the running trial and returns its value, its values by objective, or None where it has reported them itself.
        An exception of it is reported as the trial's failure; it ends the run unless it is one to `catch`. A trial's end that
        cannot be delivered is told again for `patience` seconds; then, or where the server refuses it, that ends the run whatever
        is to be caught, for the trial would be handed out to this worker again, and trained again.
        """
        ended: list[Trial] = []
        while trials is None or len(ended) < trials:
            running = self.trial(study, patience=patience)
            try:
                async with running:
                    value = await train(running)
                    if value is not None:
                        await running.report(value)
            except NothingToDo:
                break
            except catch:
                if not running.has_started or running.is_unheard:
                    raise  # it is not an exception of `train`, or one that the server does not know of
            ended.append(running.trial)
        return tuple(ended)

    async def observe(
        self,
        trial: Trial,
        value: float | Mapping[str, float],
        *,
        std: float | None = None,
        metrics: Mapping[str, float] | None = None,
        step: int | None = None,
    ) -> Trial:
        """Report the value of a trial, or its values by objective where these have names; `step` is the one that it is of.

        Saying the same again changes nothing. A `std` or a metric that is not finite cannot be stored and is left out with a
        warning in the log: it shall not cost the value.

        Raises `Conflict` when it is finished with another value, `LeaseLost` when somebody else finished it before, and
        `ValueError` for NaN and infinities, which are failures: use `fail`.
        """
        return await self._observe(trial, "completed", **value_fields(value, std, metrics, step))

    async def fail(self, trial: Trial, reason: str) -> Trial:
        """Report that this architecture could not be trained; the study does not propose it again."""
        return await self._observe(trial, "failed", reason=reason)

    async def infeasible(self, trial: Trial, reason: str) -> Trial:
        """Report that this architecture breaks a limit of the trainer's own, of memory or latency say."""
        return await self._observe(trial, "infeasible", reason=reason)

    async def stop(self, trial: Trial, reason: str, *, value: float | None = None, step: int | None = None) -> Trial:
        """Report that a trial was ended early, with the value that it had after a step, of several observed objectives the first
        one's. The search does not learn from it, and the study does not propose the architecture again.
        """
        return await self._observe(trial, "stopped", reason=reason, **given(value=value, step=step))

    async def add_results(self, study: str, results: Sequence[Result]) -> tuple[Trial, ...]:
        """Store results from elsewhere, all of them or none; the same again changes nothing. Raises as `observe` does."""
        if not results:
            return ()
        return trials_of(await self._transport.post("/observe", [result_body(study, result) for result in results]))

    async def heartbeat(
        self, trials: Sequence[Trial | str], progress: Sequence[Progress] = (), *, worker: str | None = None
    ) -> Heartbeat:
        """Renew the leases of trials that this worker holds, and report intermediate values; the same ones again change nothing."""
        return await self._heartbeat(trials, progress, worker, None)

    async def heartbeat_once(
        self, trials: Sequence[Trial | str], progress: Sequence[Progress] = (), *, worker: str | None = None
    ) -> Heartbeat:
        """The same without repetitions, for callers who come again anyway."""
        return await self._heartbeat(trials, progress, worker, ONCE)

    async def heartbeat_period(self, study: str) -> float:
        """How often to send heartbeats to a study, in seconds."""
        lease = Study.from_json(await self._transport.get(study_path(study))).lease_seconds
        return min(lease / 4, _LONGEST_HEARTBEAT) if lease else _LONGEST_HEARTBEAT

    async def read_trial(self, trial: Trial | str) -> TrialHistory:
        """A trial with all its attempts and all reports that came in."""
        return TrialHistory.from_json(await self._transport.get(trial_path(trial)))

    async def trial_as(self, form: str, trial: Trial | str) -> str:
        """The architecture of a trial as text: `svg`, `dot` for Graphviz, or `python`, a module whose class `Network` is to be
        trained.
        """
        return (await self._transport.download(trial_path(trial), {"format": form})).decode()

    async def progress(self, trial: Trial | str, page_size: int = 100) -> AsyncIterator[Step]:
        """The intermediate values of a trial in order of attempt and step, fetched page by page."""
        async for page in self._pages(trial_path(trial) + "/progress", {"limit": page_size}):
            for step in ProgressPage.from_json(page).progress:
                yield step

    async def progress_page(self, trial: Trial | str, limit: int = 50, cursor: str | None = None) -> ProgressPage:
        """One page of them."""
        query = given(limit=limit, cursor=cursor)
        return ProgressPage.from_json(await self._transport.get(trial_path(trial) + "/progress", query))

    async def annotate(
        self, trial: Trial | str, *, note: str | None | Kept = KEPT, tags: Sequence[str] | None | Kept = KEPT
    ) -> Trial:
        """Write a note on a trial, or tag it. What is not given stays, None takes it away."""
        return Trial.from_json((await self._transport.patch(trial_path(trial), changes(note=note, tags=tags)))["trial"])

    async def replicate(self, trial: Trial | str, count: int = 1) -> tuple[Trial, ...]:
        """Let a trial's architecture be trained again; the search takes all of its values together."""
        return trials_of(await self._transport.post_once(trial_path(trial) + "/replicate", {"count": count}))

    async def _observe(self, trial: Trial, status: str, **fields: Any) -> Trial:
        body = {"trial": trial.id, "attempt": trial.attempt, "status": status, **fields}
        return Trial.from_json((await self._transport.post("/observe", body))["trial"])

    async def _heartbeat(
        self, trials: Sequence[Trial | str], progress: Sequence[Progress], worker: str | None, retry: Retry | None
    ) -> Heartbeat:
        body: dict[str, Any] = {"worker": worker or self.worker, "trials": [trial_id(trial) for trial in trials]}
        if progress:
            body["progress"] = [each.to_json() for each in progress]
        return Heartbeat.from_json(await self._transport.post("/heartbeat", body, retry=retry))
