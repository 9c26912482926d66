"""The worker with the real host: a small untrained checkpoint in a process of its own."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import torch

from models.architectures.canonical import canonical_id
from models.autoencoders.checkpoint import save_checkpoint
from models.pretrained.catalogue import InvalidCheckpoint, read_card
from models.search.proposal import Observation, ProposalRequest
from models.spaces.nasbench101 import NasBench101
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from service.workers.local import local_worker
from service.workers.model_host import open_model_host
from service.workers.worker import WorkerUnavailable

SPACE = NasBench101()
SMALL = SVGeConfig(node_size=8, message_size=8, hidden_size=8, latent_size=3)
CELLS = [SPACE.sample(np.random.default_rng(seed)) for seed in range(12)]
OBSERVATIONS = tuple(Observation(cell, float(len(cell.edges))) for cell in CELLS)
REQUEST = ProposalRequest("maximize", count=2, seed=0, observations=OBSERVATIONS, initial_size=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_checkpoint(SVGe(SMALL, SPACE.vocabulary), "nasbench101", tmp_path / "tiny.safetensors", {})
    return tmp_path


def test_the_worker_computes_what_the_host_computes(folder: Path) -> None:
    model = read_card(folder / "tiny.json").hash
    host = open_model_host("cpu", folder)

    async def scenario() -> None:
        worker = local_worker("cpu", folder)
        try:
            batch = await worker.propose(model, REQUEST)
            assert [proposal.source for proposal in batch.proposals] == ["acquisition"] * 2
            observed = {canonical_id(cell) for cell in CELLS}
            assert not observed & {proposal.canonical_id for proposal in batch.proposals}
            assert await worker.ready()

            encodings = await worker.encode(model, CELLS)
            assert [encoding.canonical_id for encoding in encodings] == [canonical_id(cell) for cell in CELLS]
            expected = [encoding.mean for encoding in host.encode(model, CELLS)]
            np.testing.assert_allclose([encoding.mean for encoding in encodings], expected, atol=1e-5)

            points = [encoding.mean for encoding in encodings]
            decoded = await worker.decode(model, points, samples=4, mode="sampled", seed=1)
            assert decoded == await worker.decode(model, points, samples=4, mode="sampled", seed=1)
            for decoding in (decoding for decodings in decoded for decoding in decodings):
                SPACE.validate(decoding.architecture)

            predictions = await worker.predict(model, REQUEST, CELLS[:3])
            assert len(predictions) == 3
            assert all(np.isfinite([prediction.mean, prediction.std]).all() for prediction in predictions)
        finally:
            await worker.close()

    asyncio.run(scenario())


def test_a_damaged_checkpoint_fails_only_the_requests_that_name_it(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "damaged.safetensors").write_bytes(b"nothing of use")
    (folder / "damaged.json").write_text((folder / "tiny.json").read_text())
    host = open_model_host("cpu", folder)
    assert "the weights of 'damaged' are damaged" in caplog.text
    assert len(host.encode("tiny", CELLS)) == len(CELLS)
    with pytest.raises(InvalidCheckpoint):
        host.encode("damaged", CELLS)


def test_a_device_that_is_not_there_makes_the_worker_unavailable(folder: Path) -> None:
    async def scenario() -> None:
        worker = local_worker("abacus", folder)
        try:
            with pytest.raises(WorkerUnavailable, match="got 'abacus'"):
                await worker.encode("any", CELLS)
        finally:
            await worker.close()

    asyncio.run(scenario())
