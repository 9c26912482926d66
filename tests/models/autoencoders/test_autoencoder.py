"""The precision that a model is run in, and that an architecture's latent does not depend on the company it is encoded in."""

import numpy as np
import pytest
import torch

from models.autoencoders.autoencoder import GraphAutoencoder
from models.autoencoders.kinds import build_model, kind_names, read_config
from models.spaces.registry import get_space, space_names
from models.svge.packing import pack
from tests.models.autoencoders.test_kinds import SMALL
from tests.models.svge.small import small_autoencoder

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", space_names())
def test_alone_or_in_a_crowd_an_architecture_has_one_latent(name: str) -> None:
    autoencoder = small_autoencoder(name)
    rng = np.random.default_rng(0)
    architectures = [autoencoder.space.sample(rng) for _ in range(300)]
    together = autoencoder.encode(architectures)
    assert together.mean.dtype == together.log_var.dtype == torch.float32
    for row in range(0, 300, 30):
        alone = autoencoder.encode(architectures[row : row + 1])
        torch.testing.assert_close(alone.mean[0], together.mean[row], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.log_var[0], together.log_var[row], atol=1e-5, rtol=0)


@pytest.mark.parametrize("has_amx", [True, False])
@pytest.mark.parametrize("kind", kind_names())
def test_half_precision_is_for_models_that_are_exact_in_it_where_it_is_fast(
    monkeypatch: pytest.MonkeyPatch, kind: str, has_amx: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_amx})
    space = get_space("enas_macro")
    model = build_model(read_config(kind, SMALL[kind]), space.vocabulary)
    with GraphAutoencoder(model, space, CPU).autocast():
        assert torch.is_autocast_enabled("cpu") is (has_amx and kind == "svge")


@pytest.mark.parametrize("has_amx", [True, False])
def test_only_in_half_precision_batches_are_filled_up_to_few_sizes(monkeypatch: pytest.MonkeyPatch, has_amx: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has_amx})
    autoencoder, rng, sizes = small_autoencoder("enas_macro"), np.random.default_rng(0), set()
    autoencoder.model.encoder.register_forward_pre_hook(lambda _, inputs: sizes.add(len(inputs[0].types)))
    architectures = [autoencoder.space.sample(rng) for _ in range(300)]
    everything = autoencoder.encode(architectures)
    sizes.clear()
    counts = (1, 2, 3, 5, *range(10, 257, 10))
    for count in counts:
        some = autoencoder.encode(architectures[:count])
        torch.testing.assert_close(some.mean, everything.mean[:count], atol=0.005, rtol=0)
        torch.testing.assert_close(some.log_var, everything.log_var[:count], atol=0.005, rtol=0)
    assert sizes == ({1, 2, 4, 8, 16, *range(32, 257, 32)} if has_amx else set(counts))


def test_half_precision_changes_a_latent_little() -> None:
    autoencoder = small_autoencoder("nasbench101")
    rng = np.random.default_rng(0)
    architectures = [autoencoder.space.sample(rng) for _ in range(200)]
    graphs = pack(architectures, autoencoder.space.vocabulary)
    with torch.inference_mode():
        exact = autoencoder.model.encode(graphs).mean
        with torch.autocast("cpu", torch.bfloat16):
            halved = autoencoder.model.encode(graphs).mean
    assert float((halved - exact).square().mean().sqrt() / exact.std()) < 0.02
