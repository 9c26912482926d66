"""What routes are given, and the limits of the settings that the schemas cannot know."""

from typing import Annotated

from fastapi import Depends, Request

from models.architectures.architecture import Fault
from service.errors import InvalidRequest
from service.studies.context import Context
from service.studies.suggest import Suggester


def get_context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def get_suggester(request: Request) -> Suggester:
    suggester: Suggester = request.app.state.suggester
    return suggester


ContextDep = Annotated[Context, Depends(get_context)]
SuggesterDep = Annotated[Suggester, Depends(get_suggester)]


def check_limit(value: float, limit: float, pointer: str, what: str) -> None:
    """Raise `InvalidRequest` when a request asks for more than the settings allow."""
    if value > limit:
        raise InvalidRequest([Fault(pointer, f"expected at most {limit:g} {what}, got {value:g}; ask for less")])
