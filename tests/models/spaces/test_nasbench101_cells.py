"""The cells of NAS-Bench-101, computed from nothing: their published counts, the shipped table and its codes."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.canonical import canonicalise
from models.spaces import nasbench101_cells
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench101_cells import decode_cell, encode_cell, enumerate_codes, load_codes, save_codes


def test_the_enumeration_has_the_published_counts_and_is_the_shipped_table() -> None:
    codes = enumerate_codes()
    operations_of = Counter((np.bitwise_count((codes >> 21) & 0b01_01_01_01_01 | (codes >> 22) & 0b01_01_01_01_01)).tolist())
    assert operations_of == {0: 1, 1: 6, 2: 84, 3: 2_441, 4: 62_010, 5: 359_082}
    assert len(codes) == len(np.unique(codes)) == 423_624 == NasBench101().size
    assert codes.dtype == np.uint32
    assert np.array_equal(codes, load_codes())


def test_every_code_round_trips_and_is_ascending() -> None:
    codes = load_codes()
    assert np.all(codes[1:] > codes[:-1])
    assert all(encode_cell(decode_cell(code)) == code for code in codes[::7].tolist())


@given(st.integers(0, 423_623))
def test_every_cell_of_the_table_is_valid_and_canonical(index: int) -> None:
    cell = decode_cell(int(load_codes()[index]))
    NasBench101().validate(cell)
    assert canonicalise(cell) == cell


def test_the_table_cannot_be_changed_and_is_written_as_it_is_read(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = load_codes()
    with pytest.raises(ValueError, match="read-only"):
        codes[0] = 1
    monkeypatch.setattr(nasbench101_cells, "_TABLE", tmp_path / "table.npz")  # type: ignore[operator]
    save_codes(codes[:1000])
    assert np.array_equal(load_codes.__wrapped__(), codes[:1000])
