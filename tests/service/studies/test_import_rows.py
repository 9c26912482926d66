"""Reading files of results: every form of a file and of an architecture, and each way in which one can be wrong."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architectures.canonical import canonical_id
from models.architectures.formats import to_json
from models.datasets.loading import load_measured
from models.spaces.registry import define_space, get_space
from models.spaces.space import SearchSpace
from service.errors import ArchitectureRejected, InvalidRequest
from service.storage.values import NamedObjective, Outcome, Study, StudySettings, TrialState
from service.studies.import_rows import ImportFormat, Results, read_results
from tests.strategies import architectures

CELL = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
OTHER = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
ENAS = "[[1],[4,0],[5,0,0],[0,1,1,1],[2,1,1,1,1],[3,0,0,0,0,1]]"


def study(space: str, *objectives: str) -> Study:
    named = tuple(NamedObjective(name, "maximize") for name in objectives)
    chosen = StudySettings("demo", space, "maximize", 0, "svge", 10, None, 900, 3, "", named)
    return Study(1, chosen, 0, None, datetime(2026, 1, 1, tzinfo=UTC))


def read(
    content: str | bytes,
    space: str | SearchSpace = "nasbench201",
    form: ImportFormat = "csv",
    column: str | None = None,
    objectives: tuple[str, ...] = (),
    most_rows: int = 1000,
) -> Results:
    found = get_space(space) if isinstance(space, str) else space
    body = content if isinstance(content, bytes) else content.encode()
    return read_results(body, form, study(found.name, *objectives), found, column, most_rows)


def outcomes(results: Results) -> list[Outcome]:
    return [report.outcome for report, _ in results.reports]


def completed(value: float, **more: Any) -> Outcome:
    return Outcome(TrialState.COMPLETED, value, **more)


def faults(content: str | bytes, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as raised:
        read(content, **options)
    return [(fault.pointer, fault.message) for fault in raised.value.faults]


@settings(max_examples=60)
@given(architectures())
def test_every_form_of_an_architecture_is_read_from_csv_and_from_json_lines(architecture: Any) -> None:
    space, graph = get_space(architecture.space), to_json(architecture)
    native = space.format_native(architecture)
    rows: list[dict[str, Any]] = [{"nodes": graph["nodes"], "edges": graph["edges"]}, {"architecture": graph}]
    rows += [{field: native} for field in ("native", "architecture", "arch", "arch_str", "structure")]
    if space.name == "nasbench101":
        rows += [native, {"module_adjacency": native["matrix"], "module_operations": native["ops"]}]
    for row in rows:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow([*row, "value"])
        writer.writerow([value if isinstance(value, str) else json.dumps(value) for value in row.values()] + ["0.5"])
        line = json.dumps({**row, "value": 0.5})
        for content, form in ((buffer.getvalue(), "csv"), (line, "jsonl")):
            ((report, offer),) = read(content, space, form).reports
            assert offer.architecture == architecture
            assert offer.canonical_id == canonical_id(architecture)
            assert (report.outcome, report.pointer) == (completed(0.5), "/lines/2" if form == "csv" else "/lines/1")


def test_an_architecture_of_a_space_of_one_s_own_is_a_graph() -> None:
    space = define_space({"name": "mine", "operations": ["a", "b"], "max_nodes": 5, "max_edges": 6})
    architecture = next(iter(space.enumerate()))
    graph = to_json(architecture)
    for row in (graph, {"architecture": graph}, {"native": graph}):
        ((_, offer),) = read(json.dumps({**row, "value": 1}), space, "jsonl").reports
        assert offer.architecture == architecture


@pytest.mark.parametrize(
    ("name", "space", "column", "rows"),
    [
        ("nasbench201_cifar10_12epochs.csv", "nasbench201", "cifar10_val", 200),
        ("enas_macro_6layers.csv", "enas_macro", None, 200),
    ],
)
def test_the_head_of_a_published_table(
    name: str, space: str, column: str | None, rows: int, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    head = b"".join(shared_data(name).read_bytes().splitlines(keepends=True)[: rows + 1])
    (tmp_path / "head.csv").write_bytes(head)
    measured = load_measured(tmp_path / "head.csv", get_space(space), **({"burn_in": 0} if space == "enas_macro" else {}))
    results = read(head, space, column=column)
    assert [offer.architecture for _, offer in results.reports] == list(measured.architectures)
    values = measured.metric(column or "weight_sharing_accuracy")
    assert [outcome.value for outcome in outcomes(results)] == values.tolist()
    assert len(results.reports) + results.repeated == rows


def test_what_was_trained_three_times_must_be_one_row(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """The sample of NAS-Bench-101 has 250 trainings of 156 cells."""
    path = shared_data("nasbench101_sample.csv")
    repeats = faults(path.read_bytes(), space="nasbench101", column="val_accuracy_108epochs")
    measured = load_measured(path, get_space("nasbench101"))
    accuracies = measured.row_values["val_accuracy_108epochs"]
    first: dict[int, float] = {}
    different = sum(first.setdefault(place, value) != value for place, value in zip(measured.rows, accuracies, strict=True))
    assert len(repeats) == min(different, 100) > 50
    pointer, message = repeats[0]
    assert message.startswith(f"line {pointer.split('/')[2]}: 'completed' with ")
    assert "for the architecture of line " in message
    means = measured.metric("val_accuracy_108epochs")
    lines = [json.dumps({**to_json(one), "value": mean}) for one, mean in zip(measured.architectures, means, strict=True)]
    assert len(read("\n".join(lines), "nasbench101", "jsonl").reports) == 156


def test_the_list_of_enas_as_it_was_published_is_csv_too() -> None:
    results = read(f"{ENAS}, 0.7302\n", "enas_macro")
    assert outcomes(results) == [completed(0.7302)]


@pytest.mark.parametrize(
    "content",
    [
        f"architecture,value\n{CELL},0.5\n",
        f"\ufeffarchitecture,value\r\n{CELL},0.5\r\n",
        f"architecture;value\n{CELL};0.5\n",
        f"architecture\tvalue\n{CELL}\t0.5",
        f'"architecture","value"\r\n"{CELL}","0.5"\r\n\r\n',
        f" value , architecture \n 0.5 ,{CELL}\n",
        f'architecture,value,note\n{CELL},5e-1,"a note, \'with\' ""quotes""\nand a line"\n',
        f"seed,architecture,value\n7,{CELL},0.5\n",
        f"accuracy,architecture\n0.5,{CELL}\n",
    ],
)
def test_ways_to_write_the_same_csv(content: str) -> None:
    assert outcomes(read(content)) == [completed(0.5)]


def test_how_a_row_ended_is_kept_and_what_has_not_ended_is_left_out() -> None:
    rows = [
        {"state": "completed", "value": 0.5, "std": 0.1},
        {"state": "failed", "value": None, "reason": "out of memory"},
        {"state": "infeasible"},
        {"state": "stopped", "value": 0.25},
        {"state": "running", "value": None},
        {"state": "waiting"},
        {"state": "", "value": ""},
        {"value": 0.75},
    ]
    space = get_space("enas_macro")
    lists = [[[1], [place, 0], [5, 0, 0], [0, 1, 1, 1], [2, 1, 1, 1, 1], [3, 0, 0, 0, 0, 1]] for place in range(6)]
    natives = [*lists[:4], "unread", None, {}, lists[4]]
    lines = "\n".join(json.dumps({"native": native, **row}) for native, row in zip(natives, rows, strict=True))
    results = read(lines, space, "jsonl")
    assert outcomes(results) == [
        completed(0.5, std=0.1),
        Outcome(TrialState.FAILED, reason="out of memory"),
        Outcome(TrialState.INFEASIBLE),
        Outcome(TrialState.STOPPED, 0.25),
        completed(0.75),
    ]
    assert results.left_out == 3


def test_a_file_may_say_the_same_twice() -> None:
    results = read(f"arch,value,reason\n{CELL},0.5,\n{OTHER},0.5,\n{CELL},0.50,again\n")
    assert (len(results.reports), results.repeated) == (2, 1)


def test_values_by_objective_come_from_columns_or_from_one_object() -> None:
    expected = {"accuracy": 0.5, "seconds": 3.0}
    names = ("accuracy", "seconds")
    packed = json.dumps(expected)
    for content, form in (
        (f"arch,seconds,accuracy\n{CELL},3,0.5\n", "csv"),
        (f"arch,values.accuracy,values.seconds,seconds\n{CELL},0.5,3,9\n", "csv"),
        (json.dumps({"arch": CELL, "values": expected, "value": 0.5}), "jsonl"),
        (json.dumps({"arch": CELL, "values": packed, "accuracy": 9, "seconds": 9}), "jsonl"),
    ):
        (outcome,) = outcomes(read(content, form=form, objectives=names))
        assert (outcome.value, outcome.values) == (None, expected)
    ((pointer, message),) = faults(f"arch,accuracy\n{CELL},0.5\n", objectives=names)
    assert (pointer, "the file has 'arch', 'accuracy'" in message) == ("", True)
    assert faults(f"arch,accuracy\n{CELL},0.5\n", objectives=names, column="accuracy")[0][0] == "/column"
    for line in ('{"arch": "x", "values": [1]}', '{"arch": "x", "values": {"accuracy": "much"}}'):
        ((pointer, _),) = faults(f'{{"arch": "{CELL}", "values": {packed}}}\n{line}', form="jsonl", objectives=names)
        assert pointer.startswith("/lines/2/values")


def test_one_objective_with_a_name_takes_its_column_or_the_value() -> None:
    for content in (f"arch,loss\n{CELL},0.5\n", f"arch,value,seed\n{CELL},0.5,3\n", f"arch,error\n{CELL},0.5\n"):
        (outcome,) = outcomes(read(content, objectives=("loss",)))
        assert outcome in (completed(0.5), Outcome(TrialState.COMPLETED, values={"loss": 0.5}))
    assert outcomes(read(f"arch,loss,error\n{CELL},0.5,1\n", objectives=("loss",), column="error")) == [completed(1.0)]
    of_a_study_without_names = f"state,value,values,arch\ncompleted,0.5,,{CELL}\n"
    assert outcomes(read(of_a_study_without_names, objectives=("loss",))) == [completed(0.5)]


def test_an_export_that_starts_with_many_failures_is_read_all_the_same() -> None:
    failures = f"failed,,,{OTHER}\n" * 150
    values = {"accuracy": 0.5, "seconds": 3.0}
    packed = json.dumps(values).replace('"', '""')
    content = f'state,value,values,arch\n{failures}completed,0.5,"{packed}",{CELL}\n'
    results = read(content, objectives=("accuracy", "seconds"))
    assert outcomes(results) == [Outcome(TrialState.FAILED), Outcome(TrialState.COMPLETED, values=values)]
    assert results.repeated == 149


GRAPH = json.dumps(to_json(get_space("nasbench201").parse_native(CELL))).replace('"', '""')


@pytest.mark.parametrize(
    ("content", "pointer", "message"),
    [
        ("", "", "the file is empty"),
        ("\n\n", "", "the file is empty"),
        ("architecture,value\n", "", "expected at least one row of results, got none"),
        (f"cell,value\n{CELL},1\n", "/lines/2", "line 2: no field holds the architecture: expected one of"),
        (f"arch,arch,value\n{CELL},{CELL},1\n", "/lines/1", "line 1: expected the names of the columns, each once"),
        (f"arch,value\n{CELL},1\n{CELL}\n", "/lines/3", "line 3: expected 2 columns, got 1; is the file whole?"),
        (f'arch,value\n"{CELL},1\n', "/lines/2", "line 2: expected CSV: unexpected end of data; is the file whole?"),
        (f"arch,note\n{CELL},good\n", "/column", "or another one of numbers; the file has 'arch', 'note'"),
        (f"arch,loss,error\n{CELL},1,2\n", "/column", "got 'loss', 'error'; choose one with ?column=loss"),
        (f"arch,value\n{CELL},nan\n", "/lines/2/value", "line 2: expected a finite number with a decimal point, got 'nan'"),
        (f"arch,value\n{CELL},1e999\n", "/lines/2/value", "got '1e999'; leave it empty where nothing was measured"),
        (f"arch,value\n{CELL},much\n", "/lines/2/value", "got 'much'"),
        (f'arch,value\n{CELL},"0,5"\n', "/lines/2/value", "got '0,5'"),
        (f"arch,value,std\n{CELL},1,-1\n", "/lines/2/std", "expected a standard error of at least 0, got -1"),
        (f"arch,value,std\n{CELL},1,inf\n", "/lines/2/std", "expected a finite number"),
        (f"arch,value,std,status\n{CELL},,1,failed\n", "/lines/2/std", "a std without a value means nothing"),
        (f"arch,value,status\n{CELL},1,done\n", "/lines/2/status", "line 2: expected one of 'completed'"),
        (f"arch,value,state\n{CELL},1,done\n", "/lines/2/state", "or 'waiting' or 'running', which are left out, got 'done'"),
        (f"arch,value,state\n{CELL},,completed\n", "/lines/2/value", "a completed trial needs a value"),
        (f"arch,loss,state\n{CELL},1,failed\n", "/lines/2/loss", "a trial that is 'failed' has no value; leave it out"),
        (f"arch,value,reason\n{CELL},1,{'x' * 10_001}\n", "/lines/2/reason", "expected a text of at most 10000 characters"),
        ("arch,value\n|none~0|,1\n", "/lines/2/arch", "line 2: expected the form"),
        (f'arch,value\n"{ENAS}",1\n', "/lines/2/arch", "it is one of 'enas_macro'"),
        ('nodes,edges,value\n"[""input"",""a"",""output""]","[[0,1],[1,2]]",1\n', "/lines/2/nodes/1", "unknown operation 'a'"),
        ('nodes,edges,value\n"[""input""]",none,1\n', "/lines/2/edges", "expected a list of [source, target] pairs"),
        (f'architecture,value\n"{GRAPH[:60]}",1\n', "/lines/2/architecture", "expected JSON, got"),
        (f'architecture,value\n"{GRAPH.replace("nasbench201", "mars")}",1\n', "/lines/2/architecture/space", "got one of 'mars'"),
        (f"arch,space,value\n{CELL},mars,1\n", "/lines/2/space", "expected a row of 'nasbench201', got one of 'mars'"),
        (f'architecture,value\n"{json.dumps([[0]] * 257)}",1\n', "/lines/2/architecture", "at most 256 entries in 'architecture'"),
        (f"arch,value\n{CELL},0.5\n{OTHER},1\n{CELL},0.75\n", "/lines/4", "with 0.75 for the architecture of line 2, which"),
        (f"arch,value{',' * 999}\n", "/lines/1", "expected the names of the columns, each once"),
        (f"arch,{','.join(f'c{i}' for i in range(1000))}\n{CELL}{',1' * 1000}\n", "/lines/2", "at most 1000 columns, got 1001"),
        (f'{{"arch": "{CELL}", "value": 1}}', "", "JSON lines come with the Content-Type application/jsonl"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_csv_is_named_with_its_line_and_column(content: str, pointer: str, message: str) -> None:
    (found,) = faults(content)
    assert found[0] == pointer, found
    assert message in found[1], found


@pytest.mark.parametrize(
    ("content", "pointer", "message"),
    [
        (f'{{"arch": "{CELL}", "value": 1}}\n{{"arch": "{CELL}", "val', "/lines/2", "line 2: expected JSON: Unterminated string"),
        (f'{{"arch": "{CELL}", "value": NaN}}', "/lines/1/value", "got nan"),
        (f'{{"arch": "{CELL}", "value": true}}', "/lines/1/value", "got True"),
        (f'{{"arch": "{CELL}", "value": {{}}}}', "/lines/1/value", "expected a finite number"),
        (f'{{"arch": "{CELL}", "value": 1, "reason": "a\\u0000b"}}', "/lines/1/reason", "without NUL"),
        (f'{{"arch": "{CELL}", "value": 1, "reason": 7}}', "/lines/1/reason", "expected a text"),
        (f'{{"arch": "{CELL}", "value": 1, "state": ["failed"]}}', "/lines/1/state", "expected one of"),
        (f'{{"arch": "{CELL}", "value": 1}}\n{{"value": 1}}', "/lines/2/arch", "got NoneType"),
        (f'[{{"arch": "{CELL}", "value": 1}}]', "/lines/1", "line 1: expected a JSON object"),
        ("{" * 100_000, "/lines/1", "expected JSON"),
        (f"arch,value\n{CELL},1\n", "", "CSV comes with the Content-Type text/csv"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_json_lines_is_named(content: str, pointer: str, message: str) -> None:
    (found,) = faults(content, form="jsonl")
    assert found[0] == pointer, found
    assert message in found[1], found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "is a pickle or a PyTorch file"),
        (b"\x1f\x8b\x08", "is compressed; unpack it first"),
        (b"\x00\x01\x02\x03" * 10, "neither text nor"),
        (b"<html></html>", "is a web page"),
        (f"arch,value,note\n{CELL},1,".encode() + b"\xff\n", "expected UTF-8 text"),
        (f"arch,value\n{CELL},1\n".encode("utf-16"), "neither text nor"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, message: str) -> None:
    ((_, said),) = faults(content)
    assert message in said


def test_all_faults_are_named_up_to_a_hundred() -> None:
    rows = [(CELL, "0.5"), ("|none~0|", "1"), (CELL, "much"), (OTHER, "")]
    found = faults("arch,value\n" + "\n".join(",".join(row) for row in rows) + "\n" + CELL)
    assert [pointer for pointer, _ in found] == ["/lines/3/arch", "/lines/4/value", "/lines/6"]
    assert len(faults("arch,value\n" + "x,1\n" * 150)) == 100
    with pytest.raises(ArchitectureRejected):
        read("arch,value\nx,1\n")
    assert all(len(message) < 500 for _, message in faults(f"arch,value\n{'x' * 10_000},1\n"))


def test_a_file_has_no_more_rows_than_the_setting_says() -> None:
    content = f"arch,value\n{CELL},1\n{OTHER},1\n"
    assert len(read(content, most_rows=2).reports) == 2
    ((pointer, message),) = faults(content, most_rows=1)
    assert pointer == "/lines/3"
    assert "expected at most 1 rows (SVGE_MAX_IMPORT_ROWS)" in message


SMALL: dict[ImportFormat, bytes] = {
    "csv": f"arch,value,state\n{CELL},0.25,completed\n{OTHER},,failed\n".encode(),
    "jsonl": f'{{"arch": "{CELL}", "value": 1}}\n{{"arch": "{OTHER}", "state": "failed"}}\n'.encode(),
}


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(SMALL)), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3), st.integers(0, 300)
)
def test_any_damage_is_either_read_or_named(form: ImportFormat, changes: list[tuple[int, int]], length: int) -> None:
    content = bytearray(SMALL[form][:length])
    for place, byte in changes:
        if place < len(content):
            content[place] = byte
    try:
        results = read(bytes(content), form=form)
    except InvalidRequest:
        return
    assert len(results.reports) + results.left_out + results.repeated in (1, 2)
