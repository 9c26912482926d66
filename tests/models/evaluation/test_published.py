from models.evaluation.published import NETWORK


def test_the_ranks_of_table_1_come_with_their_accuracies_and_their_number_of_labels() -> None:
    assert "`rank_percent` with 3,000" in NETWORK.source
    assert {name: figures["best_found"] for name, figures in NETWORK.figures.items()} == {
        "Tang et al. (2020)": 0.9401,
        "SVGe": 0.9410,
        "SVGe triplet": 0.9410,
    }
