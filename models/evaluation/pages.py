"""What an evaluation leaves in its folder: `NAME.json`, `NAME.md` and the pictures. What is in them is measured elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.architectures.canonical import canonical_id
from models.architectures.drawing import draw_svg
from models.architectures.formats import to_json
from models.evaluation.abilities import Abilities
from models.evaluation.extrapolation import Extrapolated, Extrapolation
from models.evaluation.figures import draw_curves, draw_distribution, draw_scatter, draw_smoothness
from models.evaluation.injectivity import ClosestPair
from models.evaluation.prediction import Runs
from models.evaluation.published import ABILITIES, EXTRAPOLATION, NETWORK, PROCESS, RANDOM_SEARCH
from models.evaluation.random_search import SearchCurves
from models.evaluation.reports import Cell, beside_published, picture, table, write_json, write_page
from models.evaluation.smoothness import Smoothness
from models.networks.costs.published_cost import has_costs, published_cost

Facts = Mapping[str, Any]


def write_abilities(
    out: Path, facts: Facts, abilities: Abilities, curves: Mapping[str, Sequence[Smoothness]], unrelated: float
) -> None:
    """Table 5, and how smooth the latent space is: `curves` by checkpoint, that of `facts` among them."""
    name = facts["checkpoint"]
    figures = asdict(abilities)
    smoothness = {model: [asdict(one) for one in curve] for model, curve in curves.items()}
    others = {model: curve for model, curve in smoothness.items() if model != name}
    write_json(
        out / "abilities.json",
        {
            **facts,
            **figures,
            "smoothness": smoothness[name],
            "smoothness_beside": others,
            "unrelated_edit_distance": unrelated,
        },
    )
    drawn = draw_smoothness(curves, unrelated, out / "smoothness")
    lengths = [one.step_length for one in curves[name]]
    rows: list[list[Cell]] = [[model, *(one.mean_edit_distance for one in curve)] for model, curve in curves.items()]
    write_page(
        out / "abilities.md",
        f"Abilities of {name}",
        [
            _sentence(facts),
            beside_published(list(figures), {name: figures}, ABILITIES),
            "The published figures are those of code that scales the posterior's noise by 0.01.",
            "Mean edit distance between the greedy decodings of a step's ends, by the length of the step in standard deviations "
            f"of the aggregate posterior; two unrelated architectures are {unrelated:.4g} edits apart.",
            table(["", *(f"{length:g}" for length in lengths)], rows),
            picture(drawn, "Mean edit distance by the length of a step"),
        ],
    )


def write_prediction(out: Path, facts: Facts, process: Runs, networks: Mapping[int, Runs], metric: str, seed: int) -> None:
    """The Gaussian process, and Table 1 by the number of labels."""
    by_process = process_figures(process)
    by_network = {count: network_figures(runs) for count, runs in networks.items()}
    first = next(iter(by_network.values()), {})
    joint = [{"labels": count, **figures} for count, figures in by_network.items()]
    write_json(out / "prediction.json", {**facts, "metric": metric, **by_process, **first, "fine_tuned": joint})
    name = facts["checkpoint"]
    parts = [
        _sentence(facts),
        f"A Gaussian process on the latent means of {process.num_labels:,} architectures predicts {metric} of "
        f"{len(process.test[0].true):,} others; outcomes standardised, mean of {len(process.test)} runs.",
        beside_published(list(by_process), {name: by_process}, PROCESS),
        picture(_scatter(out / "prediction_process", process, metric, seed), "Predicted by the process against true"),
    ]
    if by_network:
        parts += _network_parts(name, by_network)
    for count, runs in networks.items():
        drawn = _scatter(out / f"prediction_{count}_labels", runs, metric, seed)
        parts.append(picture(drawn, f"Predicted with {count:,} labels against true"))
    write_page(out / "prediction.md", f"Prediction from {name}", parts)


def write_extrapolation(
    out: Path, facts: Facts, found: Sequence[Extrapolation], known: np.ndarray, metric: str, native: Mapping[str, Any]
) -> None:
    """Table 2: the best of each size, drawn and counted. `known`: the values measured; `native`: the space's own form by id."""
    sizes: dict[str, dict[str, Any]] = {
        str(one.num_nodes): {
            "num_decoded": one.num_decoded,
            "num_grown": one.num_grown,
            "best": [
                _draw_proposed(out, one.num_nodes, place, proposed, native) for place, proposed in enumerate(one.best, start=1)
            ],
        }
        for one in found
    }
    rows: list[list[Cell]] = [
        [size, place, best["predicted"], best["origin"], best["parameters"], f"[drawing]({best['drawing']})"]
        for size, figures in sizes.items()
        for place, best in enumerate(figures["best"], start=1)
    ]
    firsts = [picture(out / f"extrapolation_{size}_1.svg", f"The best of {size} nodes") for size in sizes]
    best_known = float(known.max())
    write_json(out / "extrapolation.json", {**facts, "metric": metric, "best_measured": best_known, "sizes": sizes})
    shown = {f"predicted, {one.num_nodes} nodes": one.scores for one in found}
    drawn = draw_distribution({"measured": known, **shown}, metric, out / "extrapolation")
    header = ["nodes", "place", f"predicted {metric}", "origin", "parameters", ""]
    published = beside_published(["8 nodes", "9 nodes", "14 nodes"], {}, EXTRAPOLATION)
    write_page(
        out / "extrapolation.md",
        f"Extrapolation from {facts['checkpoint']}",
        [
            _sentence(facts),
            f"The best measured {metric} is {best_known:.4g}.",
            table(header, rows),
            *firsts,
            picture(drawn, "Values measured and predicted"),
            published,
        ],
    )


