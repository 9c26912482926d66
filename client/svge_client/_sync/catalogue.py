"""What can be searched and with which models, and the server itself."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from svge_client._sync.resource import Resource
from svge_client.bodies import content_of, starts_as_json
from svge_client.catalogue import Build, Model, Space
from svge_client.retry import ONCE


class Catalogue(Resource):
    """The calls on spaces, models and the server."""

    def spaces(self) -> tuple[Space, ...]:
        return tuple(Space.from_json(space) for space in (self._transport.get("/spaces"))["spaces"])

    def models(self) -> tuple[Model, ...]:
        return tuple(Model.from_json(model) for model in (self._transport.get("/models"))["models"])

    def upload_space(self, definition: Mapping[str, Any] | Path | str | bytes) -> Space:
        """Add a search space by its definition: as a mapping, the path of a YAML or JSON file, or such text.

        The same one again changes nothing.
        """
        if isinstance(definition, Mapping):
            return Space.from_json(self._transport.post("/spaces", dict(definition)))
        content = content_of(definition)
        media_type = "application/json" if starts_as_json(content) else "application/yaml"
        return Space.from_json(self._transport.upload("POST", "/spaces", content, media_type))

    def upload_model(self, name: str, checkpoint: Path | bytes) -> Model:
        """Add a model by its checkpoint, a safetensors file that `svge train` wrote, or its content. The server checks its hash.

        The same one again changes nothing.
        """
        content = content_of(checkpoint)
        query = {"sha256": hashlib.sha256(content).hexdigest()}
        path = f"/models/{quote(name, safe='')}"
        return Model.from_json(self._transport.upload("PUT", path, content, "application/octet-stream", query))

    def delete_model(self, name: str) -> None:
        """Delete a model that was uploaded and that no study is pinned to, for good."""
        self._transport.delete(f"/models/{quote(name, safe='')}")

    def ready(self) -> Mapping[str, str]:
        """What the server checks before it says that it can work. Raises `Unavailable`, at once, where it cannot."""
        checks: Mapping[str, str] = (self._transport.get("/readyz", retry=ONCE))["checks"]
        return checks

    def version(self) -> Build:
        """Which build answers."""
        return Build.from_json(self._transport.get("/version"))
