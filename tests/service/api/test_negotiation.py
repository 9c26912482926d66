"""The `Accept` header: against Werkzeug's reading of it, and what comes of each choice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from service.api.negotiation import MEDIA_TYPES, Wanted, preferred
from service.errors import InvalidRequest, NotAcceptable

OFFERED = list(MEDIA_TYPES.values())
RANGES = [*OFFERED, "text/*", "image/*", "*/*", "image/png", "text/html"]


@given(
    st.lists(
        st.tuples(st.sampled_from(RANGES), st.integers(0, 1000)), min_size=1, max_size=6, unique_by=(lambda p: p[0], lambda p: p[1])
    )
)
def test_qualities_and_ranges_are_read_as_werkzeug_reads_them(ranges: list[tuple[str, int]]) -> None:
    header = ", ".join(f"{media_range};q={quality / 1000:.3f}" for media_range, quality in ranges)
    theirs = parse_accept_header(header, MIMEAccept)
    qualities = [theirs.quality(media_type) for media_type in OFFERED]
    place = preferred(header, OFFERED)
    assert (place is None) == (max(qualities) == 0)
    if place is not None:
        assert qualities[place] == max(qualities)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("IMAGE/SVG+XML", "svg"),
        ("image/svg+xml, */*", "svg"),
        ("text/*", "dot"),
        ("text/*, text/x-python", "python"),
        ("text/x-python; charset=utf-8 ; Q=0.9, application/json;q=0.8", "python"),
        ("*/*, application/json;q=0", "svg"),
        ("image/svg+xml;q=much, text/x-python;q=2, text/vnd.graphviz;q=0.1", "dot"),
        (",;, /,,text/vnd.graphviz,", "dot"),
        # what Chrome and Firefox send for a page, and for a picture in one
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8", "json"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "svg"),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "svg"),
    ],
)
def test_each_header_gets_its_form(header: str, form: str) -> None:
    assert Wanted(None, header).choose("nasbench101") == form
    assert Wanted("dot", header).choose("nasbench101") == "dot"


@pytest.mark.parametrize("header", ["image/png", "application/json;q=0", "*/*;q=0", "nonsense", "text", "text/x-python;q=nan"])
def test_what_cannot_be_answered_is_refused_with_what_there_is(header: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        Wanted(None, header).choose("nasbench101")
    assert refused.value.details == {"offered": OFFERED}
    assert all(media_type in refused.value.message for media_type in OFFERED)


def test_a_space_without_networks_has_no_python() -> None:
    assert Wanted(None, "text/x-python, application/json;q=0.1").choose("mine") == "json"
    assert Wanted(None, "text/*").choose("mine") == "dot"
    with pytest.raises(NotAcceptable, match="no networks for the space 'mine', only for enas_macro, enas_micro, nasb") as refused:
        Wanted(None, "text/x-python").choose("mine")
    assert refused.value.details == {"offered": OFFERED[:3]}
    with pytest.raises(InvalidRequest, match="no networks for the space 'mine'.*ask for json, svg, dot") as invalid:
        Wanted("python", "*/*").choose("mine")
    assert [fault.pointer for fault in invalid.value.faults] == ["/format"]
