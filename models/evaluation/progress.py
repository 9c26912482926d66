"""How a long evaluation says where it is."""

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""Called with the name of a stage, how much of it is done, and how much there is."""


def silent(stage: str, done: int, total: int) -> None:
    """Reports to nobody."""
