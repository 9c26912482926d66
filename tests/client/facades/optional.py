"""Packages that a user may not have: their tests are left out then, and fail with `CI=true`."""

import importlib
import os
from types import ModuleType

import pytest


def needed(name: str, extra: str) -> ModuleType:
    """The module, or the end of the test module or test that needs it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        reason = f"'{name}' is not installed, so what needs it is not checked; pip install 'svge-client[{extra}]'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason, allow_module_level=True)
