"""Files are known by their first bytes, and what is something else is refused with a remedy."""

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import pytest

from models.datasets.data_file import DataFileError, open_data_file
from models.datasets.recognition import FileKind, recognise
from tests.models.datasets.nasbench101_files import DIAMOND, repeats, tfrecord


def kind_of(folder: Path, content: bytes) -> FileKind:
    path = folder / "data.txt"
    path.write_bytes(content)
    with open_data_file(path) as data:
        return recognise(data)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (tfrecord(repeats(DIAMOND, [0.5])), FileKind.TFRECORD),
        (b"[[1], [4, 0]], 0.7302\n[[5], [3, 1]], 0.7234\n", FileKind.ENAS_LIST),
        (b"[[1],[4,0]],7e-1", FileKind.ENAS_LIST),
        (b"\xef\xbb\xbf[[1], [4, 0]], 0.7302\r\n", FileKind.ENAS_LIST),
        (b"architecture,accuracy\n|x~0|,0.5\n", FileKind.CSV),
        (b"\xef\xbb\xbfstructure;accuracy\r\n", FileKind.CSV),
        (b'[{"arch": "x", "accuracy": 1}]', FileKind.JSON),
        (b'[[1], [4, 0]]\n, {"a": 1}]', FileKind.JSON),
        (b'{"x": 0.5, "y": 0.6}\n', FileKind.JSON),
        (b'{"x": 0.5, "y": 0.6}\n\n', FileKind.JSON),
        (b'{\n  "x": {"accuracy": 0.5},\n "y": {}}\n', FileKind.JSON),
        (b'{"x": {"accuracy": 0.5},\n "y": {}}\n', FileKind.JSON),
        (b'{"arch": "x", "accuracy": 1}\r\n{"arch": "y"}', FileKind.JSON_LINES),
        (b' \n{"arch": "x"}\n{"arch": "y"}', FileKind.JSON_LINES),
        (b'{"arch": "x"}\n\n \r\n{"arch": "y"}', FileKind.JSON_LINES),
    ],
)
def test_the_kind_is_in_the_content(tmp_path: Path, content: bytes, kind: FileKind) -> None:
    assert kind_of(tmp_path, content) is kind


def torch_file() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), b"")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"", "is empty"),
        (b"\n\n ", "is empty"),
        (pickle.dumps({"meta_archs": []}), "a pickle or a PyTorch file.*; export it to CSV, as docs/data.md shows"),
        (torch_file(), "a pickle or a PyTorch file"),
        (gzip.compress(b"architecture,accuracy", mtime=0), "is compressed; unpack it first"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "is a web page and not the data"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x00" + tfrecord(repeats(DIAMOND, [0.5])), "neither text nor a whole TFRecord file"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, remedy: str) -> None:
    with pytest.raises(DataFileError, match=f"'data.txt': the file .*{remedy}"):
        kind_of(tmp_path, content)
