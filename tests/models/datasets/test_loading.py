"""Loading: the real files whole, options that do not fit, truncated copies, and no torch."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models.datasets.data_file import DataFileError
from models.datasets.loading import load_measured
from models.datasets.measured import MeasuredArchitectures
from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench101 import NasBench101
from models.spaces.nasbench201 import NasBench201
from tests.models.datasets.nasbench101_files import CHAIN, DIAMOND, MIRRORED, repeats, tfrecord

CELL = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


@pytest.fixture(scope="module")
def nasbench201(shared_data: Callable[[str], Path]) -> MeasuredArchitectures:
    return load_measured(shared_data("nasbench201_cifar10_12epochs.csv"), NasBench201())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def test_nasbench201_is_every_cell_once(nasbench201: MeasuredArchitectures, shared_data: Callable[[str], Path]) -> None:
    space = NasBench201()
    with shared_data("nasbench201_cifar10_12epochs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(nasbench201.architectures) == len(nasbench201.rows) == space.size == 15_625
    assert nasbench201.metrics == ("cifar10_val", "cifar10_test")
    assert [space.format_native(architecture) for architecture in nasbench201.architectures] == [
        row["architecture"] for row in rows
    ]
    for name in nasbench201.metrics:
        assert nasbench201.metric(name).tolist() == [float(row[name]) for row in rows]
    place = nasbench201.architectures.index(space.parse_native(CELL))
    assert nasbench201.metric("cifar10_val")[place] == 63.364


def test_the_sample_of_nasbench101_is_merged_up_to_isomorphism(shared_data: Callable[[str], Path]) -> None:
    space = NasBench101()
    with shared_data("nasbench101_sample.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    measured = load_measured(shared_data("nasbench101_sample.csv"), space)
    parsed = [space.parse_native({"matrix": json.loads(row["matrix"]), "ops": json.loads(row["ops"])}) for row in rows]
    assert [measured.architectures[place] for place in measured.rows] == parsed
    assert (len(measured.rows), len(measured.architectures)) == (250, 156)
    assert measured.metrics == ("params_millions", "val_accuracy_108epochs")
    assert measured.row_values["params_millions"].tolist() == [float(row["params_millions"]) for row in rows]
    for architecture in measured.architectures:
        space.validate(architecture)


def test_one_measurement_in_every_kind_of_file(tmp_path: Path) -> None:
    rows = [{"arch": CELL, "accuracy": 0.25}, {"arch": CELL, "accuracy": 0.75}]
    files = {
        "a.csv": f"arch,accuracy\n{CELL},0.25\n{CELL},0.75\n",
        "a.tsv": f"arch\taccuracy\n{CELL}\t0.25\n{CELL}\t0.75\n",
        "a.json": json.dumps(rows),
        "a.jsonl": "\n".join(map(json.dumps, rows)),
        "by_architecture.json": json.dumps({CELL: {"accuracy": 0.5}}),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        measured = load_measured(tmp_path / name, NasBench201())
        assert measured.architectures == (NasBench201().parse_native(CELL),)
        assert measured.metric("accuracy").tolist() == [0.5]


def test_an_exported_study_is_read_with_its_unfinished_trials(tmp_path: Path) -> None:
    graphs = ['{"space": "enas_macro", "nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]]}'] * 2
    path = tmp_path / "study.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "state", "value", "reason", "worker", "architecture"])
        writer.writerow([1, "pending", "", "", "gpu-7", graphs[0]])
        writer.writerow([2, "completed", "0.9", "", "8", graphs[1]])
    measured = load_measured(path, EnasMacro(num_layers=1))
    assert measured.metrics == ("number", "value")
    assert np.isnan(measured.row_values["value"]).tolist() == [True, False]
    assert measured.metric("value").tolist() == [0.9]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("arch,accuracy\n", "expected at least one row of measurements, got none"),
        ("[]", "expected at least one row of measurements, got none"),
        (f"arch,worker\n{CELL},gpu\n", "no column holds measurements; give at least one column of numbers"),
        (f"arch,accuracy\n{CELL},nan\n", "no column holds measurements"),
        ("cell,accuracy\nx,1\n", "line 2: no field holds the architecture: expected one of"),
        (f'{{"arch": "{CELL}", "x": 1}}\n{{"x": 1}}', "line 2: expected arch, as in the first row, got x"),
        (
            f'arch,accuracy\n{CELL},1\n"[[1],[4,0],[5,0,0],[0,1,1,1],[2,1,1,1,1],[3,0,0,0,0,1]]",1\n',
            "line 3: .*one of 'enas_macro'",
        ),
    ],
)
def test_tables_that_lack_something_are_named(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "table").write_text(content, encoding="utf-8")
    with pytest.raises(DataFileError, match=f"'table'(:|,) {reason}"):
        load_measured(tmp_path / "table", NasBench201())


def test_options_that_do_not_fit_the_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"arch,accuracy\n{CELL},0.25\n", encoding="utf-8")
    (tmp_path / "a.tfrecord").write_bytes(tfrecord(repeats(CHAIN, [0.5])))
    with pytest.raises(DataFileError, match="'a.csv': epochs=12 chooses among NAS-Bench-101 records, which this file has not"):
        load_measured(tmp_path / "a.csv", NasBench201(), epochs=12)
    for name, space in (("a.csv", NasBench201()), ("a.tfrecord", NasBench101())):
        with pytest.raises(DataFileError, match=f"'{name}': burn_in=10 belongs to the ENAS list; leave it out"):
            load_measured(tmp_path / name, space, burn_in=10)


@pytest.mark.parametrize("name", ["enas_macro_6layers.csv", "nasbench201_cifar10_12epochs.csv", "nasbench101_sample.csv"])
def test_a_real_file_that_is_cut_is_noticed(name: str, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    lines = shared_data(name).read_bytes().splitlines(keepends=True)[:4]
    space = {"enas": EnasMacro(), "nasbench201": NasBench201(), "nasbench101": NasBench101()}[name.split("_")[0]]
    options = {"burn_in": 0} if name.startswith("enas") else {}
    for length in (20, len(lines[3]) // 2):
        (tmp_path / name).write_bytes(b"".join(lines[:3]) + lines[3][:length])
        with pytest.raises(DataFileError, match=f"'{name}', line 4: "):
            load_measured(tmp_path / name, space, **options)


SMALL = {
    "csv": f"arch,accuracy\n{CELL},0.25\n{CELL},0.5\n".encode(),
    "jsonl": f'{{"arch": "{CELL}", "accuracy": 1}}\n{{"arch": "{CELL}", "accuracy": 2}}\n'.encode(),
    "json": f'{{"{CELL}": {{"accuracy": 0.5}}}}'.encode(),
}


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(SMALL)), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3), st.integers(0, 400)
)
def test_any_damage_is_either_read_or_named(folder: Path, kind: str, changes: list[tuple[int, int]], length: int) -> None:
    content = bytearray(SMALL[kind][:length])
    for place, byte in changes:
        if place < len(content):
            content[place] = byte
    (folder / "damaged").write_bytes(content)
    try:
        measured = load_measured(folder / "damaged", NasBench201())
    except DataFileError:
        return
    assert len(measured.rows) in (1, 2)


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    contents = {
        "a.tfrecord": (tfrecord([*repeats(DIAMOND, [0.5]), *repeats(MIRRORED, [0.6])]), NasBench101()),
        "a.csv": (f"arch,accuracy\n{CELL},0.25\n".encode(), NasBench201()),
        "a.json": (json.dumps({CELL: 0.5}).encode(), NasBench201()),
    }
    for name, (content, space) in contents.items():
        (tmp_path / name).write_bytes(content)
        heard: list[tuple[int, int]] = []
        load_measured(tmp_path / name, space, progress=lambda done, total, heard=heard: heard.append((done, total)))
        assert heard[-1] == (len(content), len(content))


def test_no_torch_is_loaded() -> None:
    code = "import sys, models.datasets.loading, models.datasets.enas_list; print('torch' in sys.modules)"
    root = Path(models.__file__).parents[1]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "False", result.stderr
