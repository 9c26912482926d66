"""A small table of measured architectures for tests of searches."""

from functools import cache

import numpy as np

from models.architectures.canonical import canonicalise
from models.evaluation.measured_space import MeasuredAutoencoder, MeasuredSpace
from models.spaces.enas_macro import EnasMacro
from tests.models.search.fakes import FakeAutoencoder

WEIGHTS = {"conv3x3": 3.0, "sep_conv3x3": 2.5, "conv5x5": 1.0, "max_pool3x3": 0.5}


@cache
def small_table() -> tuple[MeasuredAutoencoder, np.ndarray]:
    """400 networks of three layers, and values that depend on operations, their places and skip connections."""
    whole = EnasMacro(num_layers=3)
    architectures = tuple(canonicalise(one) for one in whole.enumerate())[::4][:400]
    values = [
        sum(WEIGHTS.get(label, 0.0) * (1.0 + 0.2 * place) for place, label in enumerate(one.nodes)) + 0.3 * len(one.edges)
        for one in architectures
    ]
    return MeasuredAutoencoder(FakeAutoencoder(whole), MeasuredSpace(whole, architectures)), np.array(values)
