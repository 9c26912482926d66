import numpy as np

from models.search.pool import build_pool
from tests.models.evaluation.tables import small_table


def test_the_space_of_a_table_is_its_rows() -> None:
    autoencoder, values = small_table()
    space = autoencoder.space
    assert space.size == len(values) == len(list(space.enumerate()))
    assert [space.places[one] for one in space.architectures] == list(range(len(values)))
    assert {space.sample(np.random.default_rng(seed)) for seed in range(20)} <= set(space.architectures)
    pool = build_pool(autoencoder)
    assert pool.complete
    assert pool.architectures == space.architectures


def test_neighbours_are_those_that_were_measured() -> None:
    space = small_table()[0].space
    for architecture in space.architectures[::50]:
        around = space.neighbours(architecture)
        assert set(around) == set(space.whole.neighbours(architecture)) & set(space.architectures)


def test_decoding_stays_within_the_table() -> None:
    autoencoder, _ = small_table()
    latents = autoencoder.encode(autoencoder.space.architectures[:5]).mean + 0.01
    assert set(autoencoder.decode(latents)) <= set(autoencoder.space.architectures)
    whole = autoencoder.autoencoder.decode(latents)
    for place, architecture in enumerate(autoencoder.decode(latents)):
        expected = whole[place] if whole[place] in autoencoder.space.places else autoencoder.space.architectures[place]
        assert architecture == expected
