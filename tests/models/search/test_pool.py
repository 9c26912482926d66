import gc
import weakref
from collections.abc import Sequence

import pytest
import torch

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.search.autoencoder import Posterior
from models.search.features import StructuralFeatures
from models.search.pool import SAMPLE_SIZE, InputCache, build_pool, pool_of
from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench201 import NasBench201
from tests.models.search.fakes import FakeAutoencoder


class Damaged(FakeAutoencoder):
    damaged = False

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        posterior = super().encode(architectures)
        return Posterior(posterior.mean * torch.nan, posterior.log_var) if self.damaged else posterior


def test_a_listed_space_is_complete() -> None:
    pool = pool_of(FakeAutoencoder(EnasMacro(num_layers=2)))
    assert pool.complete
    assert len(set(pool.canonical_ids)) == 72
    assert pool.canonical_ids == tuple(canonical_id(architecture) for architecture in pool.architectures)


def test_a_large_space_is_sampled() -> None:
    pool = pool_of(FakeAutoencoder(EnasMacro()))
    assert not pool.complete
    assert 0.9 * SAMPLE_SIZE < len(set(pool.canonical_ids)) == len(pool.architectures) <= SAMPLE_SIZE


def test_points_hold_the_latents_and_what_structure_differs() -> None:
    autoencoder = FakeAutoencoder(EnasMacro(num_layers=2))
    pool = pool_of(autoencoder)
    latents = autoencoder.encode(pool.architectures).mean.double()
    torch.testing.assert_close(pool.inputs.restore_latents(pool.points), latents)
    assert bool((pool.points[:, 32:].std(0) > 0.0).all())
    assert len(torch.unique(pool.points[:, 32:], dim=0)) == 72


def test_a_pool_is_built_once_and_goes_with_its_autoencoder() -> None:
    autoencoder = FakeAutoencoder(EnasMacro(num_layers=2))
    pool = pool_of(autoencoder)
    encoded = autoencoder.num_encoded
    assert pool_of(autoencoder) is pool
    assert autoencoder.num_encoded == encoded
    gone = weakref.ref(pool)
    del autoencoder, pool
    gc.collect()
    assert gone() is None


def test_only_what_is_outside_the_pool_and_new_is_encoded() -> None:
    autoencoder = FakeAutoencoder(EnasMacro(num_layers=2))
    pool = pool_of(autoencoder)
    larger = autoencoder.space.neighbours(pool.architectures[0], 5)[-2:]
    before = autoencoder.num_encoded
    rows = pool.encode(autoencoder, [larger[0], pool.architectures[5], larger[1], larger[0]])
    assert autoencoder.num_encoded == before + 2
    torch.testing.assert_close(rows[1], pool.points[5])
    torch.testing.assert_close(rows[0], rows[3])
    torch.testing.assert_close(pool.inputs.restore_latents(rows[2:3]), autoencoder.encode(larger[1:]).mean.double())
    before = autoencoder.num_encoded
    pool.encode(autoencoder, larger)
    assert autoencoder.num_encoded == before


def test_the_cache_forgets_the_oldest() -> None:
    autoencoder = FakeAutoencoder(EnasMacro(num_layers=2))
    first, second, third = autoencoder.space.neighbours(next(iter(autoencoder.space.enumerate())))[:3]
    kept = pool_of(autoencoder).inputs.kept
    cache, width = InputCache(StructuralFeatures(autoencoder.space), kept, limit=2), int(kept.sum())
    assert cache.encode(autoencoder, []).shape == (0, width)
    for architectures, misses in (([first, second], 2), ([third], 1), ([second, third], 0), ([first], 1)):
        before = autoencoder.num_encoded
        assert cache.encode(autoencoder, architectures).shape == (len(architectures), width)
        assert autoencoder.num_encoded == before + misses


def test_damaged_weights_are_reported() -> None:
    autoencoder = Damaged(NasBench201())
    autoencoder.damaged = True
    with pytest.raises(ValueError, match="expected finite latent means"):
        build_pool(autoencoder)


def test_an_autoencoder_that_tells_nothing_apart_still_has_points() -> None:
    autoencoder = FakeAutoencoder(EnasMacro(num_layers=2))
    autoencoder._projection *= 0.0
    points = build_pool(autoencoder).points
    assert bool((points[:, :32] == 0.0).all())
    assert len(torch.unique(points, dim=0)) == 72
