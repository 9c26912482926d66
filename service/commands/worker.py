"""`svge worker`: the model worker on a Ray cluster. What is deployed is in `service/workers/ray_replicas.py`."""

import typer

from models.pretrained.catalogue import read_cards
from service.commands.documents import refusals
from service.commands.settings import read_settings

app = typer.Typer(no_args_is_help=True, help="The model worker on a Ray cluster.")


@app.callback()
def worker() -> None:
    """The model worker on a Ray cluster."""


@app.command()
def deploy() -> None:
    """Deploy it on the cluster at SVGE_RAY_ADDRESS, or replace the one that is there without a pause.

    The SVGE_RAY_… settings say how many replicas there are and what each takes. SVGE_DEVICE, SVGE_MODELS_FOLDER and
    SVGE_UPLOADS_FOLDER are those of the replicas: every machine of the cluster has to have this program and these folders.
    """
    with refusals():
        settings = read_settings({})
        cards = read_cards(*settings.model_folders)
        try:
            from service.workers.ray_application import deploy as deploy_on_ray
        except ImportError as error:
            raise ValueError(f"Ray is not installed ({error}); install it: pip install 'svge-search[ray]'") from error
        typer.echo(f"deploying on {settings.ray_address}, until the replicas are ready")
        try:
            deploy_on_ray(settings)
        except (OSError, RuntimeError) as error:
            raise ValueError(
                f"cannot deploy on {settings.ray_address}: {error}; see that 'ray start --head' runs there, set SVGE_RAY_ADDRESS "
                "and, where the cluster asks for a token, RAY_AUTH_TOKEN"
            ) from error
    names = ", ".join(card.name for card in cards)
    typer.echo(f"deployed {names or 'no checkpoints yet'}; serve with SVGE_WORKER=ray svge serve")
