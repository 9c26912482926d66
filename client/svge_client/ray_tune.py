"""A search algorithm for Ray Tune: `pip install 'svge-client[ray]'`.

The study proposes, Tune trains. A trainable gets `config["architecture"]`, with its `nodes` and `edges`, and `config["native"]`,
the space's own form, beside the constants of Tune's `param_space`.
"""

import atexit
import logging
import math
import pickle
import uuid
import weakref
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from svge_client._sync.client import Client
from svge_client._sync.running import RunningTrial
from svge_client.errors import TEMPORARY, MissingExtra, NothingToDo, ResponseError, TrialStopped
from svge_client.slots import Slots
from svge_client.values import Trial

try:
    from ray.tune import Stopper
    from ray.tune.search import Searcher
    from ray.tune.search.variant_generator import parse_spec_vars
except ImportError as error:
    raise MissingExtra("svge_client.ray_tune", "ray") from error

_log = logging.getLogger("svge_client")

_MODES = {"maximize": "max", "minimize": "min"}
_LIVE: "WeakValueDictionary[str, SvgeSearch]" = WeakValueDictionary()
"""By key: an experiment that is restored comes with a search and a stopper that were stored apart."""

_UNDELIVERED: "set[SvgeSearch]" = set()
"""Those that hold ends of trials which the server does not know of: they live until it does, and are heard at exit."""

Ending = tuple[str, dict[str, Any]]
"""How a trial ended: the method of the running trial that tells it, and its arguments."""

_STEP, _DONE = "training_iteration", "done"


