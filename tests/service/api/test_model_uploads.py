"""Checkpoints over HTTP: what is added and seen, what is refused with which words, and that nothing of a refusal stays."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.pretrained.catalogue import InvalidCheckpoint
from models.spaces.registry import define_space
from service.workers.worker import Encoding
from tests.fakes import LATENT_SIZE, checkpoint_bytes
from tests.service.api.harness import ONE_SPACE, Service, running
from tests.service.api.uploading import MINE, WHOLE, YAML, left_over, post_space

pytestmark = pytest.mark.anyio


async def put(service: Service, name: str, content: Any, **params: str) -> tuple[int, Any]:
    answer = await service.client.put(f"/models/{name}", content=content, params=params)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()


async def names(service: Service, what: str) -> list[str]:
    return [entry["name"] for entry in (await service.get(f"/{what}"))[what]]


async def test_a_model_is_added_and_at_once_searched_with(service: Service, tmp_path: Path) -> None:
    digest = hashlib.sha256(WHOLE).hexdigest()
    status, model = await put(service, "my_model", WHOLE, sha256=digest)
    assert status == 201
    assert (model["name"], model["space"], model["latent_size"], model["hash"]) == ("my_model", "mine", LATENT_SIZE, digest)
    assert model in (await service.get("/models"))["models"]
    spaces = {space["name"]: space for space in (await service.get("/spaces"))["spaces"]}
    assert spaces["mine"]["models"] == ["my_model"]
    study = await service.post("/studies", {"name": "demo", "space": "mine"}, 201)
    assert study["model_hash"] == digest
    (trial,) = (await service.suggest("w"))["trials"]
    define_space(MINE).validate(define_space(MINE).parse_native(trial["native"]))
    assert await put(service, "my_model", WHOLE) == (200, model)
    async with running(tmp_path, database_url=service.app.state.context.settings.database_url) as other:
        assert model in (await other.get("/models"))["models"]
        assert (await other.suggest("v"))["trials"]


async def test_what_one_process_adds_another_sees_without_a_restart(sole: Service, tmp_path: Path) -> None:
    async with running(tmp_path) as other:
        assert "mine" not in await names(other, "spaces")
        await put(sole, "my_model", WHOLE)
        assert "my_model" in await names(other, "models")
        await sole.client.delete("/models/my_model")
        assert "my_model" not in await names(other, "models")


async def test_a_name_keeps_its_checkpoint(sole: Service, tmp_path: Path) -> None:
    assert (await put(sole, "my_model", WHOLE))[0] == 201
    for name in ("my_model", "cells"):  # `cells` is in the folder of checkpoints, not among the uploads
        status, problem = await put(sole, name, checkpoint_bytes(seed=1))
        assert (status, problem["code"]) == (409, "model_exists")
        assert "choose another name" in problem["detail"]
    other = checkpoint_bytes("mine", space_definition={**MINE, "ports": 1})
    status, problem = await put(sole, "other", other)
    assert (status, problem["code"]) == (409, "space_exists")
    assert (tmp_path / "uploads" / "my_model.safetensors").read_bytes() == WHOLE
    assert len(left_over(tmp_path)) == 2


async def test_of_two_at_once_under_one_name_one_wins(sole: Service, tmp_path: Path) -> None:
    contents = [checkpoint_bytes(seed=seed) for seed in range(4)]
    answers = await asyncio.gather(*(put(sole, "my_model", content) for content in contents))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    (hash_,) = [model["hash"] for status, model in answers if status == 201]
    (model,) = [model for model in (await sole.get("/models"))["models"] if model["name"] == "my_model"]
    assert model["hash"] == hash_
    assert len(left_over(tmp_path)) == 2


NAMES = ("..%2Fmine", "%2e%2e", "a.b", ".hidden", "-rf", "Mine", "mine%0A", "mine%00", "a" * 64, "f" * 64, "m%C3%AFne", "a%5Cb")


async def test_names_that_could_be_paths_or_hashes_are_refused(sole: Service, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for name in NAMES:
        status, problem = await put(sole, name, WHOLE)
        assert status in (404, 422), name
        if status == 422:
            assert problem["errors"][0]["pointer"] == "/name"
    assert sorted(tmp_path.rglob("*")) == before


async def test_what_is_no_checkpoint_is_refused(sole: Service, tmp_path: Path) -> None:
    for content, words in (
        (b"", "expected a safetensors file"),
        (b"PK\x03\x04" + b"model.pt" * 9, "got a pickle"),
        (WHOLE[:-1], "damaged or cut off"),
        ((2**63).to_bytes(8, "little") + b"{}", "header of at most"),
        (checkpoint_bytes("elsewhere"), "its space 'elsewhere' is not here"),
        (checkpoint_bytes(config={"latent_size": 0}), "latent_size"),
    ):
        status, problem = await put(sole, "my_model", content)
        assert (status, problem["code"]) == (422, "invalid_checkpoint")
        assert words in problem["errors"][0]["message"]
    assert left_over(tmp_path) == []


async def test_a_hash_that_is_told_must_be_the_files(sole: Service, tmp_path: Path) -> None:
    for given, words in (("0" * 64, hashlib.sha256(WHOLE).hexdigest()), ("ABC", "pattern")):
        status, problem = await put(sole, "my_model", WHOLE, sha256=given)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/sha256")
        assert words in problem["detail"]
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("outcome", "status", "code", "words"),
    [
        (InvalidCheckpoint("the weights hold NaN in decoder.bias"), 422, "invalid_checkpoint", "NaN in decoder.bias"),
        (RuntimeError("mat1 and mat2"), 422, "invalid_checkpoint", "failed in its trial: mat1"),
        ((float("nan"),) * LATENT_SIZE, 422, "invalid_checkpoint", "finite numbers"),
        ((0.0,) * (LATENT_SIZE + 1), 422, "invalid_checkpoint", f"expected {LATENT_SIZE}"),
        (None, 503, "model_unavailable", "again in a moment"),
    ],
)
async def test_a_model_that_fails_its_trial_is_not_listed(
    outcome: Any, status: int, code: str, words: str, sole: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def encode(model: str, architectures: Any) -> list[Encoding]:
        assert "my_model" not in await names(sole, "models")
        if isinstance(outcome, Exception):
            raise outcome
        return [Encoding(architecture, "", outcome, outcome) for architecture in architectures]

    if outcome is None:
        sole.worker.lost = True
    else:
        monkeypatch.setattr(sole.worker, "encode", encode)
    answer, problem = await put(sole, "my_model", WHOLE)
    assert (answer, problem["code"]) == (status, code)
    assert words in problem["detail"]
    assert left_over(tmp_path) == []


async def pieces(size: int, number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b" " * size


async def test_a_checkpoint_that_is_too_large_is_refused_whether_it_says_so_or_not(tmp_path: Path) -> None:
    async with running(tmp_path, max_checkpoint_bytes=10_000) as service:
        for content in (b" " * 10_001, pieces(1000, 11), pieces(1_000_000, 80)):
            status, problem = await put(service, "my_model", content)
            assert (status, problem["code"]) == (413, "body_too_large")
            assert "at most 10000 bytes" in problem["detail"]
        assert left_over(tmp_path) == []


async def test_a_checkpoint_may_be_larger_than_other_bodies(tmp_path: Path) -> None:
    async with running(tmp_path, max_body_bytes=1024) as service:
        large = checkpoint_bytes(config={"latent_size": LATENT_SIZE}, vocabulary=["x" * 2000])
        assert (await put(service, "my_model", large))[0] == 201


async def exchange(service: Service, parts: list[dict[str, Any]], *headers: tuple[bytes, bytes]) -> tuple[list[Any], int]:
    """What the application sends for an upload whose body comes in these messages, and how many of them it has read."""
    sent, read = [], 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return parts[read - 1]

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "path": "/models/mine", "raw_path": b"/models/mine", "query_string": b""}
    scope |= {"headers": [(b"host", b"127.0.0.1"), *headers], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await service.app({**scope, "scheme": "http", "root_path": "", "http_version": "1.1"}, receive, send)
    return sent, read


async def test_an_upload_that_breaks_off_leaves_nothing(sole: Service, tmp_path: Path) -> None:
    half = {"type": "http.request", "body": WHOLE[:50], "more_body": True}
    await exchange(sole, [half, {"type": "http.disconnect"}])
    assert left_over(tmp_path) == []
    assert not list((tmp_path / "uploads" / ".incoming").iterdir())


async def test_who_waits_to_be_asked_for_the_body_is_refused_before(sole: Service) -> None:
    length = (b"content-length", b"999999999999")
    sent, read = await exchange(sole, [], length, (b"expect", b"100-continue"))
    assert (sent[0]["status"], read) == (413, 0)
    part = {"type": "http.request", "body": b" " * 1000, "more_body": True}
    sent, read = await exchange(sole, [part, part, {**part, "more_body": False}], length)
    assert (sent[0]["status"], read) == (413, 3)


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
async def test_a_disk_that_takes_nothing_is_said_and_nothing_stays(
    reason: int, sole: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "fsync", refuse)
    status, problem = await put(sole, "my_model", WHOLE)
    assert (status, problem["code"]) == (507, "insufficient_storage")
    assert os.strerror(reason) in problem["detail"]
    assert str(tmp_path) not in problem["detail"]
    status, problem = await post_space(sole, YAML)
    assert (status, problem["code"]) == (507, "insufficient_storage")
    monkeypatch.undo()
    assert "my_model" not in await names(sole, "models")
    assert "mine" not in await names(sole, "spaces")


async def test_what_a_killed_process_left_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    place = tmp_path / "uploads" / ".incoming" / "old"
    place.mkdir(parents=True)
    (place / "mine.safetensors").write_bytes(b"half")
    for path in (place / "mine.safetensors", place):
        os.utime(path, (1e9, 1e9))
    async with running(tmp_path):
        assert not place.exists()


async def test_only_an_uploaded_model_that_no_study_needs_is_deleted(service: Service, tmp_path: Path) -> None:
    async def delete(name: str) -> httpx.Response:
        return await service.client.delete(f"/models/{name}")

    await put(service, "my_model", WHOLE)
    await service.post("/studies", {"name": "demo", "space": "mine"}, 201)
    pinned, kept = await delete("my_model"), await delete("cells")
    assert (pinned.status_code, kept.status_code) == (409, 409)
    assert pinned.json()["code"] == kept.json()["code"] == "model_in_use"
    assert "such as demo; delete them first" in pinned.json()["detail"]
    assert "was not uploaded" in kept.json()["detail"]
    await service.client.delete("/studies/demo")
    assert (await delete("my_model")).status_code == 204
    assert (await delete("my_model")).status_code == 404
    assert left_over(tmp_path) == []


async def test_a_file_that_somebody_damaged_is_named_and_the_others_serve_on(sole: Service, tmp_path: Path) -> None:
    before = await sole.get("/models")
    (tmp_path / "broken.json").write_text("{}")
    (tmp_path / "broken.space.yaml").write_text("name: [")
    assert await sole.get("/models") == before
    await sole.post("/studies", ONE_SPACE, 201)
    assert len((await sole.suggest("w"))["trials"]) == 1
    refused = await sole.client.put("/models/mine", content=WHOLE)
    assert (refused.status_code, refused.json()["code"]) == (503, "catalogue_damaged")
    assert "'broken'" in refused.json()["detail"]
    (tmp_path / "broken.json").unlink()
    (tmp_path / "broken.space.yaml").unlink()
    assert (await put(sole, "mine", WHOLE))[0] == 201
