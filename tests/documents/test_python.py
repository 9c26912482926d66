"""The Python of the documents runs; that of the client's guide is `test_client_guide.py`."""

import csv
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from models.datasets.loading import load_measured
from models.networks.build import build_network
from models.networks.source.network_source import network_source
from models.spaces.registry import get_space
from tests.documents.blocks import blocks
from tests.models.datasets.nasbench101_files import CHAIN, DIAMOND, repeats, tfrecord

BUDGET = "max_trials=40"
CHECKED = ("README.md", "client/README.md", "docs/client.md", "docs/data.md", "docs/decode.md", "docs/index.md", "docs/stopping.md")


def python_of(document: str) -> list[str]:
    return [block.text for block in blocks("python") if block.document == document]


def test_every_document_with_python_is_checked() -> None:
    assert {block.document for block in blocks("python")} == set(CHECKED)


@pytest.mark.parametrize("document", ["README.md", "client/README.md", "docs/index.md"])
def test_a_trainer_trains_to_the_end_of_its_budget(
    document: str, url: str, names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = python_of(document)
    assert BUDGET in code
    assert "http://127.0.0.1:8000" in code
    short = code.replace(BUDGET, "max_trials=2").replace("http://127.0.0.1:8000", url)
    given = names | {"my_accuracy_of": names["train"]}
    exec(short, given)
    given["client"].close()
    assert [trial.value for trial in names["client"].trials("demo", state="completed")] == [0.5, 0.5]
    assert ("max_trials" in capsys.readouterr().out) is ("nothing.reason" in code)


def test_a_training_that_tells_each_epoch_is_stopped_by_the_rule(names: dict[str, Any]) -> None:
    (code,) = python_of("docs/stopping.md")
    client = names["client"]
    assert ("range(1, 51)" in code, "step=50" in code) == (True, True)
    code = code.replace("51", "4").replace("50", "3")
    client.create_study("demo", space="nasbench101", stopping={"rule": "asha", "max_step": 3})
    for value in (0.75, 0.25):
        exec(code, names | {"train_one_epoch": lambda network, value=value: value, "network": None})
    assert [(trial.state, trial.value) for trial in client.trials("demo")] == [("completed", 0.75), ("stopped", 0.25)]


def test_the_weights_of_a_module_go_into_the_network_that_is_built() -> None:
    (code,) = python_of("docs/decode.md")
    architecture = get_space("nasbench101").sample(np.random.default_rng(0))
    module: dict[str, Any] = {}
    exec(network_source(architecture), module)
    network, built = module["Network"](), build_network(architecture, num_classes=10)
    exec(code, {"network": network, "built": built})
    images = torch.ones(2, 3, 32, 32)
    torch.testing.assert_close(network.eval()(images), built.eval()(images))


def nas_201_api() -> ModuleType:
    """As its README describes it: an API is a list of native forms, and knows what each came to."""
    space, rng = get_space("nasbench201"), np.random.default_rng(0)

    class NASBench201API(list[str]):
        def __init__(self, path: str, verbose: bool) -> None:
            super().__init__(sorted({space.format_native(space.sample(rng)) for _ in range(5)}))

        def get_more_info(self, index: int, data: str, hp: str, is_random: bool) -> dict[str, float]:
            return {"valid-accuracy": 80.0 + index, "test-accuracy": 79.0 + index}

    module = ModuleType("nas_201_api")
    module.NASBench201API = NASBench201API  # type: ignore[attr-defined]
    return module


def enas_list(path: Path, rows: int = 20_020) -> None:
    """As many rows as were published, of few structures."""
    space, rng = get_space("enas_macro"), np.random.default_rng(0)
    structures = [json.dumps(space.format_native(space.sample(rng))) for _ in range(20)]
    path.write_text("".join(f"{structures[row % 20]}, {row / rows}\n" for row in range(rows)), encoding="utf-8")


def test_published_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells, export, enas = python_of("docs/data.md")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "nas_201_api", nas_201_api())
    Path("nasbench_only108.tfrecord").write_bytes(tfrecord([*repeats(DIAMOND, [0.9, 0.92]), *repeats(CHAIN, [0.5])]))
    enas_list(Path("final_structures6.txt"))
    names: dict[str, Any] = {}
    exec(cells, names)
    assert names["measured"].counts.tolist() == [2, 1]
    exec(export, names)
    with Path("nasbench201.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 5
    exported = load_measured("nasbench201.csv", get_space("nasbench201"))
    assert sorted(exported.metric("cifar10_val").tolist()) == [80.0, 81.0, 82.0, 83.0, 84.0]
    exec(enas, names)
    assert [len(names[side].rows) for side in ("train", "test")] == [17_118, 1_902]
