"""Encoding architectures and decoding latent points."""

import anyio.to_thread
from fastapi import APIRouter, Response

from service.api.decode_query import DecodeQueryDep, find_points
from service.api.dependencies import ContextDep, check_limit
from service.api.forms import check_points, decoded_response, documented
from service.api.negotiation import VARY, WantedDep
from service.api.openapi import example
from service.api.schemas.latents import (
    DECODED,
    ENCODED,
    PREDICTED,
    DecodeAnswer,
    DecodeRequest,
    EncodeAnswer,
    EncodeRequest,
    PredictAnswer,
    PredictRequest,
    decode_schema,
    encode_schema,
    predict_schema,
)
from service.api.scopes import scope_of
from service.studies import latents
from service.studies.latents import Sampling

router = APIRouter(tags=["latent space"])


@router.post("/encode", response_model=EncodeAnswer, responses=example(200, ENCODED))
async def encode(context: ContextDep, body: EncodeRequest) -> EncodeAnswer:
    """The latent posterior of each architecture, and the id that isomorphic architectures share."""
    check_limit(len(body.architectures), context.settings.max_batch, "/architectures", "architectures")
    scope = await scope_of(context, {"space": body.space, "model": body.model, "study": body.study})
    graphs = [architecture.graph() for architecture in body.architectures]
    return encode_schema(await latents.encode(context, scope, graphs, "/architectures"))


@router.post("/predict", response_model=PredictAnswer, responses=example(200, PREDICTED))
async def predict(context: ContextDep, body: PredictRequest) -> PredictAnswer:
    """What a study expects of each architecture, and whether it has tried it."""
    check_limit(len(body.architectures), context.settings.max_batch, "/architectures", "architectures")
    graphs = [architecture.graph() for architecture in body.architectures]
    return predict_schema(await latents.predict(context, body.study, graphs, "/architectures"))


@router.post("/decode", response_model=DecodeAnswer, responses=example(200, DECODED))
async def decode(context: ContextDep, body: DecodeRequest) -> DecodeAnswer:
    """The distinct architectures around each latent point."""
    check_limit(len(body.latents), context.settings.max_batch, "/latents", "points")
    scope = await scope_of(context, {"study": body.study, "model": body.model})
    points = [tuple(point) for point in body.latents]
    pointers = [f"/latents/{index}" for index in range(len(points))]
    decoded = await latents.decode(context, scope, points, Sampling(body.samples, body.mode, body.seed), pointers)
    return decode_schema(scope.space, points, decoded)


@router.get("/decode", response_model=DecodeAnswer, responses=documented(DECODED))
async def decode_at(context: ContextDep, query: DecodeQueryDep, wanted: WantedDep, response: Response) -> DecodeAnswer | Response:
    """The distinct architectures around one point, a trial, random points of the prior, or the points between two.

    As JSON with all that is known of each, as one SVG picture, as one Graphviz graph, or, of one point, the most frequent one as
    a PyTorch module.
    """
    found, most = await find_points(context, query), context.settings.max_drawings
    form = wanted.choose(found.scope.space.name)
    check_points(form, found, most)
    decoded = await latents.decode(context, found.scope, found.points, query.sampling, found.pointers)
    if form != "json":
        return await anyio.to_thread.run_sync(decoded_response, form, len(found.points), decoded, most)
    response.headers.update(VARY)
    return decode_schema(found.scope.space, found.points, decoded)
