"""Measured architectures: means over rows, selections of rows, and equality with a slow reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architectures.architecture import Architecture
from models.datasets.measured import MeasuredArchitectures, Measurements, UnknownMetric
from models.spaces.enas_macro import EnasMacro

LAYERS = list(EnasMacro(num_layers=1).enumerate())

Rows = list[tuple[Architecture, dict[str, float]]]

values = st.dictionaries(st.sampled_from(["accuracy", "seconds"]), st.floats(-1e3, 1e3))
some_rows: st.SearchStrategy[Rows] = st.lists(st.tuples(st.sampled_from(LAYERS), values), max_size=12)


def measured(rows: Rows) -> MeasuredArchitectures:
    measurements = Measurements()
    for architecture, row in rows:
        measurements.add(architecture, row)
    return measurements.build("a test")


@given(some_rows)
def test_the_value_of_an_architecture_is_the_mean_of_the_rows_that_have_it(rows: Rows) -> None:
    built = measured(rows)
    assert list(built.architectures) == list(dict.fromkeys(architecture for architecture, _ in rows))
    assert [built.architectures[index] for index in built.rows] == [architecture for architecture, _ in rows]
    assert built.counts.tolist() == [sum(other == one for other, _ in rows) for one in built.architectures]
    assert set(built.metrics) == {name for _, row in rows for name in row}
    for name in built.metrics:
        for architecture, mean in zip(built.architectures, built.metric(name), strict=True):
            known = [row[name] for other, row in rows if other == architecture and name in row]
            assert math.isnan(mean) if not known else mean == pytest.approx(math.fsum(known) / len(known), abs=1e-9)


@given(some_rows, st.data())
def test_taking_rows_is_measuring_those_rows_alone(rows: Rows, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8)) if rows else []
    taken, alone = measured(rows).take(places, "some"), measured([rows[place] for place in places])
    assert taken.architectures == alone.architectures
    assert taken.rows.tolist() == alone.rows.tolist()
    assert taken.source == "some"
    for name in alone.metrics:
        np.testing.assert_array_equal(taken.row_values[name], alone.row_values[name])


def test_a_metric_that_nobody_measured_is_named() -> None:
    with pytest.raises(UnknownMetric, match="no metric 'loss' was measured; choose one of accuracy, seconds"):
        measured([(LAYERS[0], {"accuracy": 1.0, "seconds": 2.0})]).metric("loss")


def test_the_arrays_cannot_be_written() -> None:
    built = measured([(LAYERS[0], {"accuracy": 1.0})])
    for column in (built.rows, built.counts, built.row_values["accuracy"], built.metric("accuracy")):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
