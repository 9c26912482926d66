import numpy as np
import pytest
import torch

from models.architectures.canonical import canonicalise
from models.evaluation.extrapolation import FixedSize, choose_sizes, decode_exactly, extrapolate, grow, larger_sizes
from models.evaluation.labels import Labelled
from models.spaces.custom import CustomSpace
from models.spaces.definition import Definition
from models.spaces.enas_macro import EnasMacro
from models.spaces.registry import get_space
from tests.models.svge.small import small_autoencoder

CASES = [("nasbench101", 8), ("nasbench101", 9), ("enas_macro", 14), ("enas_micro", 22)]
TIGHT = CustomSpace(Definition("tight", ("a", "b"), max_nodes=6, max_edges=6))


def data(space: str, count: int = 20) -> Labelled:
    rng = np.random.default_rng(0)
    graphs = dict.fromkeys(get_space(space).sample(rng) for _ in range(count))
    return Labelled(tuple(graphs), rng.random(len(graphs)), "acc")


@pytest.mark.parametrize(("name", "size"), CASES)
def test_decodings_have_the_size_asked_for_and_are_valid(name: str, size: int) -> None:
    autoencoder = small_autoencoder(name)
    latents = torch.randn(60, autoencoder.latent_size, generator=torch.Generator().manual_seed(0))
    first, second = (decode_exactly(autoencoder, latents, size, torch.Generator().manual_seed(1)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 30
    for graph in first:
        assert graph.num_nodes == size
        autoencoder.space.validate(graph, max_nodes=size)
        assert canonicalise(graph) == graph


@pytest.mark.parametrize(("name", "size"), CASES)
def test_what_grows_has_the_size_asked_for_and_is_valid(name: str, size: int) -> None:
    space = get_space(name)
    grown = grow(space, data(name).architectures, size, 25, np.random.default_rng(0))
    assert len(grown) == 25
    assert len(set(grown)) > 10
    for graph in grown:
        assert graph.num_nodes == size
        space.validate(graph, max_nodes=size)


def test_the_best_by_the_score_are_kept_without_what_is_known() -> None:
    autoencoder, known = small_autoencoder("nasbench101"), data("nasbench101")
    seen = []

    def score(architectures):  # type: ignore[no-untyped-def]
        seen.extend(architectures)
        return np.array([-len(graph.edges) - 0.01 * graph.nodes.count("conv3x3") for graph in architectures])

    found = extrapolate(autoencoder, known, score, 8, seed=0, num_candidates=40)
    scores = score(list(dict.fromkeys(seen)))
    assert [one.predicted for one in found.best] == sorted(scores, reverse=True)[:5]
    assert sorted(found.scores) == sorted(scores)
    assert len({one.architecture for one in found.best}) == 5
    assert not {one.architecture for one in found.best} & set(known.architectures)
    assert {one.origin for one in found.best} <= {"decoded", "grown"}


def test_a_known_architecture_is_not_proposed_again() -> None:
    """At the trained size candidates can be known: all proposals must be new."""
    autoencoder = small_autoencoder("enas_macro")
    known = data("enas_macro", 10)
    again = grow(get_space("enas_macro"), known.architectures, 8, 30, np.random.default_rng(0))
    assert set(again) & set(known.architectures)
    found = extrapolate(autoencoder, known, lambda graphs: np.array([graph in again for graph in graphs], dtype=float), 8, 0, 30)
    assert not {one.architecture for one in found.best} & set(known.architectures)


def test_the_sizes_are_the_papers_and_a_fixed_space_has_none() -> None:
    assert larger_sizes(get_space("nasbench101")) == [8, 9]
    assert larger_sizes(get_space("enas_macro")) == [14]
    with pytest.raises(FixedSize, match="nasbench201"):
        larger_sizes(get_space("nasbench201"))
    with pytest.raises(FixedSize, match="9 were asked for"):
        extrapolate(small_autoencoder("nasbench201"), data("nasbench201"), lambda graphs: np.zeros(len(graphs)), 9, 0)


def test_sizes_that_a_space_lacks_are_passed_over() -> None:
    assert larger_sizes(get_space("enas_micro")) == [22, 25]
    assert larger_sizes(TIGHT) == [7]
    assert larger_sizes(EnasMacro(num_layers=12)) == [15, 16]
    assert {graph.num_nodes for graph in grow(TIGHT, list(TIGHT.enumerate())[:50], 7, 20, np.random.default_rng(0))} == {7}
    with pytest.raises(FixedSize, match="'full' have at most 5 edges, which join at most 6 nodes; extrapolate in another"):
        larger_sizes(CustomSpace(Definition("full", ("a",), max_nodes=6, max_edges=5)))


def test_sizes_asked_for_are_checked_and_the_limit_is_named() -> None:
    cells = get_space("nasbench101")
    assert choose_sizes(cells, None) == [8, 9]
    assert choose_sizes(cells, [10, 8]) == [10, 8]
    with pytest.raises(FixedSize, match="more nodes than the 7 that 'nasbench101' is trained with, got 7"):
        choose_sizes(cells, [8, 7])
    with pytest.raises(FixedSize, match="at most 9 edges, which join at most 10 nodes, 11 were asked for"):
        choose_sizes(cells, [8, 11])
    with pytest.raises(FixedSize, match="have 19, 22, 25 nodes and so on, 20 were asked for"):
        choose_sizes(get_space("enas_micro"), [20])
