import json
from pathlib import Path

import pytest
import torch

from benchmarks import search_ablation
from benchmarks.search_ablation import VARIANTS, WHOLE, Ensemble, fit_several, main, run
from benchmarks.search_curves import Table
from models.search import beliefs, candidates, fitting, pool, proposer, ranking
from models.search.candidates import Candidates
from models.search.process import Process
from models.search.surrogate import TrainingData
from tests.benchmarks.test_search_curves import table

__all__ = ["table"]


def swappable() -> list[object]:
    parts: list[object] = [beliefs.rank_scale, proposer.initial_design, fitting.MAX_INDUCING]
    parts += [pool.StructuralFeatures, pool.COMPLETE_LIMIT, pool.SAMPLE_SIZE]
    return parts + [getattr(candidates, name) for name in ("edited", "ASCENDING")]


# All fits find one optimum of so simple a table, so that an ensemble of them chooses as each does.
@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "an ensemble of fits"])
def test_a_part_is_left_out_and_put_back(table: Path, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_ablation, "SAMPLED", 40)
    monkeypatch.setattr(ranking, "NUM_STEPS", 20)
    gather, considered = proposer.gather_candidates, list[tuple[str, ...]]()

    def record(*given: object) -> Candidates:
        found = gather(*given)  # type: ignore[arg-type]
        considered.append(found.canonical_ids)
        return found

    monkeypatch.setattr(proposer, "gather_candidates", record)
    parts = swappable()
    whole = Table(table, "score", "nasbench201", "maximize", "nasbench201")
    order = run(whole, variant, 0, 75, 20)
    assert len(set(order)) == 75
    assert parts == swappable()
    # What is chosen depends on the part, or, of so few architectures, at least what it is chosen from.
    outcome = order, considered.copy()
    considered.clear()
    assert (outcome == (run(whole, WHOLE[variant], 0, 75, 20), considered)) == (variant == WHOLE[variant])


def test_an_ensemble_has_the_moments_of_the_mixture() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    outcomes, ones = points[:, 0].sin(), torch.ones(12, dtype=torch.float64)
    data, groups = TrainingData(points, outcomes, ones, ones * torch.nan), torch.arange(3)
    members = [fitting._condition(data, Process(groups, lengthscale)) for lengthscale in (0.5, 3.0)]
    asked = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    ensemble = Ensemble(members)
    means, variances = ensemble.moments(asked)
    draws = torch.cat([one.posterior(asked).distribution.sample(torch.Size([40_000])) for one in members])
    torch.testing.assert_close(means, draws.mean(0), atol=0.02, rtol=0.0)
    torch.testing.assert_close(variances, draws.var(0), atol=0.02, rtol=0.03)
    joint = ensemble.posterior(asked).distribution
    torch.testing.assert_close(joint.covariance_matrix, torch.cov(draws.T), atol=0.02, rtol=0.03)
    torch.testing.assert_close(ensemble.means(asked), means)
    assert len(fit_several(data, None, groups).members) == 2


def test_the_script_runs_all_that_it_offers(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(table), "--column", "score", "--seeds", "1", "--evaluations", "12", "--batch", "6", "--workers", "1"]
    main([*arguments, "--json", str(tmp_path / "ablation.json")])
    assert list(json.loads((tmp_path / "ablation.json").read_text())) == list(VARIANTS)
    with pytest.raises(SystemExit):
        main([*arguments, "--variants", "without luck"])
    assert "unknown variant 'without luck'" in capsys.readouterr().err
