import inspect

import pytest

from models.networks import enas_macro, layers
from models.networks.source.parts import part


def test_a_part_is_what_its_file_defines() -> None:
    assert part("layers", "Classifier") == inspect.getsource(layers.Classifier).rstrip("\n")
    assert part("enas_macro", "convolution") == inspect.getsource(enas_macro.convolution).rstrip("\n")


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(KeyError, match="layers.py defines no 'nothing'"):
        part("layers", "nothing")
