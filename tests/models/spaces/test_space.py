"""What every space promises, run over all of them."""

import itertools

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.architecture import Architecture, InvalidArchitecture, from_graph
from models.architectures.canonical import canonical_id, canonicalise
from models.architectures.formats import to_networkx
from models.spaces.enas_macro import EnasMacro
from models.spaces.enas_micro import EnasMicro
from models.spaces.nasbench201 import NasBench201
from models.spaces.registry import get_space, space_names
from models.spaces.space import SearchSpace, UnknownSpace, nodes_on_paths
from tests.strategies import all_spaces, labelled_dags, members, relabellings


@given(st.data())
def test_samples_are_valid_canonical_and_reproducible(data: st.DataObject) -> None:
    space, seed = data.draw(all_spaces()), data.draw(st.integers(0, 2**32 - 1))
    sample = space.sample(np.random.default_rng(seed))
    space.validate(sample)
    assert canonicalise(sample) == sample
    assert sample == space.sample(np.random.default_rng(seed))
    assert set(sample.nodes) <= set(space.vocabulary)
    assert sample.num_nodes <= space.max_nodes


@given(st.data())
def test_relabelled_members_are_members(data: st.DataObject) -> None:
    space = data.draw(all_spaces())
    nodes, edges = data.draw(relabellings(data.draw(members(space))))
    space.validate(from_graph(space.name, nodes, edges))


@given(st.data())
def test_native_forms_round_trip(data: st.DataObject) -> None:
    space = data.draw(all_spaces())
    member = data.draw(members(space))
    assert space.parse_native(space.format_native(member)) == member


@settings(max_examples=40)
@given(st.data())
def test_neighbours_are_distinct_valid_canonical_and_in_a_fixed_order(data: st.DataObject) -> None:
    space = data.draw(all_spaces())
    member = data.draw(members(space))
    neighbours = space.neighbours(member)
    assert neighbours == space.neighbours(member)
    assert member not in neighbours
    assert len({canonical_id(neighbour) for neighbour in neighbours}) == len(neighbours) > 0
    for neighbour in neighbours:
        space.validate(neighbour)
        assert canonicalise(neighbour) == neighbour


@settings(max_examples=20)
@given(st.data())
def test_a_neighbour_with_as_many_nodes_or_more_has_the_way_back(data: st.DataObject) -> None:
    space = data.draw(all_spaces())
    member = data.draw(members(space))
    back = [neighbour for neighbour in space.neighbours(member) if neighbour.num_nodes >= member.num_nodes]
    neighbour = data.draw(st.sampled_from(back))
    assert member in space.neighbours(neighbour)


def has_room(architecture: Architecture) -> bool:
    """Whether a node more stays within the edge limit of NAS-Bench-101, the only space that has one."""
    return architecture.space != "nasbench101" or len(architecture.edges) < 9


@settings(max_examples=15)
@given(st.data())
def test_an_enlarged_space_has_larger_neighbours_that_only_it_takes(data: st.DataObject) -> None:
    name, step = data.draw(st.sampled_from([("enas_macro", 1), ("enas_micro", 3), ("nasbench101", 1)]))
    space = get_space(name)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    samples = (space.sample(rng) for _ in itertools.count())
    member = next(sample for sample in samples if sample.num_nodes == space.max_nodes and has_room(sample))
    larger = [neighbour for neighbour in space.neighbours(member, member.num_nodes + step) if neighbour.num_nodes > space.max_nodes]
    assert larger
    for neighbour in larger:
        space.validate(neighbour, member.num_nodes + step)
        with pytest.raises(InvalidArchitecture, match="choose max_nodes accordingly"):
            space.validate(neighbour)


@given(st.data())
def test_another_space_and_unknown_operations_are_named(data: st.DataObject) -> None:
    space = data.draw(all_spaces())
    member = data.draw(members(space).filter(lambda member: member.num_nodes > 2))
    place = data.draw(st.integers(1, member.num_nodes - 2))
    nodes = (*member.nodes[:place], "teleport", *member.nodes[place + 1 :])
    with pytest.raises(InvalidArchitecture) as caught:
        space.validate(Architecture("elsewhere", nodes, member.edges))
    assert [fault.pointer for fault in caught.value.faults][:2] == ["/space", f"/nodes/{place}"]
    assert all(label in str(caught.value) for label in ("elsewhere", space.name, "teleport", *space.operations))


@pytest.mark.parametrize(
    "space",
    [EnasMacro(num_layers=2), EnasMacro(num_layers=3), EnasMicro(num_sums=1), NasBench201()],
    ids=lambda space: f"{space.name}-{space.size}",
)
def test_the_size_is_the_number_of_isomorphism_classes_enumerated(space: SearchSpace) -> None:
    ids = [canonical_id(architecture) for architecture in space.enumerate()]
    assert len(set(ids)) == len(ids) == space.size


@pytest.mark.parametrize("name", space_names())
def test_the_registry_gives_spaces_by_their_own_names(name: str) -> None:
    space = get_space(name)
    assert space.name == name
    assert space.vocabulary == ("input", "output", *space.operations)
    assert len(set(space.vocabulary)) == len(space.vocabulary)


def test_an_unknown_space_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownSpace, match="'nowhere'; expected one of " + ", ".join(space_names())):
        get_space("nowhere")


@given(labelled_dags(max_nodes=9))
def test_nodes_on_paths_are_the_descendants_of_the_input_that_are_ancestors_of_the_output(architecture: Architecture) -> None:
    graph, last = to_networkx(architecture), architecture.num_nodes - 1
    forward = networkx.descendants(graph, 0) | {0}
    backward = networkx.ancestors(graph, last) | {last}
    assert nodes_on_paths(architecture) == forward & backward


@pytest.mark.parametrize("name", space_names())
def test_ids_tell_the_members_of_a_sample_apart(name: str) -> None:
    space, rng = get_space(name), np.random.default_rng(5)
    sample = [space.sample(rng) for _ in range(300)]
    assert all(
        (first == second) == (canonical_id(first) == canonical_id(second))
        for first, second in itertools.combinations(sample[:60], 2)
    )
    assert len(set(sample)) > 280
