from pathlib import Path

import pytest

from benchmarks.search_ablation import VARIANTS, run
from benchmarks.search_curves import Table
from models.search import fitting, pool, proposer
from tests.benchmarks.test_search_curves import table

__all__ = ["table"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_part_is_left_out_and_put_back(table: Path, variant: str) -> None:
    parts = pool.StructuralFeatures, proposer.rank_scale, proposer.initial_design, fitting.MAX_INDUCING
    whole = Table(table, "score", "nasbench201", "maximize", "nasbench201")
    order = run(whole, variant, 0, 75, 20)
    assert len(set(order)) == 75
    assert parts == (pool.StructuralFeatures, proposer.rank_scale, proposer.initial_design, fitting.MAX_INDUCING)
    # What is chosen depends on the part.
    assert (order == run(whole, "all of it", 0, 75, 20)) == (variant == "all of it")
