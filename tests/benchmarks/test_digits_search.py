import json
from pathlib import Path

import pytest

from benchmarks.digits_search import STRATEGIES, run_all
from models.pretrained.catalogue import default_card


def test_runs_are_made_anew_unless_they_are_to_be_gone_on_from(tmp_path: Path) -> None:
    results = tmp_path / "digits_search.json"
    kept = {"0": [2.0, 3.0]}  # no accuracies
    setting = {"space": "nasbench101", "model_hash": default_card("nasbench101").hash, "evaluations": 2}
    results.write_text(json.dumps({**setting, "runs": dict.fromkeys(STRATEGIES, kept)}))
    assert run_all(results, 1, 2, "nasbench101", 1, resume=True) == dict.fromkeys(STRATEGIES, kept)
    with pytest.raises(SystemExit, match="another setting; give another --out, or leave out --resume"):
        run_all(results, 1, 3, "nasbench101", 1, resume=True)
    runs = run_all(results, 1, 2, "nasbench101", 1, resume=False)
    assert all(len(runs[strategy]["0"]) == 2 and max(runs[strategy]["0"]) <= 1.0 for strategy in STRATEGIES)
    assert json.loads(results.read_text()) == {**setting, "runs": runs}
