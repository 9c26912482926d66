"""The source of a network computes what `build_network` builds, needs torch alone, and is as tidy as this code base."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.architectures.architecture import Architecture, InvalidArchitecture
from models.architectures.canonical import canonical_id
from models.networks.build import build_network
from models.networks.counts import count_parameters
from models.networks.skeleton import Skeleton
from models.networks.source.network_source import SPACES, network_source
from models.spaces.registry import get_space, space_names
from models.spaces.space import UnknownSpace
from tests.models.networks.test_build import grown
from tests.strategies import members, spaces

ROOT = Path(__file__).parents[4]


def written_network(source: str, *arguments: int) -> nn.Module:
    """The network of a source, which runs as a module of its own."""
    names: dict[str, type[nn.Module]] = {}
    exec(compile(source, "written.py", "exec"), names)
    return names["Network"](*arguments)


def assert_equal_networks(written: nn.Module, built: nn.Module, images: torch.Tensor) -> None:
    """Weights of one go into the other in their order, and then they compute the same, in training and afterwards."""
    assert count_parameters(written) == count_parameters(built)
    theirs = list(built.state_dict().values())
    state = dict(zip(written.state_dict(), theirs, strict=True))
    assert [value.shape for value in written.state_dict().values()] == [value.shape for value in theirs]
    written.load_state_dict(state)
    with torch.no_grad():
        for is_training in (True, False):
            logits = written.train(is_training)(images)
            torch.testing.assert_close(logits, built.train(is_training)(images), rtol=0, atol=0)


@st.composite
def skeletons(draw: st.DrawFn, space: str) -> Skeleton:
    cells = 1 if space == "enas_macro" else draw(st.integers(1, 2))
    return Skeleton(draw(st.integers(7, 9)), draw(st.integers(1, 3)), cells, draw(st.sampled_from([1, 3])))


@settings(max_examples=25)
@given(st.data())
def test_written_and_built_networks_are_equal(data: st.DataObject) -> None:
    member = data.draw(spaces().flatmap(members))
    skeleton = data.draw(skeletons(member.space))
    written = written_network(network_source(member, skeleton), 4, skeleton.input_channels)
    images = torch.randn(2, skeleton.input_channels, 5, 5)
    assert_equal_networks(written, build_network(member, 4, skeleton), images)


@pytest.mark.parametrize("name", space_names())
def test_without_a_skeleton_the_size_is_the_published_one(name: str) -> None:
    member = get_space(name).sample(np.random.default_rng(5))
    source = network_source(member)
    with torch.device("meta"):
        written, built = written_network(source), build_network(member, 10)
    assert [value.shape for value in written.state_dict().values()] == [value.shape for value in built.state_dict().values()]
    counted = re.search(r"^parameters: ([\d,]+) for ten classes", source, re.MULTILINE)
    assert counted is not None
    assert int(counted[1].replace(",", "")) == count_parameters(built)


@pytest.mark.parametrize(("name", "nodes"), [("nasbench101", 9), ("enas_macro", 14), ("enas_micro", 22)])
def test_larger_architectures_than_trained_on_are_written_too(name: str, nodes: int) -> None:
    member = grown(get_space(name), nodes, np.random.default_rng(nodes))
    skeleton = Skeleton(channels=8, stacks=2)
    written = written_network(network_source(member, skeleton))
    assert_equal_networks(written, build_network(member, 10, skeleton), torch.randn(2, 3, 5, 5))


def uneven_cell(*edges: tuple[int, int]) -> Architecture:
    return Architecture("nasbench101", ("input", *["conv1x1"] * 4, "output"), edges)


@pytest.mark.parametrize(
    "edges",
    [
        ((0, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 5), (4, 5)),
        ((0, 1), (0, 2), (1, 3), (2, 4), (1, 4), (2, 5), (3, 5), (4, 5)),
        ((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (2, 5), (3, 5), (4, 5)),
    ],
)
@pytest.mark.parametrize("channels", range(8, 14))
def test_channels_that_do_not_divide_evenly_go_to_the_same_nodes(edges: tuple[tuple[int, int], ...], channels: int) -> None:
    skeleton = Skeleton(channels, stacks=2)
    written = written_network(network_source(uneven_cell(*edges), skeleton))
    assert_equal_networks(written, build_network(uneven_cell(*edges), 10, skeleton), torch.randn(2, 3, 4, 4))


def test_it_says_which_architecture_it_is() -> None:
    member = get_space("nasbench201").sample(np.random.default_rng(0))
    text = ast.get_docstring(ast.parse(network_source(member)))
    assert text is not None
    assert text.startswith("A network of the search space nasbench201 at its published size.")
    assert f"canonical id: {canonical_id(member)}" in text
    assert all(f"{node}:{label}" in text for node, label in enumerate(member.nodes))
    assert "published" not in network_source(member, Skeleton(channels=8))


@given(spaces().flatmap(members))
def test_it_imports_torch_alone(member: Architecture) -> None:
    imported = [node for node in ast.walk(ast.parse(network_source(member))) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imported}
    assert names <= {"torch", "torch.nn"}


def test_it_is_tidy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in space_names():
        space = get_space(name)
        larger = [grown(space, nodes, rng) for nodes in (18, 30) if name == "enas_macro"]
        for number, member in enumerate([*(space.sample(rng) for _ in range(25)), *larger]):
            (tmp_path / f"{name}_{number}.py").write_text(network_source(member))
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        result = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_every_space_with_networks_has_source_and_others_are_refused() -> None:
    assert set(SPACES) == set(space_names())
    with pytest.raises(UnknownSpace, match="no networks for the space 'elsewhere'; expected one of enas_macro, "):
        network_source(Architecture("elsewhere", ("input", "output"), ((0, 1),)))


def test_what_a_network_cannot_be_built_from_is_refused() -> None:
    with pytest.raises(InvalidArchitecture, match="unknown operation"):
        network_source(Architecture("nasbench101", ("input", "x = 1\n", "output"), ((0, 1), (1, 2))))
    short = Architecture("enas_macro", ("input", "conv3x3", "output"), ((0, 1), (1, 2)))
    with pytest.raises(ValueError, match="expected at most 1 stacks, one for each layer, got 3"):
        network_source(short)
    with pytest.raises(ValueError, match="at least 4 channels"):
        network_source(uneven_cell((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (2, 5), (3, 5), (4, 5)), Skeleton(channels=3))
