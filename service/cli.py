"""The program `svge`. Each command is in `service/commands` and is loaded when it is used, so that none waits for what another one
needs; none loads torch before it has work for it.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

HERE, SERVER = "This machine", "A server, this machine's or another"
COMMANDS = {
    "serve": (HERE, "serve:serve"),
    "train": (HERE, "train:train"),
    "evaluate": (HERE, "evaluate:app"),
    "encode": (HERE, "coding:encode"),
    "decode": (HERE, "coding:decode"),
    "draw": (HERE, "draw:draw"),
    "space": (HERE, "spaces:app"),
    "models": (HERE, "models:models"),
    "db": (HERE, "database:app"),
    "keys": (HERE, "keys:app"),
    "study": (SERVER, "study:app"),
    "trial": (SERVER, "trial:app"),
    "latent": (SERVER, "latent:app"),
    "model": (SERVER, "model:app"),
    "server": (SERVER, "server:app"),
}
"""By name: the part of the help where a command stands, and its module and name there."""


class LazyGroup(TyperGroup):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)


app = typer.Typer(name="svge", cls=LazyGroup, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.callback()
def svge() -> None:
    """SVGe Search: a service that proposes neural architectures. Start with 'svge serve'."""


def _load(name: str) -> Any:
    panel, place = COMMANDS[name]
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"service.commands.{module}"), attribute)
    holder = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, rich_help_panel=panel)
    else:
        holder.command(name, rich_help_panel=panel)(found)
    return get_group(holder).commands[name]


if __name__ == "__main__":
    app()
