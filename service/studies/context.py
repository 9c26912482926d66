"""What every use case works with, chosen in `service/app.py`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from opentelemetry import trace

from models.pretrained.catalogue import UnknownModel
from service.errors import ModelUnavailable
from service.settings import Settings
from service.storage.session import Database
from service.workers.worker import ModelWorker, WorkerUnavailable

Result = TypeVar("Result")

_tracer = trace.get_tracer(__name__)


@dataclass(frozen=True)
class Context:
    """The settings, the database, the model worker, and where the ids of new trials come from."""

    settings: Settings
    database: Database
    worker: ModelWorker
    new_id: Callable[[], str]
    _running: dict[object, float] = field(default_factory=dict)

    async def compute(self, call: Awaitable[Result]) -> Result:
        """The answer of a call of the model worker. Raises `ModelUnavailable` when it is lost or takes too long."""
        limit, token = self.settings.compute_seconds, object()
        self._running[token] = asyncio.get_running_loop().time()
        try:
            with _tracer.start_as_current_span("model worker"):
                async with asyncio.timeout(limit):
                    return await call
        except WorkerUnavailable as error:
            raise ModelUnavailable("the model worker was lost during the call; send the request again in a moment") from error
        except UnknownModel as error:
            message = f"the model worker does not have the checkpoint: {error}; let it share the service's folders"
            raise ModelUnavailable(message) from error
        except TimeoutError as error:
            raise ModelUnavailable(f"the model worker took longer than {limit:g} s; send a smaller request") from error
        finally:
            del self._running[token]

    def longest_call(self) -> float:
        """For how many seconds the oldest call of the model worker has been running; 0 without one."""
        now = asyncio.get_running_loop().time()
        return max((now - started for started in self._running.values()), default=0.0)
