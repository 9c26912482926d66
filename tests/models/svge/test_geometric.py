"""PyTorch Geometric graphs there and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.loader import DataLoader

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.spaces.registry import get_space
from models.svge.geometric import from_data, to_data
from tests.strategies import labelled_dags, members, spaces

VOCABULARY = ("input", "output", "a", "b")


@given(labelled_dags())
def test_any_graph_round_trips(architecture: Architecture) -> None:
    data = to_data(architecture, VOCABULARY)
    assert data.x.dtype == data.edge_index.dtype == torch.long
    assert data.x.shape == (architecture.num_nodes,)
    assert data.edge_index.shape == (2, len(architecture.edges))
    assert data.validate()
    assert from_data(data, "anything", VOCABULARY) == architecture


@given(st.data())
def test_members_of_spaces_round_trip_through_a_batch(data: st.DataObject) -> None:
    space = data.draw(spaces())
    architectures = data.draw(st.lists(members(space), min_size=1, max_size=4))
    batch = next(iter(DataLoader([to_data(member, space.vocabulary) for member in architectures], batch_size=4)))
    assert [from_data(graph, space.name, space.vocabulary) for graph in batch.to_data_list()] == architectures


def test_foreign_labels_types_and_cycles_are_refused() -> None:
    architecture = Architecture("any", ("input", "a", "output"), ((0, 1), (1, 2)))
    with pytest.raises(ValueError, match="got 'a'; give the vocabulary of its space"):
        to_data(architecture, get_space("nasbench101").vocabulary)
    data = to_data(architecture, VOCABULARY)
    with pytest.raises(ValueError, match="expected node types in 0..1, got 2"):
        from_data(data, "any", VOCABULARY[:2])
    data.edge_index = torch.tensor([[0, 1, 1], [1, 1, 2]])
    with pytest.raises(InvalidArchitecture, match="joins a node to itself"):
        from_data(data, "any", VOCABULARY)