def write_random(out: Path, facts: Facts, curves: SearchCurves, metric: str, measured: bool) -> None:
    """Table 6: the best of a random search in the latent space. `measured`: the values are looked up and not predicted."""
    final, uniform = curves.latent[:, -1], curves.uniform[:, -1]
    figures = {
        "best_value": float(final.max()),
        "mean_best_value": float(final.mean()),
        "std_best_value": float(final.std()),
        "uniform_best_value": float(uniform.max()),
        "uniform_mean_best_value": float(uniform.mean()),
    }
    curve = {"latent": curves.latent.mean(axis=0).tolist(), "uniform": curves.uniform.mean(axis=0).tolist()}
    values = "measured" if measured else "predicted"
    (out / "random_best.svg").write_text(draw_svg(curves.best))
    write_json(
        out / "random.json",
        {**facts, "metric": metric, "values": values, **figures, "best_architecture": to_json(curves.best), "curve": curve},
    )
    searches = {"decoded from the prior": curves.latent, "drawn uniformly": curves.uniform}
    drawn = draw_curves(searches, f"best {values} {metric}", out / "random")
    name = facts["checkpoint"]
    write_page(
        out / "random.md",
        f"Random search in the latent space of {name}",
        [
            _sentence(facts),
            f"The best {values} {metric} of {curves.latent.shape[1]:,} architectures, over {len(final)} runs.",
            beside_published(list(figures), {name: figures}, RANDOM_SEARCH),
            picture(drawn, "Best value by the number of architectures"),
            picture(out / "random_best.svg", "The best architecture"),
        ],
    )


