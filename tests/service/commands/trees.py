"""The commands of the program with their options, as the program itself has them."""

from typing import Any

from service.cli import COMMANDS, load


def commands() -> dict[str, set[str]]:
    """The options of every command that does something, by its words after `svge`."""
    return {path: options for name in COMMANDS for path, options in _below(load(name), name).items()}


def _below(group: Any, path: str) -> dict[str, set[str]]:
    if not hasattr(group, "list_commands"):
        return {path: {option for parameter in group.params for option in parameter.opts if option.startswith("--")}}
    found: dict[str, set[str]] = {}
    for name in group.list_commands(None):
        found |= _below(group.get_command(None, name), f"{path} {name}")
    return found
