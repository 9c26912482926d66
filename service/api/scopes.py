"""Which latent space a request means: exactly one of several fields says so."""

from collections.abc import Mapping

from models.architectures.architecture import Fault
from service.errors import InvalidRequest
from service.studies.context import Context
from service.studies.latents import Scope, model_scope, space_scope, study_scope


async def scope_of(context: Context, choices: Mapping[str, str | None]) -> Scope:
    """The latent space that the one field with a value names; the fields are `study`, `model` and `space`.

    Raises `InvalidRequest` when none or several are given, and the errors of looking them up.
    """
    given = {field: name for field, name in choices.items() if name is not None}
    if len(given) != 1:
        message = f"expected exactly one of {', '.join(choices)}, got {' and '.join(given) or 'none'}"
        raise InvalidRequest([Fault(f"/{field}", message) for field in given or choices])
    ((field, name),) = given.items()
    if field == "study":
        return await study_scope(context, name)
    return model_scope(context, name) if field == "model" else space_scope(context, name)
