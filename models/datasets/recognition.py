"""What kind of file it is, by its first bytes; its name does not count. Files that are something else are refused with a remedy."""

import re
from enum import Enum, auto

from models.datasets.data_file import DataFile
from models.datasets.tfrecord import starts_a_tfrecord


class FileKind(Enum):
    """What `models/datasets` can read."""

    TFRECORD = auto()
    ENAS_LIST = auto()
    JSON = auto()
    JSON_LINES = auto()
    CSV = auto()


_PICKLE = "is a pickle or a PyTorch file, which can run code when it is opened; export it to CSV, as docs/data.md shows"
_PACKED = "is compressed; unpack it first"
_FOREIGN = (
    (b"PK\x03\x04", _PICKLE),
    (b"\x80", _PICKLE),
    (b"\x1f\x8b", _PACKED),
    (b"BZh", _PACKED),
    (b"\xfd7zXZ", _PACKED),
    (b"\x28\xb5\x2f\xfd", _PACKED),
    (b"\x89HDF", "is an HDF5 file; export it to CSV, as docs/data.md shows"),
    (b"version https://git-lfs", "is a pointer of Git LFS and not the data; fetch it with `git lfs pull`"),
    (b"<", "is a web page and not the data; download the file itself"),
)
_ENAS_LINE = re.compile(rb"\[\[[^\r\n]*\]\s*,\s*[-+.\deE]+\s*(\r?\n|$)")


def recognise(data: DataFile) -> FileKind:
    """The kind of the file. Raises `DataFileError` for an empty file and for one of a known foreign kind."""
    head = data.head()
    if not head.strip():
        raise data.error("the file is empty; expected measured architectures")
    if starts_a_tfrecord(head):
        return FileKind.TFRECORD
    for start, problem in _FOREIGN:
        if head.lstrip().startswith(start):
            raise data.error(f"the file {problem}")
    if b"\0" in head:
        raise data.error("the file is neither text nor a whole TFRecord file; if it should be one, download it again")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _ENAS_LINE.match(text):
        return FileKind.ENAS_LIST
    if text.startswith(b"["):
        return FileKind.JSON
    if text.startswith(b"{"):
        return FileKind.JSON_LINES if _are_two_objects(text) else FileKind.JSON
    return FileKind.CSV


def _are_two_objects(text: bytes) -> bool:
    """Whether there are two lines, blank ones aside, and each starts an object that the first ends; one line is read as JSON."""
    lines = [line for line in text.split(b"\n") if line.strip()][:2]
    return len(lines) == 2 and lines[0].rstrip().endswith(b"}") and lines[1].lstrip().startswith(b"{")
