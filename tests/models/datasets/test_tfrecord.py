"""TFRecord files: the checksum's known values, records written by another writer, and damage at every byte."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets.data_file import DataFileError, open_data_file
from models.datasets.tfrecord import masked_crc32c, read_records, starts_a_tfrecord
from tests.models.datasets.nasbench101_files import crc32c, framed, masked, tfrecord


def records_of(path: Path, content: bytes) -> list[bytes]:
    path.write_bytes(content)
    with open_data_file(path) as data:
        return list(read_records(data))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records") / "data.tfrecord"


def test_the_checksum_has_the_values_of_rfc_3720() -> None:
    vectors = {b"123456789": 0xE3069283, bytes(32): 0x8A9136AA, b"\xff" * 32: 0x62A8AB43, bytes(range(32)): 0x46DD794E}
    for data, crc in vectors.items():
        assert crc32c(data) == crc
        assert masked_crc32c(data).to_bytes(4, "little") == masked(data)


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_records_are_read_as_they_were_written(path: Path, payloads: list[bytes]) -> None:
    assert records_of(path, tfrecord(payloads)) == payloads


def test_a_file_that_ends_early_says_in_which_record(path: Path) -> None:
    whole = tfrecord([b"first", b"second"])
    first = len(framed(b"first"))
    assert records_of(path, whole[:first]) == [b"first"]
    for length in range(1, len(whole)):
        if length == first:
            continue
        number = 1 if length < first else 2
        with pytest.raises(DataFileError, match=f"'data.tfrecord', record {number}: the file ends within .*; download"):
            records_of(path, whole[:length])


def test_any_changed_byte_is_noticed(path: Path) -> None:
    whole = tfrecord([b"first", b"second"])
    first = len(framed(b"first"))
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        number = 1 if place < first else 2
        with pytest.raises(DataFileError, match=f"record {number}: the checksum .* does not match, so the file is damaged"):
            records_of(path, bytes(damaged))


def test_an_immense_record_is_refused_before_it_is_read(path: Path) -> None:
    length = (1 << 60).to_bytes(8, "little")
    with pytest.raises(DataFileError, match="record 1: expected a record of at most 1048576 bytes, got 1152921504606846976"):
        records_of(path, length + masked(length))


def test_the_start_of_a_file_tells_whether_it_holds_records() -> None:
    assert starts_a_tfrecord(framed(b"x"))
    assert starts_a_tfrecord(framed(b"x")[:12])
    assert not starts_a_tfrecord(framed(b"x")[:11])
    assert not starts_a_tfrecord(b"architecture,accuracy\n")
