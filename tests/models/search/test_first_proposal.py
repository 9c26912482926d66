"""The first proposal of a process, which must not have to wait for what could have been made ready before."""

import subprocess
import sys

PROPOSE = """
import sys
import numpy as np
import torch
from models.autoencoders.checkpoint import load_autoencoder
from models.pretrained.catalogue import default_card
from models.search import pool
from models.search.proposal import Observation, ProposalRequest
from models.search.proposer import propose

pool.SAMPLE_SIZE = 64
autoencoder = load_autoencoder(default_card("enas_macro").path, torch.device("cpu"))
rng = np.random.default_rng(0)
seen = tuple(Observation(autoencoder.space.sample(rng), float(value)) for value in range(30))
before = set(sys.modules)
batch = propose(autoencoder, ProposalRequest("maximize", 1, 0, seen))
print(batch.proposals[0].source, len(set(sys.modules) - before))
"""


def test_little_is_imported_by_the_first_proposal() -> None:
    done = subprocess.run([sys.executable, "-c", PROPOSE], capture_output=True, text=True, check=True)
    source, imported = done.stdout.split()
    assert source == "acquisition"
    assert int(imported) < 20
