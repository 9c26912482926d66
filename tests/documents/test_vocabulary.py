"""Words that the service answers or takes have their place in a document, and those of the documents are the service's."""

import re
from typing import get_args

import pytest

from models.search.proposal import STRATEGIES
from models.spaces.registry import space_names
from service.api.problems import BODY_TOO_LARGE, HTTP_KINDS, KINDS, MALFORMED_JSON
from service.metrics import exposition
from service.storage.values import KeyScope, TrialSource, TrialState
from tests.documents.blocks import ROOT, in_sentences


def words_of(document: str) -> set[str]:
    return {one.text for one in in_sentences() if one.document == document}


@pytest.mark.parametrize(
    ("words", "document"),
    [
        (STRATEGIES, "docs/search.md"),
        (get_args(TrialSource), "docs/concepts.md"),
        (tuple(TrialState), "docs/concepts.md"),
        (tuple(KeyScope), "docs/keys.md"),
        (space_names(), "README.md"),
    ],
)
def test_every_word_is_explained(words: tuple[str, ...], document: str) -> None:
    assert set(words) <= words_of(document)


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    measured = set(re.findall(r"^# HELP (svge_\w+)", exposition().decode(), re.MULTILINE))
    measured = {name for name in measured if not name.endswith("_created")}
    rows = re.findall(r"^\| `(svge_\w+)`", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(measured)
    named = {one.text for one in in_sentences() if re.fullmatch(r"svge_[a-z]\w+", one.text)}
    assert named <= measured


def test_statuses_stand_with_their_own_codes() -> None:
    kinds = {*KINDS.values(), MALFORMED_JSON, BODY_TOO_LARGE, *(kind for kind, _ in HTTP_KINDS.values())}
    known = {(str(kind.status), kind.code) for kind in kinds}
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    named = [(page.name, *pair) for page in pages for pair in re.findall(r"\b([45]\d\d)\s+`([a-z_]+)`", page.read_text("utf-8"))]
    assert len(named) > 5
    assert [(name, *pair) for name, *pair in named if tuple(pair) not in known] == []
