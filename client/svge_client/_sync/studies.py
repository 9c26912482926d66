"""Studies: making, reading and changing them, and what is in them as a whole. Studies as files are `files.py`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from svge_client._sync.resource import Resource
from svge_client.bodies import KEPT, Kept, changes, given, is_as_asked, study_path
from svge_client.errors import Conflict, Denied, NotFound
from svge_client.history import Curve
from svge_client.latents import LatentMap
from svge_client.values import Architecture, StudiesPage, Study, Trial, TrialsPage, trials_of

_BEGINNING = "c2luY2U6MA"
"""The cursor before the first change, as the server writes it."""


class Studies(Resource):
    """The calls on studies."""

    def create_study(
        self,
        name: str,
        space: str,
        *,
        objective: str = "maximize",
        objectives: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        stopping: Mapping[str, Any] | None = None,
        seed: int = 0,
        strategy: str | None = None,
        initial_size: int | None = None,
        max_trials: int | None = None,
        lease_seconds: int | None = None,
        max_attempts: int | None = None,
        model: str | None = None,
        exist_ok: bool = True,
    ) -> Study:
        """Create a study; what is None is left to the server.

        `objectives` are directions by name, instead of `objective`; those named `parameters` and `multiply_adds` are counted from
        the architecture. `limits` are the most of these that a proposal may have. `stopping` is the rule by which trials are ended
        early, `model` the name or hash of a checkpoint.

        With `exist_ok` a study of this name with the same space and objectives, and the same limits where any are given, is
        returned as it is. Raises `Conflict` otherwise.
        """
        body = {"name": name, "space": space, "seed": seed}
        body |= {"objective": objective} if objectives is None else {"objectives": dict(objectives)}
        body |= given(limits=limits, stopping=stopping, strategy=strategy, initial_size=initial_size, max_trials=max_trials)
        body |= given(lease_seconds=lease_seconds, max_attempts=max_attempts, model=model)
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

    def study(self, name: str) -> Study:
        return Study.from_json(self._transport.get(study_path(name)))

    def studies(self, page_size: int = 100, *, tag: str | None = None) -> Iterator[Study]:
        """All studies in order of creation, or those with a tag, fetched page by page."""
        for page in self._pages("/studies", given(limit=page_size, tag=tag)):
            for study in page["studies"]:
                yield Study.from_json(study)

    def studies_page(self, limit: int = 50, cursor: str | None = None, *, tag: str | None = None) -> StudiesPage:
        """One page of them."""
        return StudiesPage.from_json(self._transport.get("/studies", given(limit=limit, cursor=cursor, tag=tag)))

    def delete_study(self, name: str) -> None:
        """Delete a study with its trials and all that was reported, for good."""
        self._transport.delete(study_path(name))

    def close_study(self, name: str) -> Study:
        """Let a study hand out nothing more; results are still taken."""
        return Study.from_json(self._transport.post(study_path(name) + "/close", {}))

    def reopen_study(self, name: str) -> Study:
        return Study.from_json(self._transport.post(study_path(name) + "/reopen", {}))

    def pin_study(self, name: str, model: str) -> Study:
        """Let a study go on with another checkpoint of its space, by name or hash."""
        return Study.from_json(self._transport.post(study_path(name) + "/model", {"model": model}))

    def annotate_study(self, name: str, *, note: str | None | Kept = KEPT, tags: Sequence[str] | None | Kept = KEPT) -> Study:
        """Write a note on a study, or tag it: words to find it by. What is not given stays, None takes it away."""
        return Study.from_json(self._transport.patch(study_path(name), changes(note=note, tags=tags)))

    def enqueue(self, study: str, architectures: Sequence[Architecture]) -> tuple[Trial, ...]:
        """Let these be trained next, before anything is proposed; one that the study holds already stays as it is."""
        body = {"architectures": [architecture.to_json() for architecture in architectures]}
        return trials_of(self._transport.post(study_path(study) + "/enqueue", body))

    def best(self, study: str, k: int = 1) -> tuple[Trial, ...]:
        """The `k` best completed trials, the best first; fewer where fewer are completed. The first objective decides."""
        return trials_of(self._transport.get(study_path(study) + "/best", {"k": k}))

    def pareto(self, study: str, limit: int = 100) -> tuple[Trial, ...]:
        """The completed trials that no other one dominates, the best of the first objective first, at most `limit` of them."""
        return trials_of(self._transport.get(study_path(study) + "/pareto", {"limit": limit}))

    def curve(self, study: str) -> Curve:
        """The best value so far over the number of completed trials."""
        return Curve.from_json(self._transport.get(study_path(study) + "/curve"))

    def latent_map(self, study: str, limit: int = 500, sample: int = 200) -> LatentMap:
        """The newest `limit` trials, and a random sample of the space, in a plane of the latent space."""
        query = {"limit": limit, "sample": sample}
        return LatentMap.from_json(self._transport.get(study_path(study) + "/latent-map", query))

    def trials(self, study: str, page_size: int = 100, *, state: str | None = None, tag: str | None = None) -> Iterator[Trial]:
        """The trials of a study in the order of their numbers, fetched page by page: all, those in a state, those with a tag."""
        for page in self._pages(study_path(study) + "/trials", given(limit=page_size, state=state, tag=tag)):
            yield from trials_of(page)

    def trials_page(
        self,
        study: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        since: str | None = None,
        state: str | None = None,
        tag: str | None = None,
    ) -> TrialsPage:
        """One page of them; with `since`, that of an earlier page, those that have changed after it."""
        query = given(limit=limit, cursor=cursor, since=since, state=state, tag=tag)
        return TrialsPage.from_json(self._transport.get(study_path(study) + "/trials", query))

    def changed(self, study: str, since: str | None = None, page_size: int = 100) -> tuple[tuple[Trial, ...], str]:
        """The trials that have changed, in order of their last change, and what to give as `since` the next time.

        Without `since`, all trials that there are.
        """
        found: list[Trial] = []
        since = since or _BEGINNING
        while True:
            page = self.trials_page(study, page_size, since=since)
            found += page.trials
            since = str(page.next_since)
            if len(page.trials) < page_size:
                return tuple(found), since
