"""Files that are open: their head stays to be read, progress counts every byte, and errors name the file and the place."""

from pathlib import Path

import pytest

from models.datasets.data_file import DataFileError, data_in_memory, open_data_file


def test_the_head_is_short_and_stays_to_be_read(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1_000
    (tmp_path / "big").write_bytes(content)
    with open_data_file(tmp_path / "big") as data:
        assert data.head() == content[: 1 << 16]
        assert data.stream.read() == content


def test_progress_counts_to_the_size_in_steps(tmp_path: Path) -> None:
    size = 3 * (1 << 20) + 5
    (tmp_path / "big").write_bytes(b"x" * size)
    heard: list[tuple[int, int]] = []
    with open_data_file(tmp_path / "big", lambda done, total: heard.append((done, total))) as data:
        while data.stream.read(10_000):
            pass
    done = [bytes_done for bytes_done, _ in heard]
    assert {total for _, total in heard} == {size}
    assert done == sorted(set(done))
    assert len(done) >= 4
    assert done[-1] == size


def test_text_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    for start in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "text").write_bytes(start + "é\r\n".encode())
        with open_data_file(tmp_path / "text") as data, data.text() as text:
            assert text.read() == "é\r\n"


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes("é".encode("latin-1"))
    with (
        pytest.raises(DataFileError, match="'text': expected UTF-8 text: .*; save the file as UTF-8"),
        open_data_file(tmp_path / "text") as data,
        data.text() as text,
    ):
        text.read()


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(DataFileError, match=f"'{path}' is not a file; give the path"), open_data_file(path):
            pass


def test_an_error_names_the_file_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")
    with open_data_file(tmp_path / "a.csv") as data:
        assert str(data.error("wrong", "line 3")) == "'a.csv', line 3: wrong"
        assert str(data.error("wrong")) == "'a.csv': wrong"


def test_bytes_in_memory_are_read_like_a_file_and_errors_have_parts() -> None:
    content = b"\xef\xbb\xbfa,b\r\n" * 50_000
    data = data_in_memory("upload", content)
    assert data.head() == content[: 1 << 16]
    with data.text() as text:
        assert text.read() == content.decode("utf-8-sig")
    error = data.error("expected more", "line 3")
    assert (str(error), error.problem, error.place) == ("'upload', line 3: expected more", "expected more", "line 3")
