"""Several architectures in one picture or graph: all are there, apart from each other, under their captions."""

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.architecture import Architecture
from models.architectures.drawing import draw_svg
from models.architectures.formats import to_dot
from models.architectures.gallery import Captioned, decoded_groups, dot_gallery, draw_gallery
from tests.models.architectures.dot_parser import parse
from tests.models.architectures.test_drawing import SVG, boxes, contrast
from tests.strategies import architectures, labelled_dags

CHAIN = Architecture("any", ("input", "a", "output"), ((0, 1), (1, 2)))
LABELS = ("a", 'say "b"', "<script>", "c & d\\")


def captioned() -> st.SearchStrategy[Captioned]:
    graphs = st.one_of(labelled_dags(labels=LABELS), architectures())
    return st.builds(Captioned, graphs, st.sampled_from(["70 %", 'point 3: <b> & "c"']))


def panels(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each drawing."""
    found = []
    for panel in root.findall(f"{SVG}svg"):
        left, top, width, height = (float(panel.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((left, top, left + width, top + height))
    return found


@settings(max_examples=30)
@given(st.lists(st.lists(captioned(), max_size=3), min_size=1, max_size=4).filter(lambda groups: sum(map(len, groups)) > 1))
def test_all_drawings_are_in_the_picture_under_their_captions(groups: list[list[Captioned]]) -> None:
    root = ElementTree.fromstring(draw_gallery(groups))
    items = [item for group in groups for item in group]
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    places = panels(root)
    for left, top, right, bottom in places:
        assert left >= 0
        assert top >= 0
        assert right <= width + 0.1
        assert bottom <= height + 0.1
    for first, second in itertools.combinations(places, 2):
        assert first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]
    for item, place, panel, caption in zip(items, places, root.findall(f"{SVG}svg"), root.findall(f"{SVG}text"), strict=True):
        assert len(boxes(panel)) == item.architecture.num_nodes
        assert sum(path.attrib["class"] == "edge" for path in panel.iter(f"{SVG}path")) == len(item.architecture.edges)
        assert caption.text == item.caption
        assert float(caption.attrib["x"]) == pytest.approx((place[0] + place[2]) / 2, abs=0.2)
        assert place[1] - 30 < float(caption.attrib["y"]) < place[1]


def test_the_points_of_an_interpolation_stand_in_a_row_and_others_in_rows_of_their_own() -> None:
    line = decoded_groups([[(CHAIN, 1.0)]] * 12)
    assert [group[0].caption for group in line[:2]] == ["point 0: 100 %", "point 1: 100 %"]
    tops = [top for _, top, _, _ in panels(ElementTree.fromstring(draw_gallery(line)))]
    assert [len(list(row)) for _, row in itertools.groupby(tops)] == [9, 3]
    several = decoded_groups([[(CHAIN, 0.75), (CHAIN, 0.25)], [(CHAIN, 1.0)]])
    tops = [top for _, top, _, _ in panels(ElementTree.fromstring(draw_gallery(several)))]
    assert [len(list(row)) for _, row in itertools.groupby(tops)] == [2, 1]


def test_shares_of_one_point_are_captions() -> None:
    (group,) = decoded_groups([[(CHAIN, 2 / 3), (CHAIN, 0.333), (CHAIN, 0.0005)]])
    assert [item.caption for item in group] == ["66.7 %", "33.3 %", "0.05 %"]


def test_one_alone_is_drawn_as_ever_and_none_is_refused() -> None:
    assert draw_gallery([[Captioned(CHAIN, "100 %")]]) == draw_svg(CHAIN)
    assert dot_gallery([[Captioned(CHAIN, "100 %")]]) == to_dot(CHAIN)
    with pytest.raises(ValueError, match="at least one architecture"):
        draw_gallery([[]])


def test_captions_are_readable_on_light_and_dark() -> None:
    text = draw_gallery([[Captioned(CHAIN, "a"), Captioned(CHAIN, "b")]])
    colour = text.partition(".caption{fill:")[2][:7]
    assert min(contrast(colour, "#ffffff"), contrast(colour, "#000000")) >= 4.5


@settings(max_examples=8)
@given(st.lists(st.lists(captioned(), max_size=2), max_size=2).filter(lambda groups: sum(map(len, groups)) > 1))
def test_each_architecture_is_a_cluster_of_one_graph(groups: list[list[Captioned]]) -> None:
    items = [item for group in groups for item in group]
    clusters, captions = parse(dot_gallery(groups))
    assert captions == [item.caption for item in items]
    names = [name for labels, _ in clusters for name in labels]
    assert len(set(names)) == len(names)
    for item, (labels, edges) in zip(items, clusters, strict=True):
        place = {name: node for node, name in enumerate(labels)}
        assert tuple(labels.values()) == item.architecture.nodes
        assert sorted((place[source], place[target]) for source, target in edges) == list(item.architecture.edges)
