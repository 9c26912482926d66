"""Adding to what can be searched: a space by its definition, a model by its checkpoint. Listing them is `catalogue.py`."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import anyio.to_thread
import yaml
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect

from models.architectures.architecture import Fault
from models.spaces.definition import Definition, InvalidDefinition, parse_definition, parse_yaml
from service.api.dependencies import ContextDep
from service.api.openapi import Responses, example
from service.api.schemas.catalogue import MINE, MODEL, MY_SPACE, ModelSchema, SpaceSchema, model_schema, space_schema
from service.api.schemas.fields import Schema
from service.errors import BodyTooLarge, InvalidRequest, UnsupportedBody
from service.studies import uploads
from service.studies.catalogue import all_models

router = APIRouter(tags=["catalogue"])

ModelName = Annotated[
    str,
    Path(
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Lower-case letters, digits, '_' and '-', a letter first.",
        examples=["mine"],
    ),
]
Sha256 = Annotated[
    str | None, Query(pattern=r"^[0-9a-f]{64}$", description="The hash that the file must have.", examples=["0f" * 32])
]

_LONGEST_DEFINITION = 64 * 1024
_JSON, _YAML = "application/json", ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_DEFINITION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": {"type": "object"}, "examples": {"mine": {"value": MINE}}},
            _YAML[0]: {"schema": {"type": "string"}, "examples": {"mine": {"value": yaml.safe_dump(MINE, sort_keys=False)}}},
        },
    }
}
_WEIGHTS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "examples": {"mine": {"summary": "A safetensors file.", "externalValue": "mine.safetensors"}},
            }
        },
    }
}


def _stored(schema: type[Schema], shown: Any) -> Responses:
    """What a route documents that answers 201 for something new and 200 for what is there already."""
    known: dict[str, Any] = {"model": schema, "description": "It is there already, the same."}
    return example(201, shown) | {200: known | example(200, shown)[200]}


@router.post(
    "/spaces", status_code=201, response_model=SpaceSchema, responses=_stored(SpaceSchema, MY_SPACE), openapi_extra=_DEFINITION
)
async def upload_space(context: ContextDep, request: Request, response: Response) -> SpaceSchema:
    """Add a search space by its definition, in JSON or YAML. The same one again changes nothing and is answered with 200."""
    definition = await anyio.to_thread.run_sync(_definition, _media_type(request), await request.body())
    space, is_new = await uploads.upload_space(context, definition)
    response.status_code = 201 if is_new else 200
    return await anyio.to_thread.run_sync(space_schema, space, all_models(context.settings.model_folders))


@router.put(
    "/models/{name}", status_code=201, response_model=ModelSchema, responses=_stored(ModelSchema, MODEL), openapi_extra=_WEIGHTS
)
async def upload_model(
    context: ContextDep, name: ModelName, request: Request, response: Response, sha256: Sha256 = None
) -> ModelSchema:
    """Add a model by its checkpoint, a safetensors file that `svge train` wrote, once it has proved to work.

    The same one again changes nothing and is answered with 200.
    """
    uploads.check_size(int(request.headers.get("Content-Length", 0)), context.settings)
    card, is_new = await uploads.upload_model(context, name, _parts(request), sha256)
    response.status_code = 201 if is_new else 200
    return model_schema(card)


@router.delete("/models/{name}", status_code=204)
async def delete_model(context: ContextDep, name: str) -> None:
    """Delete a model that was uploaded and that no study is pinned to, for good."""
    await uploads.delete_model(context, name)


async def _parts(request: Request) -> AsyncIterator[bytes]:
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect as error:
        raise InvalidRequest([Fault("", "the body broke off; send it again")]) from error


def _media_type(request: Request) -> str:
    """Raises `UnsupportedBody` for what is neither JSON nor YAML."""
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given not in (_JSON, *_YAML):
        message = f"expected the header 'Content-Type: {_JSON}' or '{_YAML[0]}', got '{given:.80}'; say which of them the body is"
        raise UnsupportedBody(message)
    return given


def _definition(media_type: str, body: bytes) -> Definition:
    """Raises `BodyTooLarge`, `InvalidRequest` for the field at fault, and `RequestValidationError` for what is no JSON."""
    if len(body) > _LONGEST_DEFINITION:
        raise BodyTooLarge(f"expected a definition of at most {_LONGEST_DEFINITION} bytes, got {len(body)}; shorten it")
    try:
        if media_type == _JSON:
            return parse_definition(json.loads(body, object_pairs_hook=_object))
        return parse_yaml(body.decode())
    except InvalidDefinition as error:
        raise InvalidRequest([Fault(error.pointer, str(error))]) from error
    except json.JSONDecodeError as error:
        raise _no_json(error.msg, error.pos) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest([Fault("", f"expected text in UTF-8, got another byte at {error.start}; save it as UTF-8")]) from error
    except (ValueError, RecursionError) as error:
        raise _no_json("it holds more levels or digits than any definition", 0) from error


def _object(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Raises `InvalidDefinition` for a field that is given twice, of which JSON would take the last."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InvalidDefinition("a field is given twice; keep one")
    return fields


def _no_json(reason: str, place: int) -> RequestValidationError:
    return RequestValidationError([{"type": "json_invalid", "loc": ("body", place), "ctx": {"error": reason}}])
