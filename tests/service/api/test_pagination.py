import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.pagination import read_cursor, write_cursor
from service.errors import InvalidRequest


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_a_cursor_names_its_key(key: int) -> None:
    assert read_cursor(write_cursor(key)) == key


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None) == 0


@given(st.text())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    if text not in {write_cursor(key) for key in range(100)}:
        with pytest.raises(InvalidRequest, match="next_cursor"):
            read_cursor(text)


@pytest.mark.parametrize("text", ["", "x", "YWZ0ZXI6", "YWZ0ZXI6LTE", "YWZ0ZXI6MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", "é"])
def test_broken_cursors_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="next_cursor"):
        read_cursor(text)
