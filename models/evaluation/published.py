"""The figures that were published for what is measured here, to stand beside it, in the unit of the figure of the same name.

Those of Table 1 are of accuracies as fractions, all others in percent unless a name says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SVGE_PAPER = 'Lukasik et al., "Smooth variational graph embeddings for efficient neural architecture search" (2021)'
DVAE_PAPER = 'Zhang et al., "D-VAE: a variational autoencoder for directed acyclic graphs" (2019)'


@dataclass(frozen=True)
class Published:
    """One published table: where it is from, and by method its figures under the names that they have here."""

    source: str
    figures: Mapping[str, Mapping[str, float]]


def _table5(reconstruction: float, validity: float, uniqueness: float, novelty: float) -> Mapping[str, float]:
    # The published code, and so its reconstruction, scales the posterior's noise by 0.01.
    return {
        "reconstruction_published_noise": reconstruction,
        "validity_free": validity,
        "uniqueness": uniqueness,
        "novelty": novelty,
    }


ABILITIES = Published(
    f"{SVGE_PAPER}, Table 5, on ENAS",
    {
        "SVGe": _table5(98.97, 99.69, 40.22, 100.0),
        "SVGe triplet": _table5(99.80, 99.75, 35.37, 99.99),
        "GIN": _table5(97.51, 100.0, 49.15, 100.0),
        "D-VAE": _table5(99.96, 100.0, 37.26, 100.0),
    },
)

PROCESS = Published(
    f"{DVAE_PAPER}, Table 2, on ENAS; outcomes standardised",
    {"D-VAE": {"rmse": 0.384, "pearson_r": 0.920}},
)

NETWORK = Published(
    f"{SVGE_PAPER}, Table 1, on NAS-Bench-101 test accuracies: the mean squared error with 1,000, 10,000 and 100,000 labels, "
    "`best_found` and `rank_percent` with 3,000",
    {
        "Tang et al. (2020)": {
            "mse_1000": 0.0031,
            "mse_10000": 0.0026,
            "mse_100000": 0.0016,
            "best_found": 0.9401,
            "rank_percent": 0.03,
        },
        "SVGe": {"mse_1000": 0.0037, "mse_10000": 0.0025, "mse_100000": 0.0021, "best_found": 0.9410, "rank_percent": 0.01},
        "SVGe triplet": {"mse_1000": 0.0030, "mse_10000": 0.0023, "mse_100000": 0.0021, "best_found": 0.9410, "rank_percent": 0.01},
    },
)

EXTRAPOLATION = Published(
    f"{SVGE_PAPER}, Table 2: the accuracy of the best after training it, in percent",
    {
        "SVGe, NAS-Bench-101": {"8 nodes": 95.18, "9 nodes": 94.71},
        "SVGe, ENAS": {"14 nodes": 96.15},
        "D-VAE, ENAS": {"14 nodes": 96.12},
    },
)

RANDOM_SEARCH = Published(
    f"{SVGE_PAPER}, Table 6, on NAS-Bench-101: the best validation accuracy found, in percent",
    {
        "SVGe triplet, random search": {"best_value": 94.72},
        "SVGe, Bayesian optimisation": {"best_value": 94.73},
        "SVGe triplet, Bayesian optimisation": {"best_value": 94.99},
    },
)
