"""`svge latent …`: the latent space of a server's study or model. Without a server: `svge encode` and `svge decode`."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from svge_client import DecodedPoint

from service.commands import tables
from service.commands.coding import Form, Mode
from service.commands.documents import STANDARD_INPUT, Out, Source, write_text
from service.commands.graphs import read_graphs
from service.commands.remote import Session, remote, study_names

app = typer.Typer(no_args_is_help=True, help="The latent space on a server: encode architectures, decode points.")

Study = Annotated[str | None, typer.Option(help="That of a study.", autocompletion=study_names, show_default=False)]
Model = Annotated[str | None, typer.Option(help="That of a checkpoint, by name or hash.", show_default=False)]


@remote(app, "encode")
def encode(
    server: Session,
    source: Source = STANDARD_INPUT,
    study: Study = None,
    model: Model = None,
    space: Annotated[str | None, typer.Option(help="That of a search space's own model.", show_default=False)] = None,
) -> None:
    """Map architectures to latent points: mean and std of the posterior, and the canonical id."""
    if sum(one is not None for one in (study, model, space)) != 1:
        raise ValueError("name the latent space by exactly one of --study, --model and --space")
    graphs = read_graphs(server.client, source, space or _space(server, study, model))
    server.show(server.client.encode(graphs, study=study, model=model), tables.latents_table)


@remote(app, "decode")
def decode(
    server: Session,
    z: Annotated[list[str] | None, typer.Option(help="A latent point, its numbers joined by commas; may be repeated.")] = None,
    trial: Annotated[str | None, typer.Option(help="The point of a trial, by its id.", show_default=False)] = None,
    random: Annotated[int | None, typer.Option(min=1, help="So many points of the prior.", show_default=False)] = None,
    start: Annotated[str | None, typer.Option("--from", help="The points of a line from here …", show_default=False)] = None,
    end: Annotated[str | None, typer.Option("--to", help="… to here …", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(min=2, help="… so many, both ends with them.", show_default="9")] = None,
    study: Study = None,
    model: Model = None,
    samples: Annotated[int, typer.Option(min=1, help="Decodings of each point.")] = 10,
    mode: Annotated[Mode, typer.Option(help="Draw from what a point may mean, or take the likeliest.")] = Mode.sampled,
    seed: Annotated[int, typer.Option(min=0, help="Of the random points and of the sampling.")] = 0,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="A picture, a Graphviz graph, or the likeliest as a PyTorch module.", show_default="table"),
    ] = None,
    out: Out = None,
) -> None:
    """Map latent points to the distinct architectures around each."""
    scope: dict[str, Any] = {"study": study, "model": model, "samples": samples, "mode": mode.value, "seed": seed}
    points = [_point(text, "--z") for text in z or ()]
    if len(points) > 1:
        if form not in (None, Form.json) or trial or random or start:
            raise ValueError("several --z are decoded to a table or --json alone, and beside no other points; give one --z")
        around = server.client.decode(points, **scope)
        server.show([DecodedPoint(tuple(p), a) for p, a in zip(points, around, strict=True)], tables.decodings_table)
        return
    where: dict[str, Any] = {"z": points[0] if points else None, "trial": trial, "random": random, "steps": steps}
    where |= {"start": start and _point(start, "--from"), "end": end and _point(end, "--to")}
    if form in (None, Form.json):
        server.show(server.client.decode_at(**where, **scope), tables.decodings_table)
    else:
        write_text(server.client.decode_as(form.value, **where, **scope), out)


def _space(server: Session, study: str | None, model: str | None) -> str:
    if study is not None:
        return server.client.study(study).space
    for one in server.client.models():
        if model in (one.name, one.hash):
            return one.space
    raise ValueError(f"the server has no model '{model}'; 'svge server models' lists them")


def _point(text: str, option: str) -> Sequence[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError as error:
        raise ValueError(f"expected {option} to be numbers joined by commas, got '{text[:80]}'") from error
