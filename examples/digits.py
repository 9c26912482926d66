"""The task of the examples: classify scikit-learn's bundled handwritten digits (1,797 images of 8x8 pixels, ten classes).

The images are split once, stratified: a fifth is kept apart for testing and never read here, and of the rest a part trains and
the other validates. Training is short on purpose, so that a good architecture is one that learns fast from few images.
"""

from functools import cache
from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from models.architectures.architecture import Architecture
from models.networks.build import build_network
from models.networks.skeleton import Skeleton

SPLIT_SEED = 0
TRAINING_IMAGES = 500
SKELETON = Skeleton(channels=12, stacks=2, cells_per_stack=1, input_channels=1)
EPOCHS = 4
BATCH_SIZE = 32
LEARNING_RATE = 0.05


class Digits(NamedTuple):
    """Images, `n x 1 x 8 x 8` in [0, 1], and their classes, `n`."""

    images: Tensor
    labels: Tensor


@cache
def training_and_validation() -> tuple[Digits, Digits]:
    """The same split in every process."""
    bunch = load_digits()
    rest_images, _, rest_labels, _ = train_test_split(
        bunch.images, bunch.target, test_size=0.2, stratify=bunch.target, random_state=SPLIT_SEED
    )
    parts = train_test_split(rest_images, rest_labels, train_size=TRAINING_IMAGES, stratify=rest_labels, random_state=SPLIT_SEED)
    images, validation_images, labels, validation_labels = parts
    return _digits(images, labels), _digits(validation_images, validation_labels)


def train_and_validate(architecture: Architecture, seed: int, epochs: int = EPOCHS) -> float:
    """Train the architecture as a small network and return its accuracy on the validation images, in [0, 1].

    Deterministic for one seed, which draws the weights and the order of the images.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        training, validation = training_and_validation()
        network = build_network(architecture, num_classes=10, skeleton=SKELETON)
        _train(network, training, epochs)
    return _accuracy(network, validation)


def _train(network: nn.Module, digits: Digits, epochs: int) -> None:
    """SGD with Nesterov momentum; the learning rate falls along a cosine."""
    num_steps = epochs * (len(digits.labels) // BATCH_SIZE)
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=0.9, weight_decay=1e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    network.train()
    for _ in range(epochs):
        order = torch.randperm(len(digits.labels))
        for chosen in order[: len(order) // BATCH_SIZE * BATCH_SIZE].split(BATCH_SIZE):
            loss = nn.functional.cross_entropy(network(digits.images[chosen]), digits.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _accuracy(network: nn.Module, digits: Digits) -> float:
    network.eval()
    with torch.no_grad():
        predicted = network(digits.images).argmax(dim=1)
    return (predicted == digits.labels).double().mean().item()


def _digits(images: object, labels: object) -> Digits:
    return Digits(torch.as_tensor(images, dtype=torch.float32).unsqueeze(1) / 16.0, torch.as_tensor(labels, dtype=torch.int64))
