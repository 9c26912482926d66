"""The trainer's side of SVGe Search: `Client` asks, reports and keeps leases alive; errors are a tree under `SvgeError`."""

from svge_client.client import Client
from svge_client.errors import (
    Conflict,
    Denied,
    FieldFault,
    Invalid,
    LeaseLost,
    NotFound,
    NothingToDo,
    Problem,
    RateLimited,
    ResponseError,
    ServerFault,
    SvgeError,
    Unavailable,
    Unreachable,
)
from svge_client.running import RunningTrial
from svge_client.transport import Retry
from svge_client.values import Architecture, Decoding, Heartbeat, Imported, Latent, Study, Suggestion, Trial

__all__ = [
    "Architecture",
    "Client",
    "Conflict",
    "Decoding",
    "Denied",
    "FieldFault",
    "Heartbeat",
    "Imported",
    "Invalid",
    "Latent",
    "LeaseLost",
    "NotFound",
    "NothingToDo",
    "Problem",
    "RateLimited",
    "ResponseError",
    "Retry",
    "RunningTrial",
    "ServerFault",
    "Study",
    "Suggestion",
    "SvgeError",
    "Trial",
    "Unavailable",
    "Unreachable",
]
