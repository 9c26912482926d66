"""The settings of a command, the environment and what its options say instead, and the space that follows from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.pretrained.catalogue import find_space
from models.spaces.registry import open_space
from models.spaces.space import SearchSpace, UnknownSpace
from service.settings import Settings


def read_settings(given: Mapping[str, Any]) -> Settings:
    """The settings, where an option that is not None wins. Raises `ValueError`, one line, for values that break a rule."""
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ValueError(f"a setting is wrong: {faults}; correct the option or the SVGE_ variable") from error


def model_folders(models_folder: Path) -> tuple[Path, ...]:
    """The folder and the one for uploads. Raises `ValueError` as `read_settings` does."""
    return read_settings({"models_folder": models_folder}).model_folders


def chosen_space(name: str, models_folder: Path) -> SearchSpace:
    """A space that is always there, that of a YAML file, or one that somebody has added.

    Raises `ValueError`: `UnknownSpace` and `InvalidDefinition` among them.
    """
    try:
        return open_space(name)
    except UnknownSpace:
        pass
    try:
        return find_space(name, *model_folders(models_folder))
    except UnknownSpace as error:
        raise UnknownSpace(f"{error}, or a YAML file of your own") from error
