"""The card inside a weights file: what is written comes back, and nothing else gets past."""

import json
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from models.autoencoders.checkpoint import save_checkpoint
from models.pretrained.catalogue import InvalidCheckpoint
from models.pretrained.embedded_card import CARRIED, read_embedded_card
from tests.fakes import checkpoint_bytes
from tests.models.svge.small import small_model

WHOLE = checkpoint_bytes()


def with_header(header: bytes, length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header


def read(folder: Path, content: bytes) -> dict[str, Any]:
    path = folder / "any.safetensors"
    path.write_bytes(content)
    return read_embedded_card(path)


def test_a_saved_checkpoint_carries_what_its_card_says_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_checkpoint(small_model("nasbench101"), "nasbench101", path, {"note": "untrained"})
    card = json.loads(path.with_suffix(".json").read_text())
    assert read_embedded_card(path) == {name: card[name] for name in CARRIED if name in card}
    assert {"format_version", "space", "vocabulary", "kind", "config"} <= set(read_embedded_card(path))


def test_the_same_model_makes_the_same_file(tmp_path: Path) -> None:
    """What was measured in between changes the card, but not the hash that studies are pinned to."""
    files = [tmp_path / f"{place}.safetensors" for place in range(2)]
    for place, path in enumerate(files):
        save_checkpoint(small_model("nasbench101"), "nasbench101", path, {"measured": place})
    assert files[0].read_bytes() == files[1].read_bytes()


def test_pickles_are_named_and_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save(OrderedDict(weights=torch.zeros(3)), tmp_path / "model.pt")
    files = [(tmp_path / "model.pt").read_bytes(), *(pickle.dumps({"a": Trap()}, protocol) for protocol in range(2, 6))]
    for content in files:
        with pytest.raises(InvalidCheckpoint, match="got a pickle, as torch.save writes"):
            read(tmp_path, content)
    with pytest.raises(InvalidCheckpoint, match="expected a safetensors file, got something else"):
        read(tmp_path, pickle.dumps({"a": Trap()}, 0))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got something else"),
        (b"\x80", "got something else|pickle"),
        (WHOLE[:8], "got something else"),
        (WHOLE[:40], "damaged or cut off"),
        (WHOLE[:-1], "damaged or cut off"),
        (WHOLE + b"\0", "damaged or cut off"),
        (with_header(b"{}", 2**63), "header of at most 1048576 bytes, got 9223372036854775808"),
        (with_header(b"{}", 2**64 - 1), "header of at most"),
        (with_header(b"{" + b" " * 2**21 + b"}"), "header of at most"),
        (with_header(b"{" * 100_000), "damaged or cut off"),
        (with_header(b'{"a": ' + b"[" * 100_000), "damaged or cut off"),
        (with_header(b'{"a": {"dtype": "F16", "shape": [1000000], "data_offsets": [0, 2000000]}}'), "damaged or cut off"),
        (with_header(b'{"a": {"dtype": "F16", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}'), "damaged or cut off"),
        (with_header(b'{"a": {"dtype": "O", "shape": [1], "data_offsets": [0, 8]}}') + bytes(8), "damaged or cut off"),
        (save({"a": np.zeros(3, np.float16)}), "carries no card"),
        (save({"a": np.zeros(3, np.float16)}, {"card": "[" * 100_000}), "cannot be read"),
        (save({"a": np.zeros(3, np.float16)}, {"card": "{"}), "cannot be read"),
        (save({"a": np.zeros(3, np.float16)}, {"card": '{"a": NaN}'}), "NaN is no number of JSON"),
        (save({"a": np.zeros(3, np.float16)}, {"card": "[]"}), "does not say format version 1"),
        (save({"a": np.zeros(3, np.int64)}, {"card": "{}"}), "expected weights of the types F16, BF16, F32, got I64"),
        (checkpoint_bytes(format_version=2), "does not say format version 1"),
        (checkpoint_bytes(space=["nasbench201"]), "names no space"),
        (checkpoint_bytes(kind=None), "no kind"),
        (checkpoint_bytes(config=[]), "no config"),
        (checkpoint_bytes(config={}), "expected a latent_size of at least 1"),
        (checkpoint_bytes(config={"latent_size": True}), "expected a latent_size"),
        (checkpoint_bytes(config={"latent_size": -1}), "expected a latent_size"),
        (checkpoint_bytes(config={"latent_size": 4, "hidden_size": 10**9}), "expected a hidden_size of at most 4096"),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_with_a_card_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match=message):
        read(tmp_path, content)


def test_fields_that_no_model_is_built_from_are_left_out(tmp_path: Path) -> None:
    assert "accuracy" not in read(tmp_path, checkpoint_bytes(accuracy=1.0))
