from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id, canonicalise
from models.search.autoencoder import Posterior
from models.spaces.nasbench101 import NasBench101
from service.workers.decode_job import DecodeJob
from service.workers.model_host import ModelHost, choose_device, sensible_threads

SPACE = NasBench101()
CELLS = [SPACE.sample(np.random.default_rng(seed)) for seed in range(20)]
MODEL = "model"


class TableAutoencoder:
    """Latents are (number of nodes, number of edges). Greedily it decodes the cell whose place is the first coordinate; sampled,
    that one or the next, with equal chances."""

    space = SPACE
    latent_size = 2

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        mean = torch.tensor([[float(one.num_nodes), float(len(one.edges))] for one in architectures]).reshape(-1, 2)
        return Posterior(mean, torch.zeros_like(mean))

    def decode(self, latents: Tensor, generator: torch.Generator | None = None, max_nodes: int | None = None) -> list[Architecture]:
        steps = torch.zeros(len(latents)) if generator is None else torch.randint(2, (len(latents),), generator=generator)
        return [CELLS[int(first + step)] for first, step in zip(latents[:, 0], steps, strict=True)]


class Loads:
    def __init__(self) -> None:
        self.models: list[str] = []

    def __call__(self, model: str) -> TableAutoencoder:
        self.models.append(model)
        return TableAutoencoder()


@pytest.fixture
def host() -> ModelHost:
    return ModelHost(lambda model: TableAutoencoder())


def sampled(*first: float, samples: int = 40, seed: int = 0) -> DecodeJob:
    return DecodeJob(tuple((value, 0.0) for value in first), samples, "sampled", seed)


def test_a_checkpoint_is_loaded_once_and_before_it_is_needed() -> None:
    loads = Loads()
    host = ModelHost(loads)
    host.warm_up(["a", "b"])
    host.encode("a", CELLS)
    host.encode("b", CELLS)
    assert loads.models == ["a", "b"]


def test_encodings_stand_in_the_order_of_the_request_and_are_canonical(host: ModelHost) -> None:
    cell = Architecture("nasbench101", ("input", "conv3x3", "conv1x1", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
    mirrored = cell.with_order((0, 2, 1, 3))
    encodings = host.encode(MODEL, [CELLS[0], cell, CELLS[1], mirrored])
    assert [encoding.canonical_id for encoding in encodings] == [canonical_id(one) for one in (CELLS[0], cell, CELLS[1], cell)]
    assert encodings[1] == encodings[3]
    assert encodings[1].architecture == canonicalise(cell)
    assert encodings[1].mean == (4.0, 4.0)
    assert encodings[1].std == (1.0, 1.0)
    assert host.encode(MODEL, []) == []


def test_frequencies_are_shares_of_the_samples_the_most_frequent_first(host: ModelHost) -> None:
    ((decodings,),) = host.decode(MODEL, [sampled(3.0, samples=41)])
    expected = {canonical_id(CELLS[3]), canonical_id(CELLS[4])}
    assert {decoding.canonical_id for decoding in decodings} == expected
    assert sum(decoding.frequency for decoding in decodings) == pytest.approx(1.0)
    assert decodings[0].frequency > decodings[1].frequency
    assert all((41 * decoding.frequency) == pytest.approx(round(41 * decoding.frequency)) for decoding in decodings)


def test_a_greedy_decoding_is_one_architecture_with_its_distance(host: ModelHost) -> None:
    ((near, far),) = host.decode(MODEL, [DecodeJob(((2.0, 0.0), (5.0, 1.0)), 7, "greedy", 0)])
    for (decoding,), cell, point in ((near, CELLS[2], (2.0, 0.0)), (far, CELLS[5], (5.0, 1.0))):
        distance = np.hypot(cell.num_nodes - point[0], len(cell.edges) - point[1])
        assert (decoding.architecture, decoding.frequency) == (cell, 1.0)
        assert decoding.round_trip_distance == pytest.approx(distance)


def test_a_sampled_decoding_depends_on_its_seed_and_not_on_its_batch(host: ModelHost) -> None:
    alone = host.decode(MODEL, [sampled(3.0, 8.0, seed=5)])[0]
    together = host.decode(MODEL, [sampled(1.0, seed=4), sampled(3.0, 8.0, seed=5), DecodeJob((), 3, "greedy", 0)])
    assert together[1] == alone
    assert together[2] == []
    seeds = Counter(host.decode(MODEL, [sampled(3.0, seed=seed)])[0][0][0].frequency for seed in range(10))
    assert len(seeds) > 1


def test_a_point_of_another_length_is_refused(host: ModelHost) -> None:
    with pytest.raises(ValueError, match="length 2, got one of length 4"):
        host.decode(MODEL, [DecodeJob(((1.0, 2.0, 3.0, 4.0),), 1, "greedy", 0)])


def test_the_device_is_what_was_asked_for_or_an_error() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="CUDA"):
            choose_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "", "cpu:x"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected the device"):
        choose_device(name)


def test_some_cores_are_left_to_others() -> None:
    assert [sensible_threads(cores) for cores in (1, 2, 4, 64)] == [1, 1, 2, 8]
