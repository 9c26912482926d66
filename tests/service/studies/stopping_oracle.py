"""The stopping rules written down from their definitions: everything is kept, nothing is incremental, fractions are exact."""

import statistics
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class Oracle:
    """Hears every report of a study of one attempt a trial, in order of arrival, and says whether the trial should stop."""

    rule: str
    direction: str = "maximize"
    min_step: int = 1
    min_trials: int = 5
    reduction_factor: int = 3
    reports: list[tuple[str, int, Fraction]] = field(default_factory=list)

    def hear(self, trial: str, step: int, value: float) -> bool:
        """Whether to stop; values are those of a maximisation from here on."""
        self.reports.append((trial, step, Fraction(value) if self.direction == "maximize" else -Fraction(value)))
        return self._median(trial, step) if self.rule == "median" else self._asha(trial, step)

    def _up_to(self, trial: str, step: int) -> list[Fraction]:
        return [value for name, at, value in self.reports if name == trial and at <= step]

    def _median(self, trial: str, step: int) -> bool:
        others = {name for name, at, _ in self.reports if at == step and name != trial}
        averages = [sum(values) / len(values) for values in (self._up_to(name, step) for name in others)]
        if step < self.min_step or len(averages) < self.min_trials:
            return False
        return max(self._up_to(trial, step)) < statistics.median(averages)

    def _asha(self, trial: str, step: int) -> bool:
        rungs = [self.min_step * self.reduction_factor**k for k in range(40)]
        reached = [max((rung for rung in rungs if rung <= at), default=0) for name, at, _ in self.reports if name == trial]
        if reached[-1] in (0, *reached[:-1]):
            return False
        first: dict[str, Fraction] = {}
        for name, at, value in self.reports:
            if reached[-1] <= at < reached[-1] * self.reduction_factor:
                first.setdefault(name, value)
        best = sorted(first.values(), reverse=True)[: max(1, len(first) // self.reduction_factor)]
        return first[trial] < best[-1]
