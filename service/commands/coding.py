"""`svge encode` and `svge decode`: a checkpoint at work without a server. Torch is loaded when a command runs."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from models.architectures.formats import to_json
from models.architectures.gallery import decoded_groups, dot_gallery, draw_gallery
from models.networks.source.network_source import network_source
from models.pretrained.catalogue import FOLDER, Card, find_card, space_of
from service.commands.documents import (
    STANDARD_INPUT,
    Device,
    ModelsFolder,
    Out,
    Source,
    read_architectures,
    refusals,
    write_lines,
    write_text,
)
from service.commands.settings import model_folders

if TYPE_CHECKING:
    from service.workers.model_host import ModelHost
    from service.workers.worker import Decoding


class Mode(StrEnum):
    sampled = "sampled"
    greedy = "greedy"


class Form(StrEnum):
    json = "json"
    svg = "svg"
    dot = "dot"
    python = "python"


Model = Annotated[str, typer.Option(help="Name or hash of a checkpoint; 'svge models' lists them.", show_default=False)]


def encode(
    model: Model,
    source: Source = STANDARD_INPUT,
    folder: ModelsFolder = FOLDER,
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Map architectures to latent points: mean and std of the posterior, and the canonical id, one JSON object a line."""
    with refusals():
        card = find_card(model, *model_folders(folder))
        architectures = read_architectures(source, space_of(card))
        encodings = _host(card, device).encode(card.hash, architectures)
        lines = [{"canonical_id": one.canonical_id, "mean": list(one.mean), "std": list(one.std)} for one in encodings]
        write_lines(lines, out)


def decode(
    model: Model,
    z: Annotated[list[str] | None, typer.Option(help="A latent point, its numbers joined by commas; may be repeated.")] = None,
    random: Annotated[int, typer.Option(min=0, help="Also decode so many points of the prior.")] = 0,
    samples: Annotated[int, typer.Option(min=1, help="Decodings of each point.")] = 10,
    mode: Annotated[Mode, typer.Option(help="Draw from what a point may mean, or take the likeliest.")] = Mode.sampled,
    seed: Annotated[int, typer.Option(min=0, help="Of the random points and of the sampling.")] = 0,
    form: Annotated[
        Form, typer.Option("--format", help="JSON lines, one picture, one Graphviz graph, or the likeliest as a PyTorch module.")
    ] = Form.json,
    folder: ModelsFolder = FOLDER,
    device: Device = "auto",
    out: Out = None,
) -> None:
    """Map latent points to architectures: for each point its distinct decodings with frequency and round-trip distance."""
    from service.workers.decode_job import DecodeJob

    with refusals():
        card = find_card(model, *model_folders(folder))
        points = [_point(text, card) for text in z or ()]
        points += [tuple(row) for row in np.random.default_rng(seed).standard_normal((random, card.latent_size)).tolist()]
        if not points:
            raise ValueError("no latent point to decode; give --z or --random")
        (decoded,) = _host(card, device).decode(card.hash, [DecodeJob(tuple(points), samples, mode.value, seed)])
        if form is Form.json:
            write_lines([_line(point, around) for point, around in zip(points, decoded, strict=True)], out)
        else:
            write_text(_text(form, decoded), out)


def _line(point: tuple[float, ...], around: Sequence["Decoding"]) -> dict[str, Any]:
    architectures = [
        {
            "architecture": to_json(one.architecture),
            "canonical_id": one.canonical_id,
            "frequency": one.frequency,
            "round_trip_distance": one.round_trip_distance,
        }
        for one in around
    ]
    return {"latent": list(point), "architectures": architectures}


def _text(form: Form, decoded: Sequence[Sequence["Decoding"]]) -> str:
    if form is Form.python:
        if len(decoded) > 1:
            raise ValueError(f"expected one latent point for --format python, got {len(decoded)}; decode them one by one")
        return network_source(decoded[0][0].architecture)
    groups = decoded_groups([[(one.architecture, one.frequency) for one in around] for around in decoded])
    return draw_gallery(groups) if form is Form.svg else dot_gallery(groups)


def _host(card: Card, device: str) -> "ModelHost":
    from models.autoencoders.checkpoint import load_autoencoder
    from service.workers.model_host import ModelHost, choose_device

    chosen = choose_device(device)
    return ModelHost(lambda _: load_autoencoder(card.path, chosen))


def _point(text: str, card: Card) -> tuple[float, ...]:
    try:
        point = tuple(float(number) for number in text.split(","))
    except ValueError as error:
        raise ValueError(f"expected numbers joined by commas, got '{text[:80]}'") from error
    if len(point) != card.latent_size or not np.isfinite(point).all():
        raise ValueError(
            f"expected {card.latent_size} finite numbers for the model '{card.name}', got {len(point)} numbers: '{text[:80]}'"
        )
    return point
