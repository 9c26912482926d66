"""Numbers, times and states as people read them."""

import math
from datetime import datetime, timedelta

from service.storage.values import Study, StudySettings, TrialState

_DIGITS = 5
_WHOLE, _HUGE = 99.5, 1e7
_UNITS = ((86_400 * 365, "year"), (86_400, "day"), (3600, "h"), (60, "min"), (1, "s"))
_WORDS = ("year", "day")
NOTHING = "–"
CLOSE, REOPEN = "Close", "Reopen"


def number(value: float | None) -> str:
    """A measured value with five significant digits."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0 or 1e-4 <= abs(value) < 1e7:
        digits = max(0, _DIGITS - 1 - (math.floor(math.log10(abs(value))) if value else 0))
        text = f"{value:,.{min(digits, 8)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{_DIGITS - 1}g}"


def with_deviation(mean: float | None, std: float | None) -> str:
    """A mean and its standard deviation."""
    if mean is None:
        return NOTHING
    return number(mean) if std is None else f"{number(mean)} ± {short(std)}"


def short(value: float) -> str:
    """Two significant digits, for what is known to no more; large values to the whole."""
    return f"{value:,.0f}" if _WHOLE <= abs(value) < _HUGE else f"{value:.2g}"


def count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def plural(amount: int, word: str) -> str:
    return f"{count(amount)} {word}" if amount == 1 else f"{count(amount)} {word}s"


def duration(seconds: float) -> str:
    """A span of time in its largest unit."""
    for size, unit in _UNITS:
        if seconds >= size:
            amount = int(seconds // size)
            return f"{amount} {unit}{'s' if unit in _WORDS and amount != 1 else ''}"
    return "0 s"


def ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def remaining(moment: datetime | None, now: datetime) -> str:
    """How long a lease still runs."""
    if moment is None:
        return "no limit"
    left = moment - now
    return f"{duration(left.total_seconds())} left" if left > timedelta() else "run out"


def instant(moment: datetime | None) -> str:
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def value_name(settings: StudySettings) -> str:
    """What the value of a trial is called: the first objective's name, where it has one."""
    return settings.observed_names[0] if settings.observed_names else "value"


def goal(settings: StudySettings) -> str:
    """What a study looks for, in words."""
    if not settings.objectives:
        return f"{settings.objective} value"
    return ", ".join(f"{one.direction} {one.name}" for one in settings.objectives)


def status(study: Study, running: int) -> str:
    if study.closed_at is not None:
        return "closed"
    return "searching" if running else "idle"


def closing_word(study: Study) -> str:
    """What a button says that closes or reopens a study."""
    return CLOSE if study.closed_at is None else REOPEN


STATE_WORDS = {
    TrialState.WAITING: "waits for a worker",
    TrialState.RUNNING: "was handed out",
    TrialState.COMPLETED: "was completed",
    TrialState.FAILED: "failed",
    TrialState.INFEASIBLE: "was infeasible",
    TrialState.STOPPED: "was stopped early",
}
