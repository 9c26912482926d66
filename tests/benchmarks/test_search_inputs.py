import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search_curves import Table
from benchmarks.search_inputs import INPUTS, main, markdown, prepare, run
from models.search.pool import pool_of
from tests.benchmarks.test_search_curves import table

__all__ = ["table"]


@pytest.fixture
def whole(table: Path) -> Table:
    return Table(table, "score", "nasbench201", "maximize", "nasbench201")


def test_more_labels_tell_more_and_structure_counts_convolutions_better_than_latents_do(whole: Table) -> None:
    found = {inputs: np.mean([run(inputs, split, whole, [12, 40]) for split in range(3)], axis=0) for inputs in INPUTS}
    for few, many in found.values():
        assert 0.0 < few[0] < many[0] <= 1.0
        assert few[1] > many[1]
    assert found["structure alone"][0, 0] > found["latents alone"][0, 0]
    assert found["structure alone"][1, 1] < found["latents alone"][1, 1]
    assert found["latents and structure"][1, 0] > 0.9


def test_what_is_left_out_of_the_inputs_is_the_same_for_all_architectures(whole: Table) -> None:
    points = {inputs: pool_of(prepare(whole, inputs)[0]).points for inputs in INPUTS}
    size = prepare(whole, "latents alone")[0].latent_size
    differs = {inputs: columns.std(dim=0) > 0.0 for inputs, columns in points.items()}
    assert points["latents alone"].shape[1] == size < points["latents and structure"].shape[1]
    assert bool(differs["latents alone"].any())
    assert not bool(differs["structure alone"][:size].any())
    assert bool(differs["structure alone"][size:].all())


def test_the_table_has_paired_differences() -> None:
    found = {"all": [[(0.5, 2.0)], [(0.7, 1.0)]], "less": [[(0.4, 2.5)], [(0.5, 1.5)]]}
    assert markdown(found, [20]).splitlines()[2:] == [
        "| 20 | all | 0.6000 |  | 1.5000 |  |",
        "| 20 | less | 0.4500 | -0.1500 ± 0.0500 | 2.0000 | +0.5000 ± 0.0000 |",
    ]


def test_the_script_writes_all_that_it_offers(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "inputs.json"
    arguments = ["--data", str(table), "--column", "score", "--splits", "2", "--workers", "1"]
    main([*arguments, "--labels", "5,10", "--json", str(out)])
    shapes = {name: np.array(rows).shape for name, rows in json.loads(out.read_text()).items()}
    assert shapes == dict.fromkeys(INPUTS, (2, 2, 2))
    assert capsys.readouterr().out.count("latents alone") == 2
    for labels in ("1", "10,119"):
        with pytest.raises(SystemExit):
            main([*arguments, "--labels", labels])
        assert "--labels must be between 2 and 118" in capsys.readouterr().err
