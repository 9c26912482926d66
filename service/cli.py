"""The program `svge`. Each command is in `service/commands` and is loaded when it is used, so that none waits for what another one
needs; none loads torch before it has work for it.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

HERE, SERVER = "This machine", "A server, this machine's or another"
COMMANDS = {
    "serve": (HERE, "serve:serve", "Serve studies over HTTP until Ctrl-C."),
    "train": (HERE, "train:train", "Train a graph autoencoder on a search space, and measure what it can do."),
    "evaluate": (HERE, "evaluate:app", "Measure what a checkpoint can do, beside the published figures."),
    "encode": (HERE, "coding:encode", "Map architectures to latent points, without a server."),
    "decode": (HERE, "coding:decode", "Map latent points to architectures, without a server."),
    "draw": (HERE, "draw:draw", "Draw an architecture of a file, or a trial of a server, as SVG or PNG."),
    "space": (HERE, "spaces:app", "List search spaces, sample them, draw architectures; bring one to a server."),
    "models": (HERE, "models:models", "List the trained checkpoints that studies can use."),
    "db": (HERE, "database:app", "Look after the database."),
    "keys": (HERE, "keys:app", "Make, list and revoke keys to the API."),
    "worker": (HERE, "worker:app", "Deploy the model worker on a Ray cluster."),
    "study": (SERVER, "study:app", "Make, watch and change studies, and get what is in them."),
    "trial": (SERVER, "trial:app", "Look at trials, ask for one, report its result."),
    "latent": (SERVER, "latent:app", "Encode architectures and decode points of the latent space."),
    "model": (SERVER, "model:app", "Bring checkpoints to a server, or delete them there."),
    "server": (SERVER, "server:app", "Ask whether a server works, for its build, its spaces and models."),
}
"""By name: the part of the help where a command stands, its module and name there, and what it does in a line."""


class LazyGroup(TyperGroup):
    """The commands of `COMMANDS`, of which the help tells without loading them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (panel, _, text) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text, rich_help_panel=panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)
        return name, None if found is None else load(str(name)), rest


app = typer.Typer(name="svge", cls=LazyGroup, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.callback()
def svge() -> None:
    """SVGe Search: a service that proposes neural architectures. Start with 'svge serve'."""


def load(name: str) -> Any:
    """The command of this name."""
    module, _, attribute = COMMANDS[name][1].partition(":")
    found = getattr(import_module(f"service.commands.{module}"), attribute)
    holder = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return get_group(holder).commands[name]


if __name__ == "__main__":
    app()
