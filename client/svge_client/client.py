"""The client: one method for each thing a trainer says. What it reads is in `reading.py`, what happens while a trial runs in
`running.py`, when requests are repeated in `transport.py`.
"""

import os
import random
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from svge_client.bodies import KEPT, Kept, changes, finite, is_as_asked, study_path
from svge_client.errors import Conflict, Denied, NotFound
from svge_client.reading import Reader
from svge_client.running import RunningTrial, first_trial, is_finite
from svge_client.transport import ONCE, Retry, Transport
from svge_client.values import Architecture, Heartbeat, Imported, Progress, Study, Suggestion, Trial

_DEFAULT_RETRY = Retry()
_LONGEST_HEARTBEAT = 60.0


class Client(Reader):
    """Speaks to one server as one worker.

    The server gives a worker that asks again what it already holds, so trials that run side by side need different workers:
    one client for each. Methods may be called from several threads. Every method raises `SvgeError`s (see `errors.py`).

    `worker` defaults to host name, process id and a random part; a trainer that shall get its own trial back after a restart
    gives a name of its own. `timeout` is in seconds, for each attempt, and must exceed the `wait` of `suggest`. `token` is that of
    a key, where the server needs one; the environment's `SVGE_TOKEN` unless given.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        worker: str | None = None,
        timeout: float = 30.0,
        retry: Retry = _DEFAULT_RETRY,
        transport: httpx.BaseTransport | None = None,
        token: str | None = None,
    ) -> None:
        self.base_url = base_url
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        token = token or os.environ.get("SVGE_TOKEN")
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._http = httpx.Client(base_url=base_url, timeout=timeout, transport=transport, headers=headers)
        super().__init__(Transport(self._http, retry, random.Random()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def create_study(
        self,
        name: str,
        space: str,
        *,
        objective: str = "maximize",
        objectives: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        seed: int = 0,
        max_trials: int | None = None,
        lease_seconds: int | None = None,
        exist_ok: bool = True,
        **settings: Any,
    ) -> Study:
        """Create a study; what is None is left to the server, `settings` are further fields of the request.

        `objectives` are directions by name, instead of `objective`; those named `parameters` and `multiply_adds` are counted from
        the architecture. `limits` are the most of these that a proposal may have.

        With `exist_ok` a study of this name with the same space and objectives, and the same limits where any are given, is
        returned as it is. Raises `Conflict` otherwise.
        """
        optional = {"max_trials": max_trials, "lease_seconds": lease_seconds, "limits": None if limits is None else dict(limits)}
        goal = {"objective": objective} if objectives is None else {"objectives": dict(objectives)}
        body = {"name": name, "space": space, "seed": seed, **goal, **settings}
        body |= {key: value for key, value in optional.items() if value is not None}
        try:
            return Study.from_json(self._transport.post("/studies", body, repeat_safe=exist_ok))
        except (Conflict, Denied) as refused:
            # A trainer's key may not create studies; it goes on with one that is there.
            if not exist_ok or (isinstance(refused, Conflict) and refused.problem.code != "study_exists"):
                raise
            try:
                study = self.study(name)
            except NotFound:
                raise refused from None
            if not is_as_asked(study, space, objective, objectives, limits):
                raise
            return study

    def delete_study(self, name: str) -> None:
        """Delete a study with its trials and all that was reported, for good."""
        self._transport.delete(study_path(name))

    def close_study(self, name: str) -> Study:
        """Let a study hand out nothing more; results are still taken."""
        return Study.from_json(self._transport.post(study_path(name) + "/close", {}, repeat_safe=True))

    def reopen_study(self, name: str) -> Study:
        return Study.from_json(self._transport.post(study_path(name) + "/reopen", {}, repeat_safe=True))

    def enqueue(self, study: str, architectures: Sequence[Architecture]) -> tuple[Trial, ...]:
        """Let these be trained next, before anything is proposed; one that the study holds already stays as it is."""
        body = {"architectures": [architecture.to_json() for architecture in architectures]}
        answer = self._transport.post(study_path(study) + "/enqueue", body, repeat_safe=True)
        return tuple(Trial.from_json(trial) for trial in answer["trials"])

    def replicate(self, trial: Trial, count: int = 1) -> tuple[Trial, ...]:
        """Let a trial's architecture be trained again; the search takes all of its values together."""
        answer = self._transport.post_once(f"/trials/{trial.id}/replicate", {"count": count})
        return tuple(Trial.from_json(one) for one in answer["trials"])

    def annotate_study(self, name: str, *, note: str | None | Kept = KEPT, tags: Sequence[str] | None | Kept = KEPT) -> Study:
        """Write a note on a study, or tag it: words to find it by. What is not given stays, None takes it away."""
        return Study.from_json(self._transport.patch(study_path(name), changes(note=note, tags=tags)))

    def annotate(self, trial: Trial, *, note: str | None | Kept = KEPT, tags: Sequence[str] | None | Kept = KEPT) -> Trial:
        """The same for a trial."""
        return Trial.from_json(self._transport.patch(f"/trials/{trial.id}", changes(note=note, tags=tags))["trial"])

    def suggest(
        self, study: str, count: int = 1, wait: float | None = None, max_nodes: int | None = None, strategy: str | None = None
    ) -> Suggestion:
        """Up to `count` trials for this worker: those that it holds already, then new ones. Fewer come with a reason.

        `strategy` counts for this request instead of the study's.
        """
        optional = {"wait": wait, "max_nodes": max_nodes, "strategy": strategy}
        body = {"study": study, "worker": self.worker, "count": count}
        body |= {key: value for key, value in optional.items() if value is not None}
        answer = self._transport.post("/suggest", body, repeat_safe=True)
        return Suggestion(tuple(Trial.from_json(trial) for trial in answer["trials"]), answer.get("reason"))

    def trial(self, study: str, heartbeat_seconds: float | None = None) -> RunningTrial:
        """A context manager that asks for one trial and keeps its lease; the heartbeats come at a quarter of the study's lease
        unless a period is given.
        """
        if heartbeat_seconds is None:
            lease = self.study(study).lease_seconds
            heartbeat_seconds = min(lease / 4, _LONGEST_HEARTBEAT) if lease else _LONGEST_HEARTBEAT

        def ask() -> Trial:
            suggestion = self.suggest(study)
            return first_trial(suggestion.trials, suggestion.reason)

        return RunningTrial(self, ask, heartbeat_seconds)

    def observe(
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
        if not is_finite(value):
            raise ValueError(f"expected a finite value, got {value}; report a diverged training with fail(reason)")
        body: dict[str, Any] = {"trial": trial.id, "attempt": trial.attempt, "status": "completed"}
        if isinstance(value, Mapping):
            body["values"] = {name: float(number) for name, number in value.items()}
        else:
            body["value"] = float(value)
        body |= {} if step is None else {"step": step}
        if std is not None:
            body |= finite({"std": std})
        if metrics is not None:
            body["metrics"] = finite(metrics)
        return self._observe(body)

    def fail(self, trial: Trial, reason: str) -> Trial:
        """Report that this architecture could not be trained; the study does not propose it again."""
        return self._observe({"trial": trial.id, "attempt": trial.attempt, "status": "failed", "reason": reason})

    def stop(self, trial: Trial, reason: str, *, value: float | None = None, step: int | None = None) -> Trial:
        """Report that a trial was ended early, with the value that it had after a step, of several observed objectives the first
        one's. The search does not learn from it, and the study does not propose the architecture again.
        """
        known = {name: number for name, number in {"value": value, "step": step}.items() if number is not None}
        return self._observe({"trial": trial.id, "attempt": trial.attempt, "status": "stopped", "reason": reason, **known})

    def heartbeat(self, trials: Sequence[Trial], progress: Sequence[Progress] = ()) -> Heartbeat:
        """Renew the leases of trials that this worker holds, and report intermediate values; the same ones again change nothing."""
        return self._heartbeat(trials, progress, None)

    def heartbeat_once(self, trials: Sequence[Trial], progress: Sequence[Progress] = ()) -> Heartbeat:
        """The same without repetitions, for callers who come again anyway."""
        return self._heartbeat(trials, progress, ONCE)

    def import_trials(self, study: str, results: Path | str | bytes, column: str | None = None) -> Imported:
        """Store results from elsewhere, in CSV or JSON lines, all of them or none: a path is that of a file, text is its content.

        The same again changes nothing. Raises `Invalid`, and `Conflict` where a row differs from what is stored; both name lines.
        """
        content = results.read_bytes() if isinstance(results, Path) else results.encode() if isinstance(results, str) else results
        is_json = content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
        query = {"format": "jsonl" if is_json else "csv"} | ({} if column is None else {"column": column})
        return Imported.from_json(self._transport.upload(study_path(study) + "/import", content, query))

    def _observe(self, body: Mapping[str, Any]) -> Trial:
        return Trial.from_json(self._transport.post("/observe", body, repeat_safe=True)["trial"])

    def _heartbeat(self, trials: Sequence[Trial], progress: Sequence[Progress], retry: Retry | None) -> Heartbeat:
        body: dict[str, Any] = {"worker": self.worker, "trials": [trial.id for trial in trials]}
        if progress:
            body["progress"] = [each.to_json() for each in progress]
        return Heartbeat.from_json(self._transport.post("/heartbeat", body, repeat_safe=True, retry=retry))
