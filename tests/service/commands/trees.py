"""The commands of the program with their options, as the program itself has them."""

from typing import Any

from typer.main import get_command

from service.cli import app


def commands() -> dict[str, set[str]]:
    """The options of every command that does something, by its words after `svge`."""
    return _below(get_command(app), "")


def _below(group: Any, path: str) -> dict[str, set[str]]:
    if not hasattr(group, "list_commands"):
        return {path.strip(): {option for parameter in group.params for option in parameter.opts if option.startswith("--")}}
    found: dict[str, set[str]] = {}
    for name in group.list_commands(None):
        found |= _below(group.get_command(None, name), f"{path} {name}")
    return found
