"""Searching a table for trade-offs of a column against what networks cost: the share of the hypervolume found.

    python -m benchmarks.search_tradeoffs --data nasbench201.csv --column cifar10_val --cost parameters --seeds 10 --evaluations 200

The hypervolume is that between the outcomes found and the worst of the table, the column scaled to its range and the cost in orders
of magnitude to its own; the whole table's is 100 %. `semo` is the simple evolutionary multi-objective optimiser: Laumanns, Thiele,
Zitzler, Welzl & Deb, "Running time analysis of multi-objective evolutionary algorithms on a simple discrete optimization problem"
(2002).
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume

from benchmarks.search_curves import Table, open_table, orders_of
from models.evaluation.measured_space import MeasuredAutoencoder, MeasuredSpace
from models.evaluation.table_baselines import uniform
from models.evaluation.table_search import BUDGETS
from models.pretrained.catalogue import default_card
from models.search.costs import costs_of
from models.search.dominance import non_dominated
from models.search.proposal import COSTS, CostName, FurtherObjective, Observation, ProposalRequest
from models.search.proposer import propose

STRATEGIES = ("svge", "semo", "uniform")
START = 10


def outcomes_of(table: Table, cost: CostName) -> np.ndarray:
    """For each row of the table both outcomes, to be maximised, from 0, the worst, to 1 (`n x 2`)."""
    autoencoder, values = open_table(table)
    costs = np.log(costs_of(autoencoder.space.architectures)[:, COSTS.index(cost)])
    columns = [values if table.direction == "maximize" else -values, -costs]
    return np.stack([(column - column.min()) / (column.max() - column.min()) for column in columns], axis=1)


def hypervolume(outcomes: np.ndarray) -> float:
    """The area that the outcomes (`n x 2`) dominate within the unit square."""
    front = torch.from_numpy(outcomes[non_dominated(outcomes)])
    return float(Hypervolume(torch.zeros(2, dtype=front.dtype)).compute(front))


def run(table: Table, strategy: str, seed: int, evaluations: int, batch: int, cost: CostName) -> list[int]:
    """One search from nothing: the rows in the order of evaluation."""
    torch.set_num_threads(1)
    autoencoder, values = open_table(table)
    if strategy == "uniform":
        return uniform(len(values), evaluations, seed)
    if strategy == "semo":
        return semo(autoencoder.space, outcomes_of(table, cost), evaluations, seed)
    return searched(autoencoder, values, table, evaluations, batch, seed, cost)


def searched(
    autoencoder: MeasuredAutoencoder, values: np.ndarray, table: Table, evaluations: int, batch: int, seed: int, cost: CostName
) -> list[int]:
    """The rows that the service's search evaluates, in order."""
    space, order, hyperparameters = autoencoder.space, list[int](), None
    while len(order) < evaluations:
        request = ProposalRequest(
            direction=table.direction,
            count=min(batch, evaluations - len(order)),
            seed=seed * 1_000_003 + len(order),
            observations=tuple(Observation(space.architectures[row], float(values[row])) for row in order),
            hyperparameters=hyperparameters,
            further=(FurtherObjective("minimize", cost),),
        )
        proposed = propose(autoencoder, request)
        hyperparameters = proposed.hyperparameters
        order += [space.places[proposal.architecture] for proposal in proposed.proposals]
    return order


def semo(space: MeasuredSpace, outcomes: np.ndarray, evaluations: int, seed: int) -> list[int]:
    """A random one of those that no other dominates has a child, one edit away and new. It starts with ten random rows."""
    rng = np.random.default_rng(seed)
    order = uniform(len(outcomes), min(START, evaluations), seed)
    while len(order) < evaluations:
        parents = [order[place] for place in np.flatnonzero(non_dominated(outcomes[order]))]
        known = set(order)
        children = (
            space.places[child]
            for parent in rng.permutation(parents).tolist()
            for child in rng.permutation(np.array(space.neighbours(space.architectures[parent]), dtype=object))
        )
        child = next((child for child in children if child not in known), None)
        if child is None:
            child = next(row for row in rng.permutation(len(outcomes)).tolist() if row not in known)
        order.append(child)
    return order


def shares(outcomes: np.ndarray, orders: list[list[int]], evaluations: int) -> dict[int, np.ndarray]:
    """By budget, for each run, the share of the table's hypervolume that its first so many evaluations dominate."""
    whole = hypervolume(outcomes)
    budgets = sorted({*(budget for budget in BUDGETS if budget <= evaluations), evaluations})
    return {budget: np.array([hypervolume(outcomes[order[:budget]]) / whole for order in orders]) for budget in budgets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="file of measured architectures")
    parser.add_argument("--column", required=True, help="what is maximised")
    parser.add_argument("--cost", choices=COSTS, default="parameters", help="what is minimised (default: %(default)s)")
    parser.add_argument("--space", default="nasbench201", help="the space of the file (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="runs of each strategy (default: %(default)s)")
    parser.add_argument("--evaluations", type=int, default=200, help="evaluations a run (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=1, help="architectures proposed at once (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time, one core each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    table = Table(options.data, options.column, options.space, "maximize", default_card(options.space).name)
    _, values = open_table(table)
    if not 1 <= options.evaluations <= len(values):
        parser.error(f"--evaluations must be between 1 and the {len(values)} rows of the table, got {options.evaluations}")
    work = partial(run, table, evaluations=options.evaluations, batch=options.batch, cost=options.cost)
    orders = orders_of(work, STRATEGIES, options.seeds, options.workers)
    outcomes = outcomes_of(table, options.cost)
    found = {name: shares(outcomes, runs, options.evaluations) for name, runs in orders.items()}
    budgets = list(next(iter(found.values())))
    print("| strategy | " + " | ".join(f"at {budget} [q25, q75]" for budget in budgets) + " |")
    print("| --- |" + " --- |" * len(budgets))
    for name, by_budget in found.items():
        cells = ("{1:.2%} [{0:.2%}, {2:.2%}]".format(*np.quantile(share, [0.25, 0.5, 0.75])) for share in by_budget.values())
        print(f"| {name} | " + " | ".join(cells) + " |")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        plain = {name: {str(budget): share.tolist() for budget, share in by.items()} for name, by in found.items()}
        options.json.write_text(json.dumps(plain) + "\n")


if __name__ == "__main__":
    main()
