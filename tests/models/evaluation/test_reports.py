import json
import math
from pathlib import Path

import pytest

from models.evaluation.published import Published
from models.evaluation.reports import beside_published, table, write_json


def test_a_table_has_a_row_for_each_figure_and_a_column_for_each_method() -> None:
    published = Published("a paper", {"theirs": {"rmse": 0.384}})
    text = beside_published(["rmse", "extra"], {"ours": {"rmse": 0.25, "extra": 1234.5678}}, published)
    assert text.splitlines()[:4] == [
        "|  | ours | theirs (published) |",
        "| --- | --- | --- |",
        "| rmse | 0.25 | 0.384 |",
        "| extra | 1234.57 | – |",
    ]
    assert text.endswith("Published: a paper.")


def test_whole_numbers_are_grouped() -> None:
    assert table(["n"], [[1234567]]).endswith("| 1,234,567 |")


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "figures.json", {"rmse": math.nan})
    assert not (tmp_path / "figures.json").exists()
    write_json(tmp_path / "figures.json", {"rmse": 0.5})
    assert json.loads((tmp_path / "figures.json").read_text()) == {"rmse": 0.5}
