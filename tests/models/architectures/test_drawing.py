"""The picture: valid XML, all nodes and edges in it, edges clear of nodes, readable and stable colours."""

import itertools
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.architecture import Architecture
from models.architectures.drawing import draw_svg
from models.spaces.enas_macro import EnasMacro
from models.spaces.registry import get_space, space_names
from tests.strategies import architectures, labelled_dags, members

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


def boxes(root: ElementTree.Element) -> dict[int, Box]:
    found = {}
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        left, top, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found[int(group.attrib["data-node"])] = (left, top, left + width, top + height)
    return found


def points(path: str) -> list[tuple[float, float]]:
    """Points along a path of M, L and C commands."""
    found: list[tuple[float, float]] = []
    for command, text in re.findall(r"([MLC])([^MLC]*)", path):
        numbers = [float(number) for number in text.split()]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "C":
            corners = [found[-1], *pairs]
            for step in range(1, 21):
                t = step / 20
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
                found.append(tuple(sum(w * c[axis] for w, c in zip(weights, corners, strict=True)) for axis in (0, 1)))  # type: ignore[arg-type]
        elif found:
            start = found[-1]
            found += [
                (start[0] + (pairs[0][0] - start[0]) * t / 10, start[1] + (pairs[0][1] - start[1]) * t / 10) for t in range(1, 11)
            ]
        else:
            found += pairs
    return found


def inside(point: tuple[float, float], box: Box) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


@settings(max_examples=60)
@given(st.one_of(labelled_dags(max_nodes=8), architectures(), members(EnasMacro(num_layers=12))))
def test_every_edge_joins_its_nodes_and_runs_through_none(architecture: Architecture) -> None:
    root = ElementTree.fromstring(draw_svg(architecture))
    nodes = boxes(root)
    drawn = {path.attrib["data-edge"]: path.attrib["d"] for path in root.iter(f"{SVG}path") if path.attrib["class"] == "edge"}
    assert sorted(nodes) == list(range(architecture.num_nodes))
    assert sorted(drawn) == sorted(f"{source}-{target}" for source, target in architecture.edges)
    for edge, path in drawn.items():
        source, target = (nodes[int(end)] for end in edge.split("-"))
        line = points(path)
        assert source[0] <= line[0][0] <= source[2]
        assert line[0][1] == pytest.approx(source[3], abs=0.2)
        assert target[0] <= line[-1][0] <= target[2]
        assert target[1] - 10 <= line[-1][1] <= target[1]
        assert not any(inside(point, box) for point in line for box in nodes.values())


@given(st.one_of(labelled_dags(max_nodes=8), architectures()))
def test_all_is_in_the_picture_and_no_nodes_overlap(architecture: Architecture) -> None:
    root = ElementTree.fromstring(draw_svg(architecture))
    left, top, width, height = (float(number) for number in root.attrib["viewBox"].split())
    nodes = boxes(root).values()
    assert all(left <= box[0] and top <= box[1] and box[2] <= left + width and box[3] <= top + height for box in nodes)
    for first, second in itertools.combinations(nodes, 2):
        assert first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]


def test_it_stands_alone_and_says_what_it_is() -> None:
    text = draw_svg(Architecture("any", ("input", "a", "output"), ((0, 1), (1, 2))))
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "any: 3 nodes, 2 edges"
    assert "href" not in text
    assert "url(" not in text


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda label: label not in ("input", "output")))
def test_any_label_is_escaped(label: str) -> None:
    root = ElementTree.fromstring(draw_svg(Architecture(label, ("input", label, "output"), ((0, 1), (1, 2)))))
    shown = [text.text for text in root.iter(f"{SVG}text")][1]
    assert shown == "".join(character if character.isprintable() else " " for character in label)
    assert len(list(root.iter())) == len(
        list(ElementTree.fromstring(draw_svg(Architecture("s", ("input", "a", "output"), ((0, 1), (1, 2))))).iter())
    )


def fills(*labels: str) -> list[str]:
    last = len(labels) + 1
    edges = [(0, node) for node in range(1, last)] + [(node, last) for node in range(1, last)]
    root = ElementTree.fromstring(draw_svg(Architecture("any", ("input", *labels, "output"), tuple(edges))))
    rects = [group.find(f"{SVG}rect") for group in root.iter(f"{SVG}g")]
    return [rect.attrib["fill"] for rect in rects if rect is not None][1:-1]


@pytest.mark.parametrize("name", space_names())
def test_the_operations_of_a_space_have_different_colours(name: str) -> None:
    colours = fills(*get_space(name).operations)
    assert len(set(colours)) == len(colours)


def test_an_unknown_operation_has_one_colour_wherever_it_stands() -> None:
    first, *_, last = fills("mish", "conv3x3", "gelu", "mish")
    assert first == last
    assert fills("gelu", "mish")[1] == first


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@given(labelled_dags(labels=("conv3x3", "sep_conv3x3", "sep_conv5x5", "none", "skip", "gelu", "mish")))
def test_labels_and_lines_are_readable_on_light_and_dark(architecture: Architecture) -> None:
    text = draw_svg(architecture)
    root = ElementTree.fromstring(text)
    for group in root.iter(f"{SVG}g"):
        rect, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert rect is not None
        assert label is not None
        assert contrast(rect.attrib["fill"], label.attrib["fill"]) >= 4.5
    stroke = re.search(r"\.edge\{[^}]*stroke:(#[0-9a-f]{6})", text)
    assert stroke is not None
    assert min(contrast(stroke.group(1), "#ffffff"), contrast(stroke.group(1), "#000000")) >= 3
