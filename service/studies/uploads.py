"""Adding to what can be searched, and with which weights: a definition of a space, or a checkpoint that has proved to work.

Each is on disk in the folder for uploads, and in the answers of every process that reads it, when the call returns.
"""

import hashlib
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread
import numpy as np
from sqlalchemy.orm import Session

from models.architectures.architecture import Fault
from models.pretrained.additions import (
    NameTaken,
    SpaceTaken,
    add_checkpoint,
    add_space,
    add_waiting_card,
    find_same,
    remove_abandoned,
    remove_checkpoint,
    waiting_place,
)
from models.pretrained.catalogue import FOLDER, Card, InvalidCheckpoint, space_of
from models.spaces.definition import Definition
from models.spaces.space import SearchSpace
from service.errors import (
    BodyTooLarge,
    CheckpointRejected,
    InvalidRequest,
    ModelExists,
    ModelInUse,
    ModelUnavailable,
    SpaceExists,
    StorageFailed,
    Unavailable,
)
from service.settings import Settings
from service.storage import studies
from service.studies.catalogue import all_models, model_named, usable
from service.studies.context import Context

_log = logging.getLogger(__name__)

_NAMED = 3


async def upload_space(context: Context, definition: Definition) -> tuple[SearchSpace, bool]:
    """Store a definition; the space, and whether it is new. Raises `SpaceExists` and `StorageFailed`."""
    settings = context.settings
    with _storing(settings.uploads_folder), usable():
        try:
            return await anyio.to_thread.run_sync(add_space, definition, settings.uploads_folder, settings.model_folders)
        except SpaceTaken as error:
            raise SpaceExists(str(error)) from error


async def upload_model(context: Context, name: str, parts: AsyncIterator[bytes], sha256: str | None) -> tuple[Card, bool]:
    """Store the checkpoint that `parts` make up as `name`; its card, and whether it is new.

    Nothing is left of one that is refused or breaks off. Raises `BodyTooLarge`, `InvalidRequest` where the file has not the hash
    `sha256`, `CheckpointRejected` for what is no checkpoint or fails in the model worker, `ModelExists` and `SpaceExists`,
    `ModelUnavailable`, and `StorageFailed`.
    """
    settings = context.settings
    await anyio.to_thread.run_sync(all_models, settings.model_folders)
    await anyio.to_thread.run_sync(forget_abandoned, settings)
    with _storing(settings.uploads_folder), waiting_place(settings.uploads_folder, name) as path:
        digest = await _receive(parts, path, settings)
        if sha256 not in (None, digest):
            message = f"expected a file with this hash, got one with {digest}; it was damaged on its way, send it again"
            raise InvalidRequest([Fault("/sha256", message)])
        card = await anyio.to_thread.run_sync(_waiting_card, path, settings)
        known = await anyio.to_thread.run_sync(_find_same, card, settings)
        if known is not None:
            return known, False
        await _try_out(context, card)
        return await anyio.to_thread.run_sync(_add, card, settings)


async def delete_model(context: Context, name: str) -> None:
    """Delete a checkpoint that was uploaded. Raises `ModelNotFound`, `ModelInUse` and `StorageFailed`."""
    settings = context.settings
    card = await anyio.to_thread.run_sync(model_named, settings.model_folders, name)
    if card.path.parent != settings.uploads_folder or card.path.parent.resolve() == FOLDER.resolve():
        raise ModelInUse(f"'{card.name}' was not uploaded, so it stays; only its files can be deleted, on the server")

    def work(session: Session) -> None:
        studies.hold_model(session, card.hash)
        pinned = studies.pinned_to(session, card.hash, _NAMED)
        if pinned:
            raise ModelInUse(f"studies are pinned to '{card.name}', such as {', '.join(pinned)}; delete them first")
        remove_checkpoint(card)

    with _storing(settings.uploads_folder):
        await context.database.write(work)


def check_size(size: int, settings: Settings) -> None:
    """Raises `BodyTooLarge` for a checkpoint of more bytes than the settings allow."""
    limit = settings.max_checkpoint_bytes
    if size > limit:
        raise BodyTooLarge(f"expected a checkpoint of at most {limit} bytes; raise SVGE_MAX_CHECKPOINT_BYTES to allow more")


def forget_abandoned(settings: Settings) -> None:
    """Delete what uploads of killed processes have left."""
    remove_abandoned(settings.uploads_folder, time.time())


async def _receive(parts: AsyncIterator[bytes], path: Path, settings: Settings) -> str:
    """Write the file, to the disk itself; its SHA-256. Raises `BodyTooLarge`."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        async for part in parts:
            size += len(part)
            check_size(size, settings)
            digest.update(part)
            await anyio.to_thread.run_sync(file.write, part)
        file.flush()
        await anyio.to_thread.run_sync(os.fsync, file.fileno())
    return digest.hexdigest()


def _waiting_card(path: Path, settings: Settings) -> Card:
    try:
        return add_waiting_card(path, settings.model_folders)
    except InvalidCheckpoint as error:
        raise CheckpointRejected([Fault("", str(error))]) from error


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        with usable():
            yield
    except NameTaken as error:
        raise ModelExists(str(error)) from error
    except SpaceTaken as error:
        raise SpaceExists(str(error)) from error


def _find_same(card: Card, settings: Settings) -> Card | None:
    with _fitting():
        return find_same(card, settings.model_folders)


def _add(card: Card, settings: Settings) -> tuple[Card, bool]:
    with _fitting():
        added = add_checkpoint(card, settings.uploads_folder, settings.model_folders)
        all_models(settings.model_folders)  # whoever asks next need not wait while a large file is hashed
    return added


async def _try_out(context: Context, card: Card) -> None:
    """Let the model worker load a checkpoint that waits, encode an architecture and decode its latent point."""
    worker, sample = context.worker, space_of(card).sample(np.random.default_rng(0))
    try:
        (encoding,) = await context.compute(worker.encode(card.hash, [sample]))
        if len(encoding.mean) != card.latent_size or not all(map(math.isfinite, (*encoding.mean, *encoding.std))):
            message = f"expected {card.latent_size} finite numbers for an encoded architecture, got {len(encoding.mean)}"
            raise InvalidCheckpoint(f"{message}: {encoding.mean[:5]}, …; train the model again")
        await context.compute(worker.decode(card.hash, [encoding.mean], 1, "greedy", 0))
    except ModelUnavailable:
        raise
    except InvalidCheckpoint as error:
        raise CheckpointRejected([Fault("", str(error))]) from error
    except Exception as error:  # whatever a model does that nobody has seen before speaks against it
        _log.warning("the trial of '%s' failed", card.name, exc_info=error)
        raise CheckpointRejected([Fault("", f"the model failed in its trial: {error}; train it again")]) from error


@contextmanager
def _storing(folder: Path) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("another upload holds the folder; send the request again in a moment") from error
    except OSError as error:
        message = f"cannot write to the folder for uploads: {error.strerror or error}; make room, or change SVGE_UPLOADS_FOLDER"
        _log.warning("cannot write to '%s'", folder)
        raise StorageFailed(message) from error
