"""The `ModelMetrics` message of NAS-Bench-101, one training run, from the wire format of Protocol Buffers.

`ModelMetrics` has repeated `EvaluationData` (1), trainable parameters (2, integer) and total seconds (3, double). `EvaluationData`
has the doubles epoch (1), training seconds (2) and accuracy on training (3), validation (4) and test images (5), then a path (6).
Ying et al., "NAS-Bench-101: towards reproducible neural architecture search" (2019); `model_metrics.proto` of their code.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DOUBLE = struct.Struct("<d")
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}

_EVALUATION, _TRAINABLE_PARAMETERS = 1, 2
_TRAINING_SECONDS, _VALIDATION_ACCURACY, _TEST_ACCURACY = 2, 4, 5


class MalformedMetrics(ValueError):
    """Bytes are not a `ModelMetrics` message with the figures of a finished training."""


class TrainingRun(NamedTuple):
    """One training at its end. Accuracies are fractions in [0, 1], the time is in seconds without the evaluations."""

    validation_accuracy: float
    test_accuracy: float
    trainable_parameters: int
    training_seconds: float


def read_training_run(message: bytes) -> TrainingRun:
    """The figures of the last evaluation and the number of parameters. Raises `MalformedMetrics`."""
    last, parameters = None, None
    for number, value in _fields(message):
        if number == _EVALUATION and isinstance(value, bytes):
            last = value
        elif number == _TRAINABLE_PARAMETERS and isinstance(value, int):
            parameters = value
    if last is None or parameters is None:
        raise MalformedMetrics("expected evaluations and the number of trainable parameters")
    doubles = {number: value for number, value in _fields(last) if isinstance(value, float)}
    try:
        return TrainingRun(doubles[_VALIDATION_ACCURACY], doubles[_TEST_ACCURACY], parameters, doubles[_TRAINING_SECONDS])
    except KeyError as error:
        raise MalformedMetrics(f"field {error} of the last evaluation is missing") from error


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The number and value of each field: an integer, a double, or the bytes of anything else."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, place = _varint(message, place)
        elif wire_type in _FIXED_SIZES:
            size = _FIXED_SIZES[wire_type]
        else:
            raise MalformedMetrics(f"field {number} has the unknown wire type {wire_type}")
        start, place = place, place + size
        if place > len(message):
            raise MalformedMetrics(f"field {number} is longer than the message")
        yield number, _DOUBLE.unpack_from(message, start)[0] if wire_type == _FIXED64 else message[start:place]


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The integer that starts at `place`, seven bits a byte from the lowest, and the place behind it."""
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise MalformedMetrics("an integer has no end")
