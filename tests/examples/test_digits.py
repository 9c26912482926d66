import digits
import numpy as np
import pytest
import torch

from models.architectures.architecture import Architecture
from models.spaces.registry import get_space, space_names

CHAIN = Architecture("nasbench101", ("input", "conv3x3", "conv3x3", "output"), ((0, 1), (1, 2), (2, 3)))
POOLS = Architecture("nasbench101", ("input", "maxpool3x3", "maxpool3x3", "output"), ((0, 1), (1, 2), (2, 3)))


def test_training_and_validation_images_are_stratified_and_distinct() -> None:
    training, validation = digits.training_and_validation()
    assert training.images.shape == (digits.TRAINING_IMAGES, 1, 8, 8)
    assert len(training.labels) + len(validation.labels) == 1797 - 360
    assert 0.0 <= float(training.images.min()) < float(training.images.max()) == 1.0
    for part in (training, validation):
        shares = torch.bincount(part.labels, minlength=10) / len(part.labels)
        assert shares.min() > 0.08
    rows = torch.cat([training.images, validation.images]).flatten(1)
    assert len(torch.unique(rows, dim=0)) == len(rows)


def test_the_result_depends_on_the_seed_and_on_nothing_else() -> None:
    torch.manual_seed(1)
    first = digits.train_and_validate(CHAIN, seed=3, epochs=3)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert digits.train_and_validate(CHAIN, seed=3, epochs=3) == first
    assert torch.equal(torch.get_rng_state(), before)
    assert digits.train_and_validate(CHAIN, seed=4, epochs=3) != first


def test_training_teaches_and_architectures_differ() -> None:
    accuracy = digits.train_and_validate(CHAIN, seed=0)
    assert accuracy > 0.8
    assert accuracy > digits.train_and_validate(POOLS, seed=0) + 0.05


@pytest.mark.parametrize("name", space_names())
def test_every_space_can_be_trained(name: str) -> None:
    architecture = get_space(name).sample(np.random.default_rng(0))
    assert 0.0 <= digits.train_and_validate(architecture, seed=0, epochs=1) <= 1.0
