"""`svge train`: a new checkpoint for a space. The work is `models/evaluation/pretraining.py`, loaded when the command runs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.pretrained.catalogue import FOLDER
from models.spaces.space import SearchSpace
from service.commands.documents import Device, ModelsFolder, refusals
from service.commands.settings import chosen_space

if TYPE_CHECKING:
    from models.evaluation.pretraining import Pretraining
    from models.svge.graph_model import ModelConfig
    from models.svge.training import TrainingStep


class Kind(StrEnum):
    svge = "svge"
    gin = "gin"
    dvae = "dvae"


class Precision(StrEnum):
    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


SpaceOption = Annotated[
    str, typer.Option(help="A search space, which 'svge space list' names, or the YAML file of one.", show_default=False)
]
Out = Annotated[
    Path, typer.Option(help="The checkpoint to write, NAME.safetensors; NAME.json beside it is its card.", show_default=False)
]
Data = Annotated[
    Path | None, typer.Option(help="File of architectures to train on; docs/data.md lists the forms.", show_default="the space")
]
KindOption = Annotated[Kind, typer.Option(help="SVGe, SVGe with a GIN encoder, or D-VAE.")]
Triplets = Annotated[bool, typer.Option("--triplets", help="Add the triplet loss: similar graphs to nearby latents.")]
Start = Annotated[Path | None, typer.Option(help="Checkpoint of the same sizes whose weights to begin with.", show_default=False)]
Steps = Annotated[int, typer.Option(min=1, help="Batches to train on; 3,000 take 15 to 40 minutes on one core.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Architectures in a batch.")]
MatrixRate = Annotated[float, typer.Option(min=0.0, help="The highest rate of the hidden layers' matrices, by Muon.")]
LearningRate = Annotated[float, typer.Option(min=0.0, help="The highest rate of all else, by AdamW.")]
KlWeight = Annotated[
    float | None, typer.Option(min=0.0, help="Weight of the divergence from the prior.", show_default="the kind's own")
]
Patience = Annotated[
    int | None, typer.Option(min=1, help="Stop after so many validations without a better one.", show_default="never")
]
Graphs = Annotated[int, typer.Option(min=10, help="Samples to train on, for spaces too large to list.")]
Width = Annotated[
    int | None, typer.Option(min=1, help="Width of node states, messages and hidden layers.", show_default="the kind's own")
]
LatentSize = Annotated[int, typer.Option(min=1, help="Dimensions of the latent space.")]
PrecisionOption = Annotated[Precision, typer.Option(help="Of matrix products; auto takes the device's fastest.")]
Tensorboard = Annotated[bool, typer.Option("--tensorboard", help="Also write event files into the run's folder.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the split, the weights and the batches.")]
Ray = Annotated[
    str | None, typer.Option(help="Train on the Ray cluster at this address, 'auto' for that of this machine.", show_default=False)
]
RayWorkers = Annotated[int, typer.Option(min=1, max=10_000, help="Processes that train together on Ray, with a GPU each on CUDA.")]
RunFolder = Annotated[
    Path | None, typer.Option(help="Where the run's state and log are kept.", show_default="runs/ and the checkpoint's name")
]


def train(
    space: SpaceOption,
    out: Out,
    data: Data = None,
    kind: KindOption = Kind.svge,
    triplets: Triplets = False,
    start: Start = None,
    steps: Steps = 3000,
    batch_size: BatchSize = 128,
    matrix_rate: MatrixRate = 0.01,
    learning_rate: LearningRate = 1e-3,
    kl_weight: KlWeight = None,
    patience: Patience = None,
    graphs: Graphs = 200_000,
    width: Width = None,
    latent_size: LatentSize = 56,
    precision: PrecisionOption = Precision.auto,
    tensorboard: Tensorboard = False,
    seed: Seed = 0,
    device: Device = "auto",
    run_folder: RunFolder = None,
    ray: Ray = None,
    ray_workers: RayWorkers = 1,
    models_folder: ModelsFolder = FOLDER,
) -> None:
    """Train a graph autoencoder on a search space, and measure what it can do.

    A run that was stopped goes on where it was when the same command is given again. Several processes train together under
    'torchrun --nproc-per-node 2 --no-python svge train …', or on a cluster with --ray (docs/ray.md). 'svge serve' finds
    checkpoints in models/pretrained and in data/models, or in the folders that SVGE_MODELS_FOLDER and SVGE_UPLOADS_FOLDER name.
    """
    with refusals():
        from models.evaluation.pretraining import Pretraining
        from models.svge.training import TrainingConfig

        _check_out(out)
        chosen = chosen_space(space, models_folder)
        model = _config(kind.value, chosen, width, latent_size, kl_weight)
        training = TrainingConfig(
            steps, batch_size, matrix_rate, learning_rate, precision=precision.value, seed=seed, patience=patience
        )
        folder = run_folder or Path("runs") / out.stem
        run = Pretraining(model, training, folder, out, data, start, triplets, graphs, tensorboard=tensorboard)
        _pretrain(chosen, run, device) if ray is None else _pretrain_on_ray(chosen, run, device, ray, ray_workers)


def _check_out(out: Path) -> None:
    """Make the folder that the checkpoint goes to. Raises `ValueError` where it cannot, and for a name of another kind."""
    if out.suffix != ".safetensors":
        raise ValueError(f"expected a checkpoint name that ends in .safetensors, got '{out.name}'")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot make the folder '{out.parent}': {error.strerror}; name another with --out") from error


def _pretrain(space: SearchSpace, run: "Pretraining", device: str) -> None:
    from models.evaluation.pretraining import pretrain
    from models.svge.distributed import join_workers
    from models.svge.training import TrainingDiverged
    from service.workers.model_host import choose_device

    with join_workers(choose_device(device)) as workers, _Bar(run.training.num_steps, workers.leads) as bar:
        try:
            abilities = pretrain(space, run, workers, bar.show_step, bar.show_stage)
        except TrainingDiverged as error:
            raise ValueError(str(error)) from error
    if abilities is not None:
        typer.echo(
            f"{run.checkpoint}: of held-out architectures {abilities.reconstruction:.2f}% come back from sampled latents and "
            f"{abilities.reconstruction_greedy:.2f}% from means; {abilities.validity_free:.2f}% of free decodings are valid"
        )


def _pretrain_on_ray(space: SearchSpace, run: "Pretraining", device: str, address: str, workers: int) -> None:
    try:
        from models.evaluation.ray_training import TrainingFailed, pretrain_on_ray
    except ImportError as error:
        raise ValueError(f"Ray is not installed ({error}); install it: pip install 'svge-search[ray-training]'") from error
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"expected the device 'auto', 'cpu' or 'cuda' for Ray, which chooses among GPUs, got '{device}'")
    typer.echo(f"training with {workers} workers at {address}; the figures go to {run.folder / 'log.jsonl'}")
    try:
        pretrain_on_ray(space, run, address, workers, None if device == "auto" else device == "cuda")
    except (TrainingFailed, ConnectionError) as error:
        raise ValueError(str(error)) from error
    typer.echo(f"{run.checkpoint}: its card says what it can do")


def _config(kind: str, space: SearchSpace, width: int | None, latent_size: int, kl_weight: float | None) -> "ModelConfig":
    """The published sizes of a kind, but for what was given. The width is that of every layer that has one in the config."""
    from dataclasses import asdict

    from models.autoencoders.kinds import published_config, read_config

    values = asdict(published_config(kind, space))
    values["latent_size"] = latent_size
    if width is not None:
        widths = ("node_size", "message_size", "hidden_size", "gin_size", "state_size")
        values.update({name: width for name in widths if name in values})
    if kl_weight is not None:
        values["kl_weight"] = kl_weight
    return read_config(kind, values)


class _Bar:
    """The progress bar of a run, on standard error."""

    def __init__(self, steps: int, shown: bool) -> None:
        self._steps = steps
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not shown,
        )
        self._task = self._progress.add_task("preparing", total=None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._progress.stop()

    def show_step(self, step: "TrainingStep") -> None:
        description = f"loss {step.total:.3f}, {step.graphs_per_second:.0f} graphs/s"
        self._progress.update(self._task, completed=step.step, total=self._steps, description=description)

    def show_stage(self, stage: str, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total, description=stage)
