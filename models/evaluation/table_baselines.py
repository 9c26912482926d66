"""What a search of a table is compared with: random sampling, local search, regularised evolution, and a process on labels.

All see the same as `table_search.py`: the values of the rows that they ask for, each once.
"""

import warnings
from collections import deque

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.exceptions.errors import ModelFittingError
from botorch.exceptions.warnings import OptimizationWarning
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.kernels import CategoricalKernel
from botorch.models.transforms import Standardize
from gpytorch.kernels import ScaleKernel
from gpytorch.mlls import ExactMarginalLogLikelihood

from models.evaluation.measured_space import MeasuredSpace
from models.evaluation.table_search import TableSearch
from models.search.proposal import Direction

POPULATION = 30
TOURNAMENT = 10
RANDOM_START = 10


def baselines(space: MeasuredSpace) -> dict[str, TableSearch]:
    """The baselines on the space of a table, by name."""
    return {
        "uniform": lambda values, direction, evaluations, batch, seed: uniform(len(values), evaluations, seed),
        "local_search": lambda *request: local_search(space, *request),
        "evolution": lambda *request: regularised_evolution(space, *request),
        "hamming_gp": lambda *request: hamming_process(space, *request),
    }


def uniform(size: int, evaluations: int, seed: int) -> list[int]:
    """Rows at random, without repetition."""
    order: list[int] = np.random.default_rng(seed).permutation(size)[:evaluations].tolist()
    return order


def local_search(
    space: MeasuredSpace, values: np.ndarray, direction: Direction, evaluations: int, batch: int, seed: int
) -> list[int]:
    """Hill climbing over neighbours in random order, the first better one taken; from a local optimum it restarts at random. What
    is known already costs nothing.

    White, Nolen & Savani, "Exploring the loss landscape in neural architecture search" (2021). One evaluation after the other.
    """
    rng, gains = np.random.default_rng(seed), _gains(values, direction)
    order: dict[int, None] = {}
    for start in rng.permutation(len(values)).tolist():
        order.setdefault(start)
        current, climbing = start, True
        while climbing and len(order) < evaluations:
            climbing = False
            for neighbour in _neighbours(space, current, rng):
                order.setdefault(neighbour)
                if gains[neighbour] > gains[current]:
                    current, climbing = neighbour, True
                    break
                if len(order) >= evaluations:
                    break
        if len(order) >= evaluations:
            break
    return list(order)[:evaluations]


def regularised_evolution(
    space: MeasuredSpace, values: np.ndarray, direction: Direction, evaluations: int, batch: int, seed: int
) -> list[int]:
    """The best of ten random ones of a population of thirty has a child, one edit away and new, and the oldest dies; the `batch`
    children of a step know nothing of one another.

    Real, Aggarwal, Huang & Le, "Regularized evolution for image classifier architecture search" (2019).
    """
    rng, gains = np.random.default_rng(seed), _gains(values, direction)
    order = dict.fromkeys(uniform(len(values), min(max(POPULATION, batch), evaluations), seed))
    population = deque(order, maxlen=POPULATION)
    while len(order) < min(evaluations, len(values)):
        children: dict[int, None] = {}
        while len(children) < min(batch, evaluations - len(order), len(values) - len(order)):
            drawn = rng.choice(len(population), size=min(TOURNAMENT, len(population)), replace=False)
            parent = max((population[place] for place in drawn), key=gains.__getitem__)
            # Where all neighbours are known, somewhere else.
            new = (row for row in _neighbours(space, parent, rng) if row not in order and row not in children)
            child = next(new, None)
            if child is None:
                child = next(row for row in rng.permutation(len(values)).tolist() if row not in order and row not in children)
            children.setdefault(child)
        order.update(children)
        population.extend(children)
    return list(order)


def hamming_process(
    space: MeasuredSpace, values: np.ndarray, direction: Direction, evaluations: int, batch: int, seed: int
) -> list[int]:
    """BoTorch's exact process with an exponentiated Hamming kernel on the labels by place, and the expected improvement maximised
    over the whole table; the `batch` best at once. It starts with 10 random rows, or with a random batch where that has more.
    """
    places = max(architecture.num_nodes for architecture in space.architectures)
    codes = {label: float(code) for code, label in enumerate(space.vocabulary, start=1)}
    rows = [[codes[label] for label in one.nodes] + [0.0] * (places - one.num_nodes) for one in space.architectures]
    points = torch.tensor(rows, dtype=torch.float64)
    points = points[:, points.amin(0) < points.amax(0)]
    gains = torch.from_numpy(_gains(values, direction).copy())
    order = uniform(len(values), min(max(RANDOM_START, batch), evaluations), seed)
    while len(order) < min(evaluations, len(values)):
        kernel = ScaleKernel(CategoricalKernel(ard_num_dims=points.shape[1]))
        observed = gains[order].unsqueeze(1)
        model = SingleTaskGP(points[order], observed, covar_module=kernel, outcome_transform=Standardize(1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizationWarning)  # BoTorch tries again by itself
            try:
                fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            except ModelFittingError:
                model.eval()
        with torch.no_grad():
            improvement = LogExpectedImprovement(model, observed.max())
            utilities = torch.cat([improvement(part.unsqueeze(1)) for part in torch.split(points, 4096)])
        utilities[order] = -torch.inf
        count = min(batch, evaluations - len(order), len(values) - len(order))
        order += utilities.topk(count).indices.tolist()
    return order


def _gains(values: np.ndarray, direction: Direction) -> np.ndarray:
    return values if direction == "maximize" else -values


def _neighbours(space: MeasuredSpace, row: int, rng: np.random.Generator) -> list[int]:
    """The rows one edit away, in random order."""
    around = [space.places[one] for one in space.neighbours(space.architectures[row])]
    return [around[place] for place in rng.permutation(len(around))]
