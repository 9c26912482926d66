"""The message of one training run: fields in any order, unknown ones passed over, damage named."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets.model_metrics import MalformedMetrics, TrainingRun, read_training_run
from tests.models.datasets.nasbench101_files import evaluation, metrics, varint

fractions = st.floats(0, 1)


@given(fractions, fractions, st.floats(0, 1e5), st.integers(0, 2**31 - 1))
def test_the_last_evaluation_counts(validation: float, test: float, seconds: float, parameters: int) -> None:
    message = metrics(validation, test, seconds, parameters)
    assert read_training_run(message) == TrainingRun(validation, test, parameters, seconds)


def test_fields_may_stand_in_any_order_and_unknown_ones_are_passed_over() -> None:
    parts = [
        evaluation(108.0, 7.0, 1.0, 0.9, 0.8),
        b"\x10" + varint(300),
        b"\x19" + struct.pack("<d", 1.0),
        b"\x45" + b"four",
        b"\x4a" + varint(3) + b"abc",
        b"\x50" + varint(2**63),
    ]
    for order in itertools.permutations(parts):
        assert read_training_run(b"".join(order)) == TrainingRun(0.9, 0.8, 300, 7.0)


def test_the_path_of_a_checkpoint_is_passed_over() -> None:
    body = evaluation(108.0, 7.0, 1.0, 0.9, 0.8)[2:] + b"\x32" + varint(200) + b"/" * 200
    message = b"\x0a" + varint(len(body)) + body + b"\x10\x01"
    assert read_training_run(message) == TrainingRun(0.9, 0.8, 1, 7.0)


@given(st.integers(0, len(metrics(0.9, 0.8)) - 1))
def test_a_message_that_ends_early_is_refused_or_lacks_only_the_total_time(length: int) -> None:
    whole = metrics(0.9, 0.8)
    try:
        assert read_training_run(whole[:length]) == read_training_run(whole)
    except MalformedMetrics:
        return
    assert length == len(whole) - 9, "only the whole field of the total time may be missing"


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_refused(message: bytes) -> None:
    with pytest.raises(MalformedMetrics):
        read_training_run(b"\x0a\x02" + message[:1] + b"\x09" + message)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "expected evaluations and the number"),
        (evaluation(1.0, 1.0, 1.0, 1.0, 1.0), "expected evaluations and the number"),
        (b"\x10\x01", "expected evaluations and the number"),
        (b"\x0a\x00\x10\x01", "field 4 of the last evaluation is missing"),
        (b"\x0a\x7f\x10\x01", "field 1 is longer than the message"),
        (b"\x0b", "field 1 has the unknown wire type 3"),
        (b"\x10" + b"\xff" * 11, "an integer has no end"),
    ],
)
def test_what_is_wrong_is_named(message: bytes, reason: str) -> None:
    with pytest.raises(MalformedMetrics, match=reason):
        read_training_run(message)
