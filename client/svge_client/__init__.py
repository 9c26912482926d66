"""The trainer's side of SVGe Search: `Client` asks, reports and keeps leases alive, `AsyncClient` does so with asyncio; errors are
a tree under `SvgeError`.
"""

from svge_client._async.client import AsyncClient
from svge_client._async.running import AsyncRunningTrial
from svge_client._sync.client import Client
from svge_client._sync.running import RunningTrial
from svge_client.catalogue import Build, Model, Space
from svge_client.errors import (
    Conflict,
    Denied,
    FieldFault,
    Invalid,
    LeaseLost,
    MissingExtra,
    NotFound,
    NothingToDo,
    Problem,
    RateLimited,
    ResponseError,
    ServerFault,
    SvgeError,
    TrialDiverged,
    TrialStopped,
    Unavailable,
    Unreachable,
)
from svge_client.history import Attempt, Curve, Improvement, Observation, ProgressPage, Step, TrialHistory
from svge_client.latents import DecodedPoint, Decoding, Latent, LatentMap, PlacedArchitecture, PlacedTrial, Prediction
from svge_client.retry import Retry
from svge_client.values import (
    Architecture,
    DroppedProgress,
    Heartbeat,
    Imported,
    Progress,
    Result,
    StudiesPage,
    Study,
    Suggestion,
    Trial,
    TrialsPage,
)

__all__ = [
    "Architecture",
    "AsyncClient",
    "AsyncRunningTrial",
    "Attempt",
    "Build",
    "Client",
    "Conflict",
    "Curve",
    "DecodedPoint",
    "Decoding",
    "Denied",
    "DroppedProgress",
    "FieldFault",
    "Heartbeat",
    "Imported",
    "Improvement",
    "Invalid",
    "Latent",
    "LatentMap",
    "LeaseLost",
    "MissingExtra",
    "Model",
    "NotFound",
    "NothingToDo",
    "Observation",
    "PlacedArchitecture",
    "PlacedTrial",
    "Prediction",
    "Problem",
    "Progress",
    "ProgressPage",
    "RateLimited",
    "ResponseError",
    "Result",
    "Retry",
    "RunningTrial",
    "ServerFault",
    "Space",
    "Step",
    "StudiesPage",
    "Study",
    "Suggestion",
    "SvgeError",
    "Trial",
    "TrialDiverged",
    "TrialHistory",
    "TrialStopped",
    "TrialsPage",
    "Unavailable",
    "Unreachable",
]
