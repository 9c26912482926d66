"""The latent space: encoding architectures, decoding points, predictions."""

from collections.abc import Sequence

from svge_client._sync.resource import Resource
from svge_client.bodies import decode_query, given
from svge_client.latents import DecodedPoint, Decoding, Latent, Prediction, decoded_points
from svge_client.values import Architecture, Trial


class Latents(Resource):
    """The calls on the latent space of a study or of a model, by its name or hash."""

    def encode(self, architectures: Sequence[Architecture], *, study: str | None = None, model: str | None = None) -> list[Latent]:
        """The posterior of each architecture, all of one space; without a study or model by the space's own model."""
        if not architectures:
            return []
        scope = given(study=study, model=model) or {"space": architectures[0].space}
        body = {**scope, "architectures": [architecture.to_json() for architecture in architectures]}
        return [Latent.from_json(latent) for latent in (self._transport.post("/encode", body))["latents"]]

    def predict(self, study: str, architectures: Sequence[Architecture]) -> list[Prediction]:
        """What a study expects of each architecture, and whether it has tried it."""
        if not architectures:
            return []
        body = {"study": study, "architectures": [architecture.to_json() for architecture in architectures]}
        return [Prediction.from_json(one) for one in (self._transport.post("/predict", body))["predictions"]]

    def decode(
        self,
        latents: Sequence[Sequence[float]],
        *,
        study: str | None = None,
        model: str | None = None,
        samples: int = 10,
        mode: str = "sampled",
        seed: int = 0,
    ) -> list[tuple[Decoding, ...]]:
        """For each latent point its distinct architectures, the most frequent first, with the model of a study or another one."""
        points = [[float(number) for number in latent] for latent in latents]
        body = {**given(study=study, model=model), "latents": points, "samples": samples, "mode": mode, "seed": seed}
        return [point.decodings for point in decoded_points(self._transport.post("/decode", body))]

    def decode_at(
        self,
        z: Sequence[float] | None = None,
        *,
        trial: Trial | str | None = None,
        random: int | None = None,
        start: Sequence[float] | None = None,
        end: Sequence[float] | None = None,
        steps: int | None = None,
        study: str | None = None,
        model: str | None = None,
        samples: int = 10,
        mode: str = "sampled",
        seed: int = 0,
    ) -> list[DecodedPoint]:
        """The same at one point `z`, at that of a `trial`, at so many `random` ones of the prior, or at `steps` points on the line
        from `start` to `end`, both with them. A trial has its own study and model.
        """
        scope = {"study": study, "model": model, "samples": samples, "mode": mode, "seed": seed}
        query = decode_query(z, trial=trial, random=random, start=start, end=end, steps=steps, **scope)
        return decoded_points(self._transport.get("/decode", query))

    def decode_as(
        self,
        form: str,
        z: Sequence[float] | None = None,
        *,
        trial: Trial | str | None = None,
        random: int | None = None,
        start: Sequence[float] | None = None,
        end: Sequence[float] | None = None,
        steps: int | None = None,
        study: str | None = None,
        model: str | None = None,
        samples: int = 10,
        mode: str = "sampled",
        seed: int = 0,
    ) -> str:
        """The same as text: `svg`, `dot` for Graphviz, or, of one point, `python`, the most frequent one in PyTorch."""
        scope = {"study": study, "model": model, "samples": samples, "mode": mode, "seed": seed, "format": form}
        query = decode_query(z, trial=trial, random=random, start=start, end=end, steps=steps, **scope)
        return (self._transport.download("/decode", query)).decode()
