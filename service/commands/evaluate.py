"""`svge evaluate …`: what a checkpoint can do, beside the published figures. Torch is loaded when a command runs.

The measures are in `models/evaluation`, one file each; here are the options, the order of work, and the progress bar.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.pretrained.catalogue import FOLDER
from service.commands.documents import Device, ModelsFolder, refusals
from service.commands.settings import model_folders

if TYPE_CHECKING:
    from models.datasets.measured import MeasuredArchitectures
    from models.evaluation.labels import Labelled
    from models.evaluation.progress import Report
    from models.evaluation.scoring import Score
    from models.evaluation.subject import Subject

app = typer.Typer(no_args_is_help=True, help="Measure what a checkpoint can do, beside the published figures.")

Checkpoint = Annotated[str, typer.Option(help="Name or hash of a checkpoint, or path of a .safetensors file.", show_default=False)]
Results = Annotated[Path, typer.Option(help="Folder for the figures: NAME.json, NAME.md and pictures.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option(help="File of measured architectures; docs/data.md lists the forms.", show_default="the card's own data"),
]
NeededData = Annotated[
    Path | None, typer.Option(help="File of measured architectures; docs/data.md lists the forms.", show_default=False)
]
Metric = Annotated[str | None, typer.Option(help="The measurement to predict.", show_default="the first accuracy in the file")]
Seed = Annotated[int, typer.Option(min=0, help="Of all that is random.")]
RunCount = Annotated[int, typer.Option("--runs", min=1, help="How often it is repeated, with seeds that follow on.")]
LabelCounts = Annotated[
    list[int] | None,
    typer.Option(
        min=0, help="Labels to train model and predictor on; may be repeated; 0 for none.", show_default="1,000, or all there are"
    ),
]
NodeCounts = Annotated[
    list[int] | None,
    typer.Option(min=3, help="Nodes with input and output; may be repeated.", show_default="one and two more; 14 for ENAS"),
]


class Predictor(StrEnum):
    process = "process"
    network = "network"


@app.command()
def abilities(
    checkpoint: Checkpoint,
    out: Results,
    data: Data = None,
    graphs: Annotated[int, typer.Option(min=2, help="At most so many held-out graphs; all of the ENAS list.")] = 2000,
    prior_samples: Annotated[int, typer.Option(min=1, help="Points of the prior, each decoded 10 times.")] = 1000,
    beside: Annotated[
        list[str] | None, typer.Option(help="Another checkpoint of the space whose smoothness is drawn too; may be repeated.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    folder: ModelsFolder = FOLDER,
) -> None:
    """Reconstruction, validity, uniqueness and novelty (Table 5), and how smooth the latent space is."""
    with _evaluation(out) as report:
        from models.evaluation.abilities import measure_abilities
        from models.evaluation.held_out import held_out_of_card, held_out_of_data
        from models.evaluation.pages import write_abilities
        from models.evaluation.smoothness import mean_pair_distance, measure_smoothness
        from models.evaluation.subject import check_comparable

        subject = _subject(checkpoint, folder, device)
        others = [_subject(name, folder, device) for name in beside or ()]
        check_comparable(subject, others)
        space = subject.autoencoder.space
        report("gathering held-out graphs", 0, 1)
        held_out = (
            held_out_of_card(subject.card, space)
            if data is None
            else held_out_of_data(subject.card, space, _measured(data, subject, report), seed)
        )
        report("gathering held-out graphs", 1, 1)
        chosen = held_out.graphs[:graphs]
        unrelated = mean_pair_distance(chosen, seed)
        found = measure_abilities(subject.autoencoder, chosen, held_out.trained_on, seed, prior_samples, report)
        curves = {one.card.name: measure_smoothness(one.autoencoder, chosen, seed, report=report) for one in (subject, *others)}
        facts = {**subject.facts, "data": held_out.origin, "seed": seed, "num_held_out": len(chosen)}
        write_abilities(out, facts, found, curves, unrelated)
    _say(out / "abilities.md", f"{found.reconstruction:.2f}% reconstructed, {found.validity_free:.2f}% of free decodings valid")


@app.command()
def prediction(
    checkpoint: Checkpoint,
    out: Results,
    data: NeededData = None,
    metric: Metric = None,
    labels: LabelCounts = None,
    runs: RunCount = 3,
    seed: Seed = 0,
    device: Device = "auto",
    folder: ModelsFolder = FOLDER,
) -> None:
    """Predict performance from the latent space: by a Gaussian process, and by the jointly trained network (Table 1)."""
    with _evaluation(out) as report:
        from models.evaluation.labels import choose_metric
        from models.evaluation.pages import write_prediction
        from models.evaluation.prediction import (
            label_counts,
            predict_by_network,
            predict_by_process,
            require_fractions,
            split_labels,
        )

        subject = _subject(checkpoint, folder, device)
        measured = _measured(data, subject, report)
        name = choose_metric(measured, metric)
        train, test = split_labels(measured, subject.autoencoder.space, name, seed)
        counts = label_counts(labels, len(train.values))
        if counts:
            require_fractions(train, test)
        seeds = range(seed, seed + runs)
        process = predict_by_process(subject.autoencoder, train, test, seeds, report)
        networks = {count: predict_by_network(subject.autoencoder, train, test, count, seeds, report=report) for count in counts}
        sizes = {"num_train": len(train.values), "num_test": len(test.values)}
        facts = {**subject.facts, "data": measured.source, "seed": seed, **sizes}
        write_prediction(out, facts, process, networks, name, seed)
    _say(out / "prediction.md", f"correlation {process.test[0].pearson_r:.3f} by the Gaussian process")


@app.command()
def extrapolation(
    checkpoint: Checkpoint,
    out: Results,
    data: NeededData = None,
    metric: Metric = None,
    nodes: NodeCounts = None,
    candidates: Annotated[int, typer.Option(min=1, help="So many are decoded, and so many grown.")] = 3000,
    predictor: Annotated[
        Predictor, typer.Option(help="What ranks them: a Gaussian process, or the trained network.")
    ] = Predictor.process,
    seed: Seed = 0,
    device: Device = "auto",
    folder: ModelsFolder = FOLDER,
) -> None:
    """Propose architectures larger than those trained on, ranked by predicted performance (Table 2)."""
    with _evaluation(out) as report:
        from models.architectures.canonical import canonical_id
        from models.evaluation.extrapolation import choose_sizes, extrapolate
        from models.evaluation.labels import as_fractions
        from models.evaluation.pages import write_extrapolation

        subject = _subject(checkpoint, folder, device)
        space = subject.autoencoder.space
        sizes = choose_sizes(space, nodes)
        measured = _measured(data, subject, report)
        labels = _labels(measured, metric)
        if predictor is Predictor.network:
            labels = as_fractions(labels)
        score = _score(predictor, subject, labels, seed, report)
        found = [extrapolate(subject.autoencoder, labels, score, size, seed, candidates, report) for size in sizes]
        graphs = [proposed.architecture for one in found for proposed in one.best]
        native = {canonical_id(graph): space.format_native(graph) for graph in graphs}
        facts = {**subject.facts, "data": measured.source, "seed": seed, "predictor": predictor.value}
        write_extrapolation(out, facts, found, labels.values, labels.metric, native)
    _say(out / "extrapolation.md", f"{len(graphs)} architectures proposed")


@app.command()
def random(
    checkpoint: Checkpoint,
    out: Results,
    data: NeededData = None,
    metric: Metric = None,
    count: Annotated[int, typer.Option(min=1, help="Architectures in a run.")] = 500,
    runs: RunCount = 10,
    seed: Seed = 0,
    device: Device = "auto",
    folder: ModelsFolder = FOLDER,
) -> None:
    """Search the latent space at random (Table 6), beside drawing from the space uniformly.

    Values are looked up where the file has the whole space, and else predicted by a Gaussian process.
    """
    with _evaluation(out) as report:
        from models.evaluation.pages import write_random
        from models.evaluation.random_search import covers, look_up, search_randomly

        subject = _subject(checkpoint, folder, device)
        measured = _measured(data, subject, report)
        labels = _labels(measured, metric)
        is_table = covers(labels, subject.autoencoder.space)
        value = look_up(labels) if is_table else _score(Predictor.process, subject, labels, seed, report)
        curves = search_randomly(subject.autoencoder, value, count, range(seed, seed + runs), report)
        facts = {**subject.facts, "data": measured.source, "seed": seed, "num_architectures": count, "num_runs": runs}
        write_random(out, facts, curves, labels.metric, is_table)
    _say(out / "random.md", f"best value {curves.latent.max():.4g}")


@app.command()
def injectivity(
    checkpoint: Checkpoint,
    out: Results,
    graphs: Annotated[int, typer.Option(min=2, help="At most so many architectures are compared; a million is all.")] = 20_000,
    relabellings: Annotated[int, typer.Option(min=1, help="So many architectures are relabelled.")] = 1000,
    seed: Seed = 0,
    device: Device = "auto",
    folder: ModelsFolder = FOLDER,
) -> None:
    """Whether isomorphic graphs get equal latents, and how near others come (Section 3.4)."""
    with _evaluation(out) as report:
        from models.evaluation.injectivity import closest_pair, gather, largest_relabelling_difference
        from models.evaluation.pages import write_injectivity

        subject = _subject(checkpoint, folder, device)
        autoencoder = subject.autoencoder
        compared = gather(autoencoder.space, graphs, seed)
        relabelled = gather(autoencoder.space, relabellings, seed)
        difference = largest_relabelling_difference(autoencoder, relabelled, seed)
        report("encoding", 0, 1)
        latents = autoencoder.encode(compared).mean
        report("encoding", 1, 1)
        pair = closest_pair(compared, latents, report)
        write_injectivity(out, {**subject.facts, "seed": seed}, difference, pair, len(relabelled), len(compared))
    _say(out / "injectivity.md", f"relabelling changes {difference:.1e} at most; the nearest two are {pair.distance:.4g} apart")


@contextmanager
def _evaluation(out: Path) -> Iterator["Report"]:
    """The folder made, matplotlib there, refusals shown, and a bar for each stage on standard error."""
    from models.evaluation.figures import require_matplotlib

    with refusals():
        require_matplotlib()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"cannot make the folder '{out}': {error.strerror}; name another with --out") from error
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield _Stages(progress).show


class _Stages:
    """One bar for each stage, in the order in which they are first heard of."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._names: list[str] = []

    def show(self, stage: str, done: int, total: int) -> None:
        if stage not in self._names:
            self._names.append(stage)
            self._progress.add_task(stage, total=total)
        self._progress.update(self._progress.task_ids[self._names.index(stage)], completed=done, total=total)


def _subject(checkpoint: str, folder: Path, device: str) -> "Subject":
    from models.evaluation.subject import load_subject
    from service.workers.model_host import choose_device

    return load_subject(checkpoint, choose_device(device), *model_folders(folder))


def _measured(data: Path | None, subject: "Subject", report: "Report") -> "MeasuredArchitectures":
    from models.datasets.loading import load_measured

    if data is None:
        raise ValueError(
            f"measured architectures of '{subject.card.space}' are needed; give their file with --data (docs/data.md says where "
            "the public ones come from)"
        )
    return load_measured(data, subject.autoencoder.space, progress=lambda done, total: report("reading the data", done, total))


def _labels(measured: "MeasuredArchitectures", metric: str | None) -> "Labelled":
    from models.evaluation.labels import choose_metric, labelled

    return labelled(measured, choose_metric(measured, metric))


def _score(predictor: Predictor, subject: "Subject", labels: "Labelled", seed: int, report: "Report") -> "Score":
    from models.evaluation.scoring import score_by_network, score_by_process

    by = {Predictor.process: score_by_process, Predictor.network: score_by_network}
    return by[predictor](subject.autoencoder, labels, seed, report)


def _say(page: Path, figures: str) -> None:
    typer.echo(f"{page}: {figures}")
