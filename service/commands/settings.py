"""The settings of a command: the environment, and what its options say instead."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.settings import Settings


def read_settings(given: Mapping[str, Any]) -> Settings:
    """The settings, where an option that is not None wins. Raises `ValueError`, one line, for values that break a rule."""
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ValueError(f"a setting is wrong: {faults}; correct the option or the SVGE_ variable") from error
