"""From a YAML file to a served study over HTTP, with the real model process: what it loads is listed, and nothing else."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from safetensors.torch import load, save
from typer.testing import CliRunner

from models.autoencoders.checkpoint import save_checkpoint
from models.pretrained.embedded_card import embed_card
from models.spaces.registry import definition_of, open_space
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from service.app import create_app
from service.cli import app as cli
from service.settings import Settings
from service.workers.local import local_worker

SMALL = SVGeConfig(node_size=8, message_size=8, hidden_size=8, latent_size=3)
DEFINITION = "name: mine\noperations: [conv3x3, skip]\nmax_nodes: 5\noutput: last\n"


def spoilt(path: Path, card: dict[str, Any]) -> dict[str, bytes]:
    """Checkpoints whose header is in order and that cannot be used, by a word of what is told."""
    weights = load(path.read_bytes())
    first = next(iter(weights))
    hollow = {**weights, first: torch.full_like(weights[first], float("nan"))}
    fewer = {name: tensor for name, tensor in weights.items() if name != first}
    larger = {**card["config"], "hidden_size": 9}
    return {
        f"NaN or infinity in {first}": save(hollow, embed_card(card)),
        "do not fit its card": save(fewer, embed_card(card)),
        "damaged or do not fit": save(weights, embed_card(card | {"config": larger})),
        "was trained on the labels": save(weights, embed_card(card | {"vocabulary": card["vocabulary"][::-1]})),
        "has no field": save(weights, embed_card(card | {"kind": "dvae"})),
        "unknown kind of model 'gpt'": save(weights, embed_card(card | {"kind": "gpt"})),
    }


@pytest.mark.anyio
async def test_a_space_of_ones_own_is_served_by_http_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, uploads = tmp_path / "shipped", tmp_path / "uploads"
    shipped.mkdir()
    monkeypatch.setenv("SVGE_UPLOADS_FOLDER", str(uploads))
    settings = Settings(database_url=f"sqlite:///{tmp_path}/test.db", models_folder=shipped)
    app = create_app(settings, local_worker("cpu", *settings.model_folders))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        posted = await http.post("/spaces", content=DEFINITION, headers={"Content-Type": "application/yaml"})
        assert posted.status_code == 201, posted.text
        sampled = CliRunner().invoke(cli, ["space", "sample", "mine", "--models-folder", str(shipped)])
        assert json.loads(sampled.stdout)["space"] == "mine"

        space = open_space(str(uploads / "mine.space.yaml"))
        torch.manual_seed(0)
        path = tmp_path / "small.safetensors"
        save_checkpoint(SVGe(SMALL, space.vocabulary), "mine", path, {"space_definition": definition_of(space), "note": "here"})
        for words, content in spoilt(path, json.loads(path.with_suffix(".json").read_text())).items():
            refused = await http.put("/models/small", content=content)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_checkpoint"), refused.text
            assert words in refused.json()["detail"]
        assert (await http.get("/models")).json() == {"models": []}

        uploaded = await http.put("/models/small", content=path.read_bytes())
        assert uploaded.status_code == 201, uploaded.text
        created = await http.post("/studies", json={"name": "demo", "space": "mine", "initial_size": 2})
        assert created.json()["model_hash"] == uploaded.json()["hash"]
        for value in (0.1, 0.2, 0.3):
            answer = await http.post("/suggest", json={"study": "demo", "worker": "w", "wait": 60})
            (trial,) = answer.json()["trials"]
            space.validate(space.parse_native(trial["native"]))
            assert trial["source"] in ("initial", "acquisition")
            await http.post("/observe", json={"trial": trial["id"], "attempt": trial["attempt"], "value": value})
        assert trial["source"] == "acquisition"
    assert "small" in CliRunner().invoke(cli, ["models", "--models-folder", str(shipped)]).stdout
