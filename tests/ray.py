"""What needs Ray is skipped without it, and fails with `CI=true`."""

import importlib.util
import os

import pytest


def needs_ray() -> None:
    """Skip the test without Ray, and fail it with `CI=true`."""
    if importlib.util.find_spec("ray") is None:
        reason = "Ray is not installed, so that nothing is checked on it; pip install 'svge-search[ray]'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