def write_injectivity(
    out: Path, facts: Facts, difference: float, pair: ClosestPair, num_relabelled: int, num_compared: int
) -> None:
    """Section 3.4: what relabelling changes, and the nearest latents of architectures that differ."""
    ends = {"first": pair.first, "second": pair.second}
    for place, architecture in ends.items():
        (out / f"injectivity_{place}.svg").write_text(draw_svg(architecture))
    write_json(
        out / "injectivity.json",
        {
            **facts,
            "num_relabelled": num_relabelled,
            "largest_relabelling_difference": difference,
            "num_compared": num_compared,
            "smallest_distance": pair.distance,
            "closest_pair": {place: to_json(architecture) for place, architecture in ends.items()},
        },
    )
    write_page(
        out / "injectivity.md",
        f"Isomorphic and other graphs in the latent space of {facts['checkpoint']}",
        [
            f"{num_relabelled:,} random relabellings change a posterior mean by {difference:.1e} at most.",
            f"Of {num_compared:,} architectures, no two isomorphic, the nearest two means lie {pair.distance:.4g} apart:",
            *(picture(out / f"injectivity_{place}.svg", f"The {place} of the closest pair") for place in ends),
        ],
    )


def _network_parts(name: str, by_network: Mapping[int, Mapping[str, float]]) -> list[str]:
    columns = {f"{name}, {count:,} labels": _with_count(figures) for count, figures in by_network.items()}
    names = [*dict.fromkeys(key for figures in (*columns.values(), *NETWORK.figures.values()) for key in figures)]
    return [
        "The model and a four-layer network on its latent mean, trained jointly (Eq. 18). Errors of accuracies as fractions; "
        "`best_found` is the true accuracy of the test architecture that is predicted to be best, `rank_percent` its rank.",
        beside_published(names, columns, NETWORK),
    ]


def _draw_proposed(out: Path, size: int, place: int, proposed: Extrapolated, native: Mapping[str, Any]) -> dict[str, Any]:
    """What the JSON says of a proposed architecture, after drawing it."""
    drawing = out / f"extrapolation_{size}_{place}.svg"
    drawing.write_text(draw_svg(proposed.architecture))
    name = canonical_id(proposed.architecture)
    return {
        "canonical_id": name,
        "architecture": to_json(proposed.architecture),
        "native": native[name],
        "predicted": proposed.predicted,
        "origin": proposed.origin,
        "parameters": published_cost(proposed.architecture).parameters if has_costs(proposed.architecture.space) else None,
        "drawing": drawing.name,
    }


def process_figures(runs: Runs) -> dict[str, float]:
    """RMSE and correlation over the runs; outcomes in units of the training labels' standard deviation."""
    rmse, pearson_r = _over_runs([(run.rmse(runs.label_std), run.pearson_r) for run in runs.test])
    return {"rmse": rmse[0], "rmse_std": rmse[1], "pearson_r": pearson_r[0], "pearson_r_std": pearson_r[1]}


def network_figures(runs: Runs) -> dict[str, float]:
    """Error, correlation and ranking over the runs; accuracies as fractions."""
    mse, pearson_r, found, rank = _over_runs([(run.mse, run.pearson_r, run.found, run.rank_percent) for run in runs.test])
    return {
        "num_labels": runs.num_labels,
        "mse": mse[0],
        "mse_std": mse[1],
        "fine_tuned_pearson_r": pearson_r[0],
        "best_found": found[0],
        "best_there_is": float(max(run.true.max() for run in runs.test)),
        "rank_percent": rank[0],
    }


def _with_count(figures: Mapping[str, float]) -> Mapping[str, float]:
    """The figures with the error also under the name that it has in the published table for this number of labels."""
    name = f"mse_{figures['num_labels']}"
    is_published = any(name in published for published in NETWORK.figures.values())
    return {**figures, name: figures["mse"]} if is_published else figures


def _over_runs(rows: Sequence[tuple[float, ...]]) -> list[tuple[float, float]]:
    return [(float(np.mean(column)), float(np.std(column))) for column in zip(*rows, strict=True)]


def _scatter(stem: Path, runs: Runs, metric: str, seed: int) -> Path:
    return draw_scatter({"training labels": runs.train, "test labels": runs.test[0]}, metric, stem, seed)


def _sentence(facts: Facts) -> str:
    origin = f"Checkpoint `{facts['checkpoint']}` ({facts['hash'][:16]}), space `{facts['space']}`, seed {facts['seed']}"
    return f"{origin}. Data: {facts['data']}."
