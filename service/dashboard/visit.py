"""Who looks at the dashboard in this moment, and at which service: what `gate.py` tells the callbacks behind it of a request."""

from contextvars import ContextVar
from dataclasses import dataclass

from service.storage.values import KeyScope
from service.studies.context import Context
from service.studies.keys import Doorkeeper


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the service's context, and the token that came with it; without a `doorkeeper` everything is open."""

    context: Context
    doorkeeper: Doorkeeper | None = None
    token: str | None = None

    async def require(self, needed: KeyScope) -> None:
        """Raises `Unauthenticated` without a key, and `Denied` where it does not suffice."""
        if self.doorkeeper is not None:
            await self.doorkeeper.check(self.token, needed)


current: ContextVar[Visit] = ContextVar("svge_dashboard_visit")


def here() -> Context:
    """The context of the service that this request came to."""
    return current.get().context
