"""What is decoded, and a trial's architecture, as a picture, as Graphviz text and as a PyTorch module."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest

from models.architectures.drawing import draw_svg
from models.architectures.formats import from_json, to_dot
from models.networks.source.network_source import network_source
from models.spaces.registry import get_space
from service.api.forms import decoded_response
from service.errors import InvalidRequest
from service.studies.latents import Decoded
from service.workers.worker import Decoding
from tests.fakes import LATENT_SIZE
from tests.models.architectures.dot_parser import parse
from tests.models.architectures.test_drawing import SVG
from tests.service.api.harness import ONE_SPACE, Service, running

pytestmark = pytest.mark.anyio

POINT = {"study": "demo", "z": "0.1,-0.3,0,1"}
LINE = {"study": "demo", "from": "0,0,0,0", "to": "1,1,1,1", "steps": 3}


@pytest.fixture
async def demo(service: Service) -> Service:
    await service.post("/studies", ONE_SPACE, 201)
    return service


async def text(service: Service, path: str, accept: str | None = None, **query: Any) -> httpx.Response:
    response = await service.client.get(path, params=query, headers={"Accept": accept} if accept else {})
    assert response.status_code == 200, response.text
    assert response.headers["vary"] == "Accept"
    return response


async def test_what_is_decoded_comes_in_each_form(demo: Service) -> None:
    items = (await demo.get("/decode", **POINT, samples=6))["architectures"]
    assert len(items) > 1
    svg = await text(demo, "/decode", "image/svg+xml", **POINT, samples=6)
    assert svg.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in svg.headers["content-security-policy"]
    root = ElementTree.fromstring(svg.text)
    assert [caption.text for caption in root.findall(f"{SVG}text")] == [f"{100 * item['frequency']:.3g} %" for item in items]
    dot = await text(demo, "/decode", "text/vnd.graphviz", **POINT, samples=6)
    assert dot.headers["content-type"] == "text/vnd.graphviz; charset=utf-8"
    clusters, _ = parse(dot.text)
    assert [list(labels.values()) for labels, _ in clusters] == [item["architecture"]["nodes"] for item in items]
    python = await text(demo, "/decode", "text/x-python", **POINT, samples=6)
    assert python.headers["content-type"] == "text/x-python; charset=utf-8"
    assert python.text == network_source(from_json(items[0]["architecture"]))


async def test_json_is_what_comes_without_a_wish(demo: Service) -> None:
    plain = await text(demo, "/decode", **POINT)
    assert plain.headers["content-type"] == "application/json"
    for accept in ("application/json", "*/*", "text/html,*/*;q=0.8"):
        assert (await text(demo, "/decode", accept, **POINT)).json() == plain.json()
    assert (await text(demo, "/decode", "image/svg+xml", **POINT, format="json")).json() == plain.json()


async def test_a_link_names_the_form(demo: Service) -> None:
    for form, accept in (("svg", "image/svg+xml"), ("dot", "text/vnd.graphviz"), ("python", "text/x-python")):
        linked = await text(demo, "/decode", "text/html", **POINT, format=form)
        assert linked.text == (await text(demo, "/decode", accept, **POINT)).text
    refused = await demo.get("/decode", 422, **POINT, format="pdf")
    assert refused["errors"][0]["pointer"] == "/format"
    assert "'json', 'svg', 'dot' or 'python'" in refused["detail"]


async def test_a_line_is_drawn_in_a_row(demo: Service) -> None:
    root = ElementTree.fromstring((await text(demo, "/decode", "image/svg+xml", **LINE)).text)
    assert [caption.text for caption in root.findall(f"{SVG}text")] == [f"point {point}: 100 %" for point in range(3)]
    assert len({panel.attrib["y"] for panel in root.findall(f"{SVG}svg")}) == 1


async def test_several_points_are_no_module(demo: Service) -> None:
    problem = await demo.get("/decode", 422, **LINE, format="python")
    assert problem["errors"][0]["pointer"] == "/from"
    assert "expected one point for a PyTorch module, got 3; decode one" in problem["detail"]


async def test_python_is_the_most_frequent_valid_one() -> None:
    broken = from_json({"space": "nasbench101", "nodes": ["input", "nothing", "output"], "edges": [[0, 1], [1, 2]]})
    good = get_space("nasbench101").sample(np.random.default_rng(0))
    decoded = [
        Decoded(0, Decoding(graph, "", 0.5, 0.1), is_valid, None, None) for graph, is_valid in ((broken, False), (good, True))
    ]
    assert bytes(decoded_response("python", 1, decoded, 3).body).decode() == network_source(good)
    with pytest.raises(InvalidRequest, match="nothing that was decoded is valid") as refused:
        decoded_response("python", 1, decoded[:1], 3)
    assert [fault.pointer for fault in refused.value.faults] == ["/samples"]


async def test_none_of_the_media_types_is_406_and_lists_them(demo: Service) -> None:
    response = await demo.client.get("/decode", params=POINT, headers={"Accept": "image/png"})
    assert (response.status_code, response.headers["vary"]) == (406, "Accept")
    problem = response.json()
    assert problem["code"] == "not_acceptable"
    assert problem["offered"] == ["application/json", "image/svg+xml", "text/vnd.graphviz", "text/x-python"]


async def test_a_trial_comes_in_each_form(demo: Service) -> None:
    trial = (await demo.suggest("w"))["trials"][0]
    architecture = from_json(trial["architecture"])
    path = f"/trials/{trial['id']}"
    assert (await text(demo, path, "image/svg+xml")).text == draw_svg(architecture)
    assert (await text(demo, path, "text/vnd.graphviz")).text == to_dot(architecture)
    module = await text(demo, path, format="python")
    assert module.text == network_source(architecture)
    assert f"parameters: {trial['parameters']:,} for" in module.text
    assert (await text(demo, path)).json()["trial"]["id"] == trial["id"]
    assert (await demo.get("/trials/nothing", 404, format="svg"))["code"] == "trial_not_found"


async def test_pictures_hold_so_many_drawings(tmp_path: Path) -> None:
    async with running(tmp_path, max_drawings=3) as service:
        problem = await service.get("/decode", 422, model="lines", random=4, format="svg")
        assert problem["detail"] == "expected at most 3 points in a picture, got 4; ask for less"
        problem = await service.get("/decode", 422, model="lines", random=1, samples=50, format="svg")
        assert "expected at most 3 architectures in a picture, got" in problem["detail"]
        assert problem["errors"][0]["pointer"] == "/samples"
        await text(service, "/decode", model="lines", random=4, format="dot")


async def test_a_space_of_a_user_is_drawn_but_has_no_network(tmp_path: Path) -> None:
    definition = {"name": "mine", "operations": ["a", "b"], "max_nodes": 6}
    card = {"space": "mine", "config": {"latent_size": LATENT_SIZE}, "space_definition": definition}
    (tmp_path / "my_model.json").write_text(json.dumps(card))
    (tmp_path / "my_model.safetensors").write_bytes(b"mine")
    async with running(tmp_path) as service:
        await text(service, "/decode", "image/svg+xml", model="my_model", random=1)
        problem = await service.get("/decode", 422, model="my_model", random=1, format="python")
        assert "no networks for the space 'mine', only for enas_macro, enas_micro, nasbench101, nasbench201" in problem["detail"]
        response = await service.client.get(
            "/decode", params={"model": "my_model", "random": 1}, headers={"Accept": "text/x-python"}
        )
        assert response.status_code == 406
        assert response.json()["offered"] == ["application/json", "image/svg+xml", "text/vnd.graphviz"]
