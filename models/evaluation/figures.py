"""The pictures of an evaluation, each as PNG and as SVG. They need matplotlib, the extra `evaluate`, and no display."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation.prediction import Predicted
from models.evaluation.smoothness import Smoothness

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Colours that people with any colour vision tell apart: Okabe & Ito, "Color universal design" (2008)."""

_SHOWN = 100
"""So many points of a scatter are drawn, as in the paper's Figure 2."""


class MissingLibrary(ValueError):
    """A library that an extra brings is not installed."""


def require_matplotlib() -> None:
    """Raises `MissingLibrary` where no figure could be drawn, so that this is known before a long computation."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingLibrary("figures need matplotlib, which is not installed; run: pip install 'svge-search[evaluate]'")


def draw_smoothness(curves: Mapping[str, Sequence[Smoothness]], unrelated: float, stem: Path) -> Path:
    """The mean edit distance of a step by its length, for each model, and that of unrelated architectures."""
    figure = _figure(5.6, 3.8)
    axes = figure.subplots()
    for (name, curve), colour in zip(curves.items(), _cycle(len(curves)), strict=True):
        lengths = [one.step_length for one in curve]
        axes.plot(lengths, [one.mean_edit_distance for one in curve], marker="o", color=colour, label=name)
    axes.axhline(unrelated, color="#808080", linestyle="--", label="two unrelated architectures")
    axes.set_xscale("log", base=2)
    axes.set_xticks([one.step_length for one in next(iter(curves.values()))], labels=None)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("length of a step, standard deviations of the aggregate posterior")
    axes.set_ylabel("mean edit distance")
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False)
    return _save(figure, stem)


def draw_scatter(parts: Mapping[str, Predicted], metric: str, stem: Path, seed: int) -> Path:
    """Predicted against true values, up to 100 random ones of each part side by side (the paper's Figure 2)."""
    figure = _figure(3.6 * len(parts), 3.6)
    rng = np.random.default_rng(seed)
    for axes, (name, part), colour in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts.items(), COLOURS, strict=False):
        shown = rng.permutation(len(part.true))[:_SHOWN]
        true, predicted = part.true[shown], part.predicted[shown]
        ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
        axes.plot(ends, ends, color="#808080", linewidth=1)
        axes.scatter(true, predicted, s=14, color=colour, alpha=0.75)
        axes.set_title(f"{name}: r = {part.pearson_r:.3f}", fontsize=10)
        axes.set_xlabel(f"true {metric}")
        axes.set_ylabel("predicted")
    return _save(figure, stem)


def draw_curves(curves: Mapping[str, np.ndarray], ylabel: str, stem: Path) -> Path:
    """The best value so far, `runs x n` for each search: its mean and its range over the runs."""
    figure = _figure(5.6, 3.8)
    axes = figure.subplots()
    for (name, runs), colour in zip(curves.items(), _cycle(len(curves)), strict=True):
        n = np.arange(1, runs.shape[1] + 1)
        axes.plot(n, runs.mean(axis=0), color=colour, label=name)
        axes.fill_between(n, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlabel("architectures evaluated")
    axes.set_ylabel(ylabel)
    axes.legend(frameon=False)
    return _save(figure, stem)


def draw_distribution(parts: Mapping[str, np.ndarray], xlabel: str, stem: Path) -> Path:
    """The distributions of a value over several sets of architectures."""
    figure = _figure(5.6, 3.8)
    axes = figure.subplots()
    bins = np.histogram_bin_edges(np.concatenate(list(parts.values())), bins=40)
    for (name, values), colour in zip(parts.items(), _cycle(len(parts)), strict=True):
        axes.hist(values, bins=list(bins), density=True, histtype="step", linewidth=1.6, color=colour, label=name)
    axes.set_xlabel(xlabel)
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    return _save(figure, stem)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: "Figure", stem: Path) -> Path:
    """Both forms of the picture; the path of the PNG. The SVG holds no date, so that equal figures are equal files."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": stem.name}):
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(stem.with_suffix(".png"), dpi=150)
    return stem.with_suffix(".png")


def _cycle(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]
