"""A file of measurements that is open for reading: its head, how far it is read, and errors that name the place in it."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes of the whole file."""

_BUFFER_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16


class DataFileError(ValueError):
    """A file does not hold what it should; the message names the file, the place, what was expected, and the remedy.

    `problem` is the message without file and place, `place` where in the file it is, such as `line 3`, None where it is no place.
    """

    def __init__(self, message: str, problem: str, place: str | None = None) -> None:
        super().__init__(message)
        self.problem, self.place = problem, place


@dataclass(frozen=True)
class DataFile:
    """An open file and its path. `stream` is at the start until a reader takes it."""

    path: Path
    stream: "io.BufferedReader[io.RawIOBase]"

    def head(self) -> bytes:
        """The first bytes, at most 64 KiB; they stay to be read."""
        return self.stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]

    @contextmanager
    def text(self) -> Iterator[io.TextIOWrapper]:
        """The stream as UTF-8 text, with or without a byte order mark, its line ends as they are; it is closed with the text.

        Raises `DataFileError` where the bytes are not UTF-8.
        """
        with io.TextIOWrapper(self.stream, encoding="utf-8-sig", newline="") as text:
            try:
                yield text
            except UnicodeDecodeError as error:
                raise self.error(f"expected UTF-8 text: {error}; save the file as UTF-8") from error

    def error(self, problem: str, place: str | None = None) -> DataFileError:
        """The error to raise for a problem at a place such as `line 3`."""
        where = f"'{self.path.name}'" if place is None else f"'{self.path.name}', {place}"
        return DataFileError(f"{where}: {problem}", problem, place)


@contextmanager
def open_data_file(path: Path, progress: Progress | None = None) -> Iterator[DataFile]:
    """The file at `path`, read a megabyte at a time; `progress` hears of each. Raises `DataFileError` where there is no file."""
    if not path.is_file():
        problem = f"'{path}' is not a file; give the path of a file of measured architectures"
        raise DataFileError(problem, problem)
    total = path.stat().st_size
    with path.open("rb", buffering=0) as raw:
        source: io.RawIOBase = raw if progress is None else _Reported(raw, total, progress)
        with io.BufferedReader(source, _BUFFER_BYTES) as stream:
            yield DataFile(path, stream)


def data_in_memory(name: str, content: bytes) -> DataFile:
    """The bytes of a file that came by another way than the disk; `name` is what messages call it."""
    return DataFile(Path(name), io.BufferedReader(io.BytesIO(content), _BUFFER_BYTES))  # type: ignore[arg-type]


class _Reported(io.RawIOBase):
    """A raw stream that tells of every read."""

    def __init__(self, raw: io.FileIO, total: int, progress: Progress) -> None:
        self._raw, self._total, self._progress = raw, total, progress
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        count = self._raw.readinto(buffer)
        self._done += count
        if count:
            self._progress(self._done, self._total)
        return count
