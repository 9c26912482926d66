"""`svge models`: the checkpoints of a catalogue."""

import typer
from rich.console import Console
from rich.table import Table

from models.pretrained.catalogue import FOLDER, read_cards
from service.commands.documents import ModelsFolder, refusals
from service.commands.settings import model_folders


def models(
    folder: ModelsFolder = FOLDER,
) -> None:
    """List the trained checkpoints that studies can use."""
    with refusals():
        cards = read_cards(*model_folders(folder))
    if not cards:
        typer.echo(f"no checkpoints in {folder}; train one with 'svge train'")
        return
    table = Table("model", "space", "latent size", "size", "hash")
    for card in cards:
        table.add_row(card.name, card.space, str(card.latent_size), f"{card.path.stat().st_size / 1e6:.1f} MB", card.hash[:16])
    Console().print(table)
