"""The OpenAPI document: stable operation ids, the problem schema on every operation, and pages that need no network."""

from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from service.api.problems import MEDIA_TYPE, FaultSchema, Problem
from service.studies.replays import HEADER

ASSETS = "/docs-assets"

_KEY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    # No example: pages for trying requests out would send it with all of them, and a key belongs to one.
    "description": "A new UUID each time. The same request again under its key gets the stored answer; another one is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}

_KEYS = "A key made by `svge keys create`; on the machine's own address none is needed."

Responses = dict[int | str, dict[str, Any]]


def operation_id(route: APIRoute) -> str:
    """The name of the route's function, which therefore never changes."""
    return route.name


def example(status: int, value: Any) -> Responses:
    """What a route adds to its documentation: an example of its JSON answer."""
    return {status: {"content": {"application/json": {"example": value}}}}


def install_openapi(app: FastAPI) -> None:
    """Give the application its document at `/openapi.json`, and its pages at `/docs` and `/redoc`; `/` leads to the dashboard."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    app.mount(ASSETS, StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static"), name="docs-assets")
    app.add_api_route("/docs", swagger_page, include_in_schema=False)
    app.add_api_route("/redoc", redoc_page, include_in_schema=False)
    app.add_api_route("/", front_page, include_in_schema=False)


async def swagger_page() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="SVGe Search",
        swagger_js_url=f".{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f".{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f".{ASSETS}/favicon.png",
    )


async def redoc_page() -> HTMLResponse:
    return get_redoc_html(
        openapi_url="openapi.json",
        title="SVGe Search",
        redoc_js_url=f".{ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f".{ASSETS}/favicon.png",
        with_google_fonts=False,
    )


async def front_page() -> RedirectResponse:
    return RedirectResponse("dashboard/")


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    template = "#/components/schemas/{model}"
    problem = Problem.model_json_schema(ref_template=template)
    problem.pop("$defs")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": problem, "FaultSchema": FaultSchema.model_json_schema(ref_template=template)}
    content = {MEDIA_TYPE: {"schema": {"$ref": template.format(model="Problem")}, "example": problem["examples"][0]}}
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "description": _KEYS}}
    document["security"] = [{"bearer": []}, {}]
    for path in document["paths"].values():
        if "post" in path:
            path["post"].setdefault("parameters", []).append(_KEY_PARAMETER)
        for operation in path.values():
            operation["responses"]["default"] = {"description": "A problem; its `code` says which.", "content": content}
            operation["responses"].pop("422", None)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document
