"""Definitions in YAML: what is read comes back, and what contradicts itself is refused with the field and the remedy."""

from pathlib import Path
from typing import Any

import pytest

from models.spaces.definition import Definition, InvalidDefinition, parse_definition, read_definition
from models.spaces.registry import define_space, definition_of, get_space, native_form, open_space
from tests.models.spaces.rule_sets import RULE_SETS, TEN_NODES

WHOLE = """
name: mine
operations: [conv3x3, conv5x5]  # labels
min_nodes: 3
max_nodes: 6
max_edges: 9
chain: false
ports: 2
output: last
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_file_gives_its_fields_and_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    assert read_definition(written(tmp_path, WHOLE)) == Definition(
        "mine", ("conv3x3", "conv5x5"), max_nodes=6, min_nodes=3, max_edges=9, chain=False, ports=2, output="last"
    )
    short = read_definition(written(tmp_path, "{name: mine, operations: [a], max_nodes: 4}"))
    assert (short.min_nodes, short.max_edges, short.chain, short.ports, short.output) == (2, None, False, None, "dangling")


@pytest.mark.parametrize("rules", [*RULE_SETS[::5], TEN_NODES])
def test_a_definition_comes_back_from_its_json_value(rules: Definition) -> None:
    assert parse_definition(rules.to_mapping()) == rules
    space = define_space(rules.to_mapping())
    assert definition_of(space) == rules.to_mapping()
    assert (space.name, space.max_nodes) == (rules.name, rules.max_nodes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operations": ["a", "b", "a"]}, "'operations' lists 'a' twice; list it once"),
        ({"operations": []}, "'operations' is empty"),
        ({"operations": ["input"]}, "holds 'input', which every space has; choose another"),
        ({"operations": ["a,b"]}, "'operations' holds 'a,b'; expected up to 64 letters"),
        ({"operations": "a"}, "'operations' must be a list of labels, got str 'a'"),
        ({"operations": [False]}, r"'operations\[0\]' must be text, got bool False; quote it"),
        ({"min_nodes": 7}, "'min_nodes' is 7, more than the 6 of 'max_nodes'"),
        ({"min_nodes": 1}, "'min_nodes' counts input and output"),
        ({"max_nodes": 2}, "'max_nodes' must be between 3"),
        ({"max_nodes": 1000}, "'max_nodes' must be between 3 .* and 128, got 1000"),
        ({"max_nodes": "6"}, "'max_nodes' must be a whole number, got str '6'"),
        ({"max_nodes": True}, "'max_nodes' must be a whole number, got bool True"),
        ({"max_nodes": 6.0}, "'max_nodes' must be a whole number, got float"),
        ({"max_edges": 4}, "'max_edges' is 4, but 6 nodes in a row take 5 edges; raise 'max_edges'"),
        ({"max_edges": 5, "ports": 2}, "'max_edges' is 5, but 6 nodes with 2 ports each take 8 edges"),
        ({"max_edges": 16}, "'max_edges' is 16, but 6 nodes have at most 15 edges; lower it, or leave it out"),
        ({"max_edges": 10**23}, "at most 15 edges"),
        ({"ports": 5}, "'ports' must be between 1 and 4, got 5"),
        ({"ports": 0}, "'ports' must be between 1 and 4, got 0"),
        ({"chain": "yes"}, "'chain' must be true or false, got str 'yes'"),
        ({"output": "first"}, "'output' must be one of dangling, last, got 'first'"),
        ({"name": "My space"}, "'name' must be lower-case"),
        ({"name": "nasbench101"}, "'nasbench101', which is a space already; choose another name"),
        ({"name": 5}, "'name' must be text, got int 5"),
        ({"max_node": 6}, "unknown field 'max_node'; did you mean 'max_nodes'?"),
        ({"colour": "blue"}, "unknown field 'colour'; the fields are name, operations"),
    ],
)
def test_a_contradiction_names_the_field_and_the_remedy(changes: dict[str, Any], message: str) -> None:
    value = {"name": "mine", "operations": ["a", "b"], "max_nodes": 6, **changes}
    with pytest.raises(InvalidDefinition, match=message):
        define_space(value)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"operations": ["a", "b", "a"]}, "/operations/0"),
        ({"operations": ["a", 5]}, "/operations/1"),
        ({"operations": []}, "/operations"),
        ({"min_nodes": 7}, "/min_nodes"),
        ({"max_edges": 4}, "/max_edges"),
        ({"chain": "yes"}, "/chain"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_a_contradiction_points_at_the_field(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        parse_definition({"name": "mine", "operations": ["a", "b"], "max_nodes": 6, **changes})
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("name", ["name", "operations", "max_nodes"])
def test_a_missing_field_is_named(name: str) -> None:
    value = {"name": "mine", "operations": ["a", "b"], "max_nodes": 6}
    with pytest.raises(InvalidDefinition, match=f"the field '{name}' is missing; add it"):
        parse_definition({key: item for key, item in value.items() if key != name})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the fields name, .* got NoneType None"),
        ("- a", "expected the fields name, .* got list"),
        ("name: [", "is no YAML"),
        ("name: a\n\tb: c", "is no YAML"),
        ("name: !!python/object/apply:os.getcwd []", "is no YAML"),
        ("? [a]\n: b", "is no YAML"),
        ("[" * 900, "nested too deeply"),
        ("name: &a b\noperations: [x, *a]", "line 2 has an alias"),
        ("name: a\nmax_nodes: 4\noperations: [x]\nmax_nodes: 5", "'max_nodes' is given twice, again in line 4; keep one"),
        ("name: a\nmax_nodes: 2024-13-45", "'max_nodes' in line 2 holds '2024-13-45', .*: month must be in 1..12; correct it"),
        ("max_nodes: !!bool abc", "'max_nodes' in line 1 holds 'abc'"),
        ("operations: [!!float abc]", "'operations' in line 1 holds a value"),
        ("2024-13-45: 6", "the first level in line 1 holds a value"),
        ("max_nodes: !!int abc", "'max_nodes' in line 1 is 'abc'; write a whole number in plain decimal digits"),
        ("max_nodes: 012", "'max_nodes' in line 1 is '012'; write a whole number in plain decimal digits"),
        ("max_nodes: 1:2", "'max_nodes' in line 1 is '1:2'"),
        ("max_nodes: 0x10", "'max_nodes' in line 1 is '0x10'"),
        (f"max_nodes: {'9' * 5000}", "'max_nodes' in line 1 holds '9{40}', "),
    ],
)
def test_a_file_that_is_no_definition_is_refused_by_its_name(text: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidDefinition, match=message) as caught:
        read_definition(path)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidDefinition, match="cannot read the space '.*nowhere.yaml'"):
        open_space(str(tmp_path / "nowhere.yaml"))
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidDefinition, match="no text in UTF-8"):
        open_space(str(path))


def test_names_and_files_open_spaces(tmp_path: Path) -> None:
    assert open_space("nasbench101") == get_space("nasbench101")
    mine = open_space(str(written(tmp_path, WHOLE)))
    assert mine.vocabulary == ("input", "output", "conv3x3", "conv5x5")
    assert definition_of(get_space("nasbench101")) is None


def test_the_native_form_needs_no_definition() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    member = define_space(TEN_NODES.to_mapping()).sample(rng)
    assert native_form(member)["nodes"] == list(member.nodes)
    cell = get_space("nasbench101").sample(rng)
    assert native_form(cell) == get_space("nasbench101").format_native(cell)
