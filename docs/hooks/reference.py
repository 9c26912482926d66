"""Pages of the site that are made of the program itself, and links that leave the documents.

MkDocs calls the `on_…` functions: `api.md` is made of the OpenAPI document, `settings.md` of the settings. A link to a file of the
repository outside `docs/` becomes the file's name, since the site has no such page.
"""

import re
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic_core import PydanticUndefined

from models.pretrained.catalogue import FOLDER
from service.app import create_app
from service.settings import Settings

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")
_VERBS = ("get", "post", "put", "patch", "delete")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, text in {"api.md": api_page(), "settings.md": settings_page()}.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return _OUTSIDE.sub(lambda link: f"{link[1]} (`{link[2].removeprefix('../')}` in the repository)", markdown)


def settings_page() -> str:
    """One row a setting."""
    rows = [
        f"| `SVGE_{name.upper()}` | {_shown(field.get_default(call_default_factory=True))} | {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    ]
    head = ["# Settings", "", "Environment variables.", "", "| variable | default | what |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def _shown(default: Any) -> str:
    if default is PydanticUndefined or default in (None, ""):
        return ""
    return "the shipped ones" if default == FOLDER else f"`{default}`"


def api_page() -> str:
    """A section for each operation, in the order of the document, under the headings of their tags."""
    app = create_app(Settings(), worker=None)  # type: ignore[arg-type]  # nothing is computed
    document = app.openapi()
    lines = [
        "# HTTP API",
        "",
        "A server documents itself at `/docs`; machines read `/openapi.json`. Errors are problem documents: [errors](errors.md).",
    ]
    tag = None
    for path, operations in document["paths"].items():
        for verb in (verb for verb in _VERBS if verb in operations):
            operation = operations[verb]
            first = next(iter(operation.get("tags", ["service"])))
            if first != tag:
                tag = first
                lines += ["", f"## {tag.capitalize()}"]
            lines += ["", *_operation(document, verb, path, operation)]
    return "\n".join(lines) + "\n"


def _operation(document: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### `{verb.upper()} {path}`"
    yield ""
    yield operation.get("description", operation["summary"])
    parameters = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
    fields = list(_fields(document, operation))
    if parameters or fields:
        yield from ("", "| name | in | needed | what |", "| --- | --- | --- | --- |")
        for parameter in parameters:
            what = _cell(parameter.get("description", ""))
            yield f"| `{parameter['name']}` | query | {'yes' if parameter.get('required') else ''} | {what} |"
        yield from fields
    yield ""
    yield f"Answers {', '.join(code for code in operation['responses'] if code.isdigit())}."


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """The fields of a JSON object that the operation reads."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, {})
    for field, about in schema.get("properties", {}).items():
        needed = "yes" if field in schema.get("required", []) else ""
        yield f"| `{field}` | body | {needed} | {_cell(about.get('description', ''))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
