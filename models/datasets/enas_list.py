"""The published list of ENAS structures: its text form, its burn-in, and the split that the papers train and test on.

Zhang et al., "D-VAE: a variational autoencoder for directed acyclic graphs" (2019), trained and published the list; SVGe uses
the same rows. Its first 1,000 were sampled while the shared weights still settled and are left out, which leaves 19,020.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from models.datasets.data_file import DataFile
from models.datasets.measured import MeasuredArchitectures
from models.datasets.rows import Row

BURN_IN_ROWS = 1_000
PUBLISHED_ROWS = 19_020
ACCURACY = "weight_sharing_accuracy"
_PUBLISHED_TRAINING_ROWS = 17_118


class WrongRows(ValueError):
    """The measurements are not the rows that were published."""


class PublishedSplit(NamedTuple):
    """The rows that the papers train on, 17,118, and those that they test on, 1,902, each in the shuffled order."""

    train: MeasuredArchitectures
    test: MeasuredArchitectures


def text_rows(data: DataFile) -> Iterator[tuple[str, Row]]:
    """The rows of lines `[[operation], [operation, skip], …], accuracy`. Raises `DataFileError`."""
    with data.text() as text:
        for number, line in enumerate(text, start=1):
            if not line.strip():
                continue
            structure, comma, accuracy = line.rpartition(",")
            if not comma or not structure.rstrip().endswith("]]"):
                raise data.error(f"expected '[[…], …], accuracy', got {line[:80]!r}; is the file whole?", f"line {number}")
            yield f"line {number}", {"structure": structure, ACCURACY: accuracy.strip()}


def without_burn_in(data: DataFile, rows: Iterator[tuple[str, Row]], burn_in: int) -> Iterator[tuple[str, Row]]:
    """The rows after the first `burn_in`. Raises `DataFileError` where none is left."""
    number = 0
    for number, row in enumerate(rows, start=1):
        if number > burn_in:
            yield row
    if number <= burn_in:
        raise data.error(f"expected more than the {burn_in} rows of the burn-in, got {number}; pass burn_in=0 to keep them all")


def published_enas_split(measured: MeasuredArchitectures) -> PublishedSplit:
    """The papers' split: `random.Random(0).shuffle` of the 19,020 rows in file order, the first 90 % to train.

    It splits rows and not architectures, as published. Five structures were measured twice; one of them is on both sides.
    Raises `WrongRows` for any other number of rows.
    """
    if len(measured.rows) != PUBLISHED_ROWS:
        raise WrongRows(
            f"expected the {PUBLISHED_ROWS} rows of the published list after its burn-in, got {len(measured.rows)}; "
            "load the whole list with its burn-in left out"
        )
    order = list(range(PUBLISHED_ROWS))
    random.Random(0).shuffle(order)
    train, test = order[:_PUBLISHED_TRAINING_ROWS], order[_PUBLISHED_TRAINING_ROWS:]
    return PublishedSplit(
        measured.take(train, f"the {len(train)} training rows of the published split of {measured.source}"),
        measured.take(test, f"the {len(test)} test rows of the published split of {measured.source}"),
    )