class SvgeSearch(Searcher):  # type: ignore[misc]
    """Give it as `search_alg` of a `TuneConfig`; `num_samples` limits the trials, as the study's own budget does.

    Every report of a trainable is an intermediate value of the trial, its step the training iteration; the last one is its value.
    A trial that Tune's scheduler ends early is reported as stopped. `stopper()` lets the study's own rule do that as well. For a
    study of several objectives `metric` and `mode` are lists, and the metrics have the objectives' names.

    Leases are kept by heartbeats of the process that runs Tune. Where the server is away, trainings go on: what ended meanwhile is
    kept, with its lease, and told with the next call of Tune, by `deliver`, or when the program ends. A restored experiment goes on
    with the trials that it had. The address is `client`'s; its token is not stored with the experiment: a restored one takes
    `SVGE_TOKEN`.
    """

    _metric: str | list[str] | None
    _mode: str | list[str] | None

    def __init__(
        self, study: str, client: Client | None = None, metric: str | list[str] | None = None, mode: str | list[str] | None = None
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._study = study
        self._key = uuid.uuid4().hex
        self._client = client or Client()
        self._constants: dict[str, Any] = {}
        self._running: dict[str, RunningTrial] = {}
        self._workers: dict[str, str] = {}
        self._steps: dict[str, int] = {}
        self._endings: dict[str, Ending] = {}
        self._was_away = False
        self._slots = Slots(self._client.worker)
        _LIVE[self._key] = self

    def set_search_properties(
        self, metric: str | list[str] | None, mode: str | list[str] | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Raises `ValueError` for a `param_space` that holds more than constants, and for a mode that is not the study's."""
        _, domains, grids = parse_spec_vars(config)
        if domains or grids:
            names = ", ".join("/".join(map(str, path)) for path, _ in [*domains, *grids])
            raise ValueError(f"the study proposes architectures alone; give '{names}' of param_space a constant value")
        self._constants = dict(config)
        self._metric, self._mode = metric or self._metric, mode or self._mode
        objective = self._client.study(self._study).objective
        first = self._mode[0] if isinstance(self._mode, list) else self._mode
        if first not in (None, _MODES[objective]):
            raise ValueError(f"the study '{self._study}' is to {objective}, but Tune's mode is '{first}'; change one of them")
        return True

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """None, upon which Tune asks again later, where the server is away and trials would be lost with the experiment."""
        if self._is_away():
            return None
        self._tell()
        worker = self._slots.take()
        running = self._client.trial(self._study, worker=worker)
        try:
            running.start()
        except NothingToDo as nothing:
            self._slots.free(worker)
            _log.info("the study '%s' hands out no more: %s", self._study, nothing.reason)
            return str(Searcher.FINISHED)
        except BaseException as error:
            self._slots.free(worker)
            if not (self._running and isinstance(error, (*TEMPORARY, ResponseError))):
                raise
            _log.warning("no trial was handed out, and those that run go on: %s", error)
            self._was_away = isinstance(error, TEMPORARY)
            return None if self._was_away else str(Searcher.FINISHED)
        self._running[trial_id], self._workers[trial_id] = running, worker
        trial = running.trial
        return {**self._constants, "architecture": trial.architecture.to_json(), "native": trial.native, "svge_trial": trial.id}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self._tell()
        running = self._running.get(trial_id)
        value, step = self._first(result), result.get(_STEP, 0)
        if running is None or value is None or step <= self._steps.get(trial_id, 0):
            return
        self._steps[trial_id] = step
        try:
            running.progress(step, value)
        except TrialStopped as stopped:
            _log.info("trial %s should end: %s", trial_id, stopped.reason)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        running = self._running.get(trial_id)
        if running is None or trial_id in self._endings:
            return
        self._endings[trial_id] = self._ending(running, result or {}, error)
        self._tell()

    def deliver(self, patience: float = 0.0) -> None:
        """Tell what ended while the server was away, again for so many seconds. For after `Tuner.fit`, and done at exit."""
        for trial_id in self._endings:
            self._running[trial_id].patience = patience
        self._was_away = False
        self._tell()

    def should_stop(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether the study's rule gives a trial up after this result."""
        self.on_trial_result(trial_id, result)
        running = self._running.get(trial_id)
        return running is not None and running.should_stop

    def stopper(self) -> "SvgeStopper":
        """Give it as `stop` of a `RunConfig`, to end trials by the study's stopping rule."""
        return SvgeStopper(self._key)

    def get_state(self) -> dict[str, Any]:
        held = {tune: (self._workers[tune], one.trial.document) for tune, one in self._running.items()}
        client = {"url": self._client.base_url, "worker": self._client.worker}
        own = {"key": self._key, "study": self._study, "constants": self._constants, "metric": self._metric, "mode": self._mode}
        return {**own, **client, "held": held, "steps": self._steps, "endings": self._endings}

    def set_state(self, state: dict[str, Any]) -> None:
        self._study, self._constants, self._steps = state["study"], state["constants"], dict(state["steps"])
        self._key, self._metric, self._mode = state["key"], state["metric"], state["mode"]
        self._client = Client(state["url"], worker=state["worker"])
        weakref.finalize(self, self._client.close)
        self._slots = Slots(state["worker"])
        self._running, self._workers = {}, {}
        for tune, (worker, document) in state["held"].items():
            running = self._client.trial(self._study, worker=self._slots.take(worker))
            self._running[tune] = running.start(Trial.from_json(document))
            self._workers[tune] = worker
        self._endings = {tune: ending for tune, ending in state.get("endings", {}).items() if tune in self._running}
        if self._endings:
            _UNDELIVERED.add(self)
        self._was_away = False
        _LIVE[self._key] = self

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_bytes(pickle.dumps(self.get_state()))

    def restore(self, checkpoint_path: str) -> None:
        self.set_state(pickle.loads(Path(checkpoint_path).read_bytes()))

    def __getstate__(self) -> dict[str, Any]:
        return self.get_state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.set_state(state | {"held": {}})  # a copy is stored with the experiment; `restore` takes the trials up

    def _ending(self, running: RunningTrial, result: dict[str, Any], error: bool) -> Ending:
        if error:
            return "fail", {"reason": "the trainable failed"}
        if self._first(result) is None:
            return "fail", {"reason": f"its last result has no finite '{self._names[0]}'"}
        if running.should_stop or not result.get(_DONE):
            return "stop", {"reason": running.advice or "ended by Tune's scheduler"}
        values = {name: _finite(result.get(name)) for name in self._names}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            return "fail", {"reason": f"its last result has no finite '{missing[0]}'"}
        return "report", {"value": values if isinstance(self._metric, list) else values[self._names[0]], "step": result.get(_STEP)}

    def _tell(self) -> None:
        """Tell how trials ended, also those before. Nothing is raised: that would end the experiment, and trainings that go on."""
        if self._endings and self._is_away():
            return
        for trial_id, (method, arguments) in list(self._endings.items()):
            running = self._running[trial_id]
            try:
                getattr(running, method)(**arguments)
            except TEMPORARY as error:
                _log.warning("%s of trial %s, %s, is kept and told later: %s", method, running.trial.id, arguments, error)
                self._was_away = True
                _UNDELIVERED.add(self)
                return
            except ResponseError as error:
                _log.warning("%s of trial %s, %s, was not taken: %s", method, running.trial.id, arguments, error)
            running.abandon()
            self._slots.free(self._workers.pop(trial_id))
            self._steps.pop(trial_id, None)
            del self._running[trial_id], self._endings[trial_id]
        _UNDELIVERED.discard(self)

    def _is_away(self) -> bool:
        """Whether a server that was away still is. It is asked once, for Tune waits meanwhile."""
        if self._was_away and self._running:
            trial_id, running = next(iter(self._running.items()))
            try:
                self._client.heartbeat_once([running.trial], worker=self._workers[trial_id])
            except TEMPORARY:
                return True
        self._was_away = False
        return False

    @property
    def _names(self) -> list[str]:
        return self._metric if isinstance(self._metric, list) else [str(self._metric)]

    def _first(self, result: dict[str, Any]) -> float | None:
        """The first metric of a result, where it is there and finite."""
        return _finite(result.get(self._names[0]))


def _finite(value: Any) -> float | None:
    """As a number, where it is one that can be stored."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


@atexit.register
def _deliver_the_rest() -> None:
    for search in list(_UNDELIVERED):
        search.deliver()


class SvgeStopper(Stopper):  # type: ignore[misc]
    """Ends the trials that the study's rule gives up."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        search = _LIVE.get(self._key)
        return search is not None and search.should_stop(trial_id, result)

    def stop_all(self) -> bool:
        return False
