"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from service.dashboard import wording

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.931, "0.931"),
        (0.123456789, "0.12346"),
        (93.1, "93.1"),
        (12_345.678, "12,346"),
        (-4.5, "-4.5"),
        (0.0, "0"),
        (0.99999999, "1"),
        (0.000012345, "1.234e-05"),
        (1.5e9, "1.5e+09"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_numbers_have_five_significant_digits(value: float | None, text: str) -> None:
    assert wording.number(value) == text


def test_a_deviation_has_no_more_digits_than_are_known() -> None:
    assert wording.with_deviation(0.93123, 0.012345) == "0.93123 ± 0.012"
    assert wording.with_deviation(0.93123, None) == "0.93123"
    assert wording.with_deviation(None, 0.1) == "–"
    assert wording.with_deviation(2345.6, 123.4) == "2,345.6 ± 123"
    assert (wording.short(99.6), wording.short(1.5e9)) == ("100", "1.5e+09")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7300, "2 h ago"), (86_400 * 3, "3 days ago")]
)
def test_how_long_ago_something_was(seconds: float, text: str) -> None:
    assert wording.ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_what_never_was_and_what_has_no_limit() -> None:
    assert wording.ago(None, NOW) == "never"
    assert wording.remaining(None, NOW) == "no limit"
    assert wording.remaining(NOW - timedelta(seconds=1), NOW) == "run out"
    assert wording.remaining(NOW + timedelta(minutes=14, seconds=30), NOW) == "14 min left"


def test_amounts_agree_with_their_words() -> None:
    assert [wording.plural(amount, "trial") for amount in (0, 1, 1200)] == ["0 trials", "1 trial", "1,200 trials"]
