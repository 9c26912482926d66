"""Reading: what a client asks for without changing anything. What changes something is in `client.py`."""

from collections.abc import Iterator, Sequence

from svge_client.bodies import study_path
from svge_client.transport import Transport
from svge_client.values import Architecture, Decoding, Latent, Study, Trial

_BEGINNING = "c2luY2U6MA"
"""The cursor before the first change, as the server writes it."""


class Reader:
    """The part of the client that reads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def study(self, name: str) -> Study:
        return Study.from_json(self._transport.get(study_path(name)))

    def best(self, study: str, k: int = 1) -> tuple[Trial, ...]:
        """The `k` best completed trials, the best first; fewer where fewer are completed. The first objective decides."""
        answer = self._transport.get(study_path(study) + "/best", {"k": k})
        return tuple(Trial.from_json(trial) for trial in answer["trials"])

    def pareto(self, study: str, limit: int = 100) -> tuple[Trial, ...]:
        """The completed trials that no other one dominates, the best of the first objective first, at most `limit` of them."""
        answer = self._transport.get(study_path(study) + "/pareto", {"limit": limit})
        return tuple(Trial.from_json(trial) for trial in answer["trials"])

    def trials(self, study: str, page_size: int = 100, *, state: str | None = None, tag: str | None = None) -> Iterator[Trial]:
        """The trials of a study in the order of their numbers, fetched page by page: all, those in a state, those with a tag."""
        query = {"limit": page_size, "state": state, "tag": tag}
        while True:
            answer = self._transport.get(study_path(study) + "/trials", {name: one for name, one in query.items() if one})
            yield from (Trial.from_json(trial) for trial in answer["trials"])
            if answer.get("next_cursor") is None:
                return
            query["cursor"] = answer["next_cursor"]

    def changed(self, study: str, since: str | None = None, page_size: int = 100) -> tuple[tuple[Trial, ...], str]:
        """The trials that have changed, in order of their last change, and what to give as `since` the next time.

        Without `since`, all trials that there are.
        """
        found: list[Trial] = []
        since = since or _BEGINNING
        while True:
            answer = self._transport.get(study_path(study) + "/trials", {"limit": page_size, "since": since})
            found += [Trial.from_json(trial) for trial in answer["trials"]]
            since = str(answer["next_since"])
            if len(answer["trials"]) < page_size:
                return tuple(found), since

    def decode(
        self, latents: Sequence[Sequence[float]], *, study: str, samples: int = 10, mode: str = "sampled", seed: int = 0
    ) -> list[tuple[Decoding, ...]]:
        """For each latent point its distinct architectures, the most frequent first, with the model of a study."""
        points = [list(latent) for latent in latents]
        body = {"study": study, "latents": points, "samples": samples, "mode": mode, "seed": seed}
        answer = self._transport.post("/decode", body, repeat_safe=True)
        decoded: list[list[Decoding]] = [[] for _ in points]
        for decoding in answer["architectures"]:
            decoded[decoding["point"]].append(Decoding.from_json(decoding))
        return [tuple(decodings) for decodings in decoded]

    def decode_as(
        self, form: str, latent: Sequence[float], *, study: str, samples: int = 10, mode: str = "sampled", seed: int = 0
    ) -> str:
        """What one latent point decodes to, as text: `svg`, `dot` for Graphviz, or `python`, the most frequent one in PyTorch."""
        point = ",".join(map(repr, map(float, latent)))
        query = {"study": study, "z": point, "samples": samples, "mode": mode, "seed": seed, "format": form}
        return self._transport.download("/decode", query).decode()

    def trial_as(self, form: str, trial: Trial) -> str:
        """The architecture of a trial as text, in the same forms: `python` is a module whose class `Network` is to be trained."""
        return self._transport.download(f"/trials/{trial.id}", {"format": form}).decode()

    def export(self, study: str, format: str = "csv") -> bytes:
        """All trials of a study as a file: `csv`, `jsonl`, or `parquet` where the server has pyarrow."""
        return self._transport.download(study_path(study) + "/export", {"format": format})

    def encode(self, architectures: Sequence[Architecture]) -> list[Latent]:
        """The posterior of each architecture, all of one space."""
        if not architectures:
            return []
        body = {"space": architectures[0].space, "architectures": [architecture.to_json() for architecture in architectures]}
        return [Latent.from_json(latent) for latent in self._transport.post("/encode", body, repeat_safe=True)["latents"]]
