"""What a user writes down of a search space of their own, in YAML, and the check that it makes sense.

The space that follows from it is in `custom.py`.
"""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from models.architectures.architecture import INPUT, OUTPUT
from models.spaces.grammar import edges_by_ports

MAX_NODES = 128
"""The model compares all pairs of nodes, so time and memory grow with the square."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_OUTPUTS = ("dangling", "last")
_SHOWN = 40
_INTEGER = "tag:yaml.org,2002:int"
_NO_VALUE = (ValueError, KeyError, IndexError, AttributeError)
"""What PyYAML raises for a scalar that does not fit its tag, beside errors of its own."""


class InvalidDefinition(ValueError):
    """The definition of a search space cannot be read or contradicts itself; `pointer` leads to the field at fault."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


@dataclass(frozen=True)
class Definition:
    """The rules of a space. Numbers of nodes count `input` and `output`; every node lies on a path from one to the other.

    `operations` are the labels of the nodes between. There are at most `max_edges` edges. With `chain` every node feeds the next
    one and skips are free. With `ports` every operation has exactly so many predecessors, all earlier nodes where there are
    fewer. `output` is fed by every node that feeds nothing else, and any others, for `dangling`, and by one node alone for `last`.

    Raises `InvalidDefinition`, naming the field, for values that contradict each other.
    """

    name: str
    operations: tuple[str, ...]
    max_nodes: int
    min_nodes: int = 2
    max_edges: int | None = None
    chain: bool = False
    ports: int | None = None
    output: str = "dangling"

    def __post_init__(self) -> None:
        _check_labels(self)
        _check_numbers(self)

    def least_edges(self, num_nodes: int) -> int:
        """The fewest edges that join so many nodes."""
        return num_nodes - 1 if self.ports is None else edges_by_ports(self.ports, num_nodes - 1) + 1

    def to_mapping(self) -> dict[str, Any]:
        """The definition as a JSON value, which `parse_definition` reads."""
        return {**asdict(self), "operations": list(self.operations)}


