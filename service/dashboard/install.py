"""Where the dashboard joins the service."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.dashboard.gate import Gate
from service.dashboard.paths import ROOT
from service.settings import Settings


def install_dashboard(app: FastAPI, settings: Settings) -> None:
    """Serve the dashboard below `/dashboard/`; Dash is loaded at the first visit."""
    app.mount(ROOT, Gate(_build, settings.needs_keys), name="dashboard")


def _build() -> tuple[ASGIApp, Sequence[str]]:
    from service.dashboard.application import build

    return build()
