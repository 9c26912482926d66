"""`svge train`: a new checkpoint for a space. The work is `models/evaluation/pretraining.py`, loaded when the command runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.spaces.registry import get_space
from service.commands.documents import Device, refusals

if TYPE_CHECKING:
    from models.svge.training import TrainingStep


def train(
    space: Annotated[str, typer.Option(help="A search space; 'svge space list' names them.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="The checkpoint to write, NAME.safetensors; NAME.json beside it is its card.", show_default=False)
    ],
    steps: Annotated[int, typer.Option(min=1, help="Batches to train on; 8,000 take about an hour on two cores.")] = 8000,
    batch_size: Annotated[int, typer.Option(min=1, help="Architectures in a batch.")] = 128,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="The highest rate, after the warm-up.")] = 1.5e-3,
    graphs: Annotated[int, typer.Option(min=10, help="Samples to train on, for spaces too large to list.")] = 200_000,
    width: Annotated[int, typer.Option(min=1, help="Width of node states, messages and hidden layers.")] = 250,
    latent_size: Annotated[int, typer.Option(min=1, help="Dimensions of the latent space.")] = 56,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the weights and the batches.")] = 0,
    device: Device = "auto",
    run_folder: Annotated[
        Path | None, typer.Option(help="Where the run's state is kept.", show_default="runs/ and the checkpoint's name")
    ] = None,
) -> None:
    """Train an SVGe on a search space, and measure what it can do.

    A run that was stopped goes on where it was when the same command is given again. 'svge serve' finds checkpoints in
    models/pretrained, or in the folder that SVGE_MODELS_FOLDER names.
    """
    from models.evaluation.pretraining import Pretraining, pretrain
    from models.svge.config import SVGeConfig
    from models.svge.training import TrainingConfig, TrainingDiverged
    from service.workers.model_host import choose_device

    with refusals():
        if out.suffix != ".safetensors":
            raise ValueError(f"expected a checkpoint name that ends in .safetensors, got '{out.name}'")
        model = SVGeConfig(node_size=width, message_size=width, hidden_size=width, latent_size=latent_size)
        training = TrainingConfig(num_steps=steps, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
        run = Pretraining(model, training, run_folder or Path("runs") / out.stem, out, graphs)
        with _Bar(steps) as bar:
            try:
                abilities = pretrain(get_space(space), run, choose_device(device), bar.show)
            except TrainingDiverged as error:
                raise ValueError(str(error)) from error
    typer.echo(
        f"{out}: of held-out architectures {abilities.reconstruction:.2f}% come back from sampled latents and "
        f"{abilities.reconstruction_greedy:.2f}% from means; {abilities.validity_free:.2f}% of free decodings are valid"
    )


class _Bar:
    """The progress bar of a run, on standard error."""

    def __init__(self, steps: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("preparing", total=steps)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._progress.stop()

    def show(self, step: "TrainingStep") -> None:
        description = f"loss {step.total:.3f}, {step.graphs_per_second:.0f} graphs/s"
        self._progress.update(self._task, completed=step.step, description=description)