def read_definition(path: Path) -> Definition:
    """The definition in a YAML file. Raises `InvalidDefinition`, naming the file and the field."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidDefinition(f"cannot read the space '{path}': {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidDefinition(f"the space '{path}' is no text in UTF-8: {error.reason} at byte {error.start}") from error
    except InvalidDefinition as error:
        raise InvalidDefinition(f"the space '{path}' cannot be used: {error}", error.pointer) from error


def parse_yaml(text: str) -> Definition:
    """The definition in a YAML text. Raises `InvalidDefinition`, naming the field."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        _check_fields(tree)
        return parse_definition(None if tree is None else _constructed(tree, "the first level"))
    except yaml.YAMLError as error:
        raise InvalidDefinition(f"it is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InvalidDefinition("it is nested too deeply; expected a list of fields such as 'name: mine'") from error


def parse_definition(value: Any) -> Definition:
    """The definition of a mapping of its fields, as YAML or JSON give it. Raises `InvalidDefinition`, naming the field."""
    names = [field.name for field in fields(Definition)]
    if not isinstance(value, Mapping):
        raise InvalidDefinition(
            f"expected the fields {', '.join(names)}, got {_kind(value)}; write them one a line, as 'name: mine'"
        )
    for key in value:
        if key not in names:
            close = difflib.get_close_matches(str(key), names, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"the fields are {', '.join(names)}"
            raise InvalidDefinition(f"unknown field '{key!s:.40}'; {hint}", _pointer(key))
    for name in ("name", "operations", "max_nodes"):
        if name not in value:
            raise InvalidDefinition(f"the field '{name}' is missing; add it", _pointer(name))
    given = {key: _CHECKS[key](key, item) for key, item in value.items()}
    return Definition(**given)


def _check_labels(definition: Definition) -> None:
    if not _NAME.fullmatch(definition.name):
        message = f"'name' must be lower-case letters, digits, _ and -, a letter first, got '{definition.name:.80}'"
        raise InvalidDefinition(message, "/name")
    if not definition.operations:
        raise InvalidDefinition("'operations' is empty; list at least one label", "/operations")
    counts = Counter(definition.operations)
    for place, label in enumerate(definition.operations):
        pointer = f"/operations/{place}"
        if label in (INPUT, OUTPUT):
            raise InvalidDefinition(f"'operations' holds '{label}', which every space has; choose another label", pointer)
        if not _LABEL.fullmatch(label):
            message = f"'operations' holds '{label:.80}'; expected up to 64 letters, digits, _, -, + and ., a letter or digit first"
            raise InvalidDefinition(message, pointer)
        if counts[label] > 1:
            raise InvalidDefinition(f"'operations' lists '{label}' twice; list it once", pointer)


def _check_numbers(definition: Definition) -> None:
    low, high, ports = definition.min_nodes, definition.max_nodes, definition.ports
    if not 3 <= high <= MAX_NODES:
        message = f"'max_nodes' must be between 3 (input, one operation, output) and {MAX_NODES}, got {high}"
        raise InvalidDefinition(message, "/max_nodes")
    if low < 2:
        raise InvalidDefinition(f"'min_nodes' counts input and output, so it must be at least 2, got {low}", "/min_nodes")
    if low > high:
        message = f"'min_nodes' is {low}, more than the {high} of 'max_nodes'; lower the first or raise the second"
        raise InvalidDefinition(message, "/min_nodes")
    if ports is not None and not 1 <= ports <= high - 2:
        message = (
            f"'ports' must be between 1 and {high - 2}, got {ports}: of {high} nodes at most {high - 2} come before an operation"
        )
        raise InvalidDefinition(f"{message}; lower 'ports' or raise 'max_nodes'", "/ports")
    if definition.output not in _OUTPUTS:
        raise InvalidDefinition(f"'output' must be one of {', '.join(_OUTPUTS)}, got '{definition.output:.40}'", "/output")
    least = definition.least_edges(high)
    if definition.max_edges is not None and definition.max_edges < least:
        joined = f"{high} nodes in a row" if ports is None else f"{high} nodes with {ports} ports each"
        message = f"'max_edges' is {definition.max_edges}, but {joined} take {least} edges"
        remedy = f"raise 'max_edges' or lower 'max_nodes'{'' if ports is None else ' or ports'}"
        raise InvalidDefinition(f"{message}; {remedy}", "/max_edges")
    most = high * (high - 1) // 2
    if definition.max_edges is not None and definition.max_edges > most:
        message = f"'max_edges' is {definition.max_edges}, but {high} nodes have at most {most} edges"
        raise InvalidDefinition(f"{message}; lower it, or leave it out for no limit", "/max_edges")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidDefinition(f"'{key}' must be text, got {_kind(value)}; quote it", _pointer(key))
    return value


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidDefinition(f"'{key}' must be a list of labels, got {_kind(value)}; write [a, b]", _pointer(key))
    return tuple(_text(f"{key}[{index}]", item) for index, item in enumerate(value))


def _number(key: str, value: Any) -> int:
    if type(value) is not int:
        raise InvalidDefinition(f"'{key}' must be a whole number, got {_kind(value)}", _pointer(key))
    return value


def _number_or_none(key: str, value: Any) -> int | None:
    return None if value is None else _number(key, value)


def _truth(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidDefinition(f"'{key}' must be true or false, got {_kind(value)}", _pointer(key))
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "name": _text,
    "operations": _texts,
    "max_nodes": _number,
    "min_nodes": _number,
    "max_edges": _number_or_none,
    "chain": _truth,
    "ports": _number_or_none,
    "output": _text,
}


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few of them stand for more values than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise InvalidDefinition(f"line {line} has an alias, a '*' before a name; write the value out")
        return super().compose_node(parent, index)


def _check_fields(tree: yaml.Node | None) -> None:
    """Raise `InvalidDefinition` for what YAML would silently take otherwise than it is meant, and for values that are none.

    Of a field that is given twice it takes the last; 012 is 10 to it, and 1:2 is 62.
    """
    if not isinstance(tree, yaml.MappingNode):
        return
    seen = set()
    for key, value in tree.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            raise InvalidDefinition(f"the field '{name:.40}' is given twice, again in line {line}; keep one", _pointer(name))
        seen.add(name)
        if value.tag == _INTEGER and not _DECIMAL.fullmatch(str(value.value)):
            message = f"'{name:.40}' in line {line} is '{value.value!s:.40}'; write a whole number in plain decimal digits"
            raise InvalidDefinition(message, _pointer(name))
        _constructed(value, f"'{name:.40}'")


def _constructed(node: yaml.Node, place: str) -> Any:
    """The value of a node. Raises `InvalidDefinition`, naming the place, where its text is no value of its YAML type."""
    try:
        return yaml.SafeLoader("").construct_document(node)
    except _NO_VALUE as error:
        held = f"'{node.value:.40}'" if isinstance(node, yaml.ScalarNode) else "a value"
        message = f"{place} in line {node.start_mark.line + 1} holds {held}, which YAML cannot take for what it looks like: {error}"
        raise InvalidDefinition(f"{message}; correct it, or quote it if it is text") from error


def _pointer(key: Any) -> str:
    """The JSON pointer of a field, or of an item such as `operations[2]`."""
    name = str(key)[:_SHOWN].replace("~", "~0").replace("/", "~1")
    return "/" + re.sub(r"\[(\d+)\]$", r"/\1", name)


def _kind(value: Any) -> str:
    """The type of a value, with the value itself where it is short."""
    return f"{type(value).__name__} {value!r:.60}" if isinstance(value, str | int | float | None) else type(value).__name__
