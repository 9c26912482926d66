import torch

from models.svge.predictor import PerformancePredictor


def test_it_has_four_layers_and_gives_one_accuracy_a_graph() -> None:
    predictor = PerformancePredictor(5, centre=0.9, spread=0.01)
    layers = [module for module in predictor.modules() if isinstance(module, torch.nn.Linear)]
    assert len(layers) == 4
    assert predictor(torch.randn(7, 5)).shape == (7,)


def test_it_answers_in_the_unit_of_its_labels() -> None:
    torch.manual_seed(0)
    predictor = PerformancePredictor(5, centre=0.9, spread=0.01)
    torch.nn.init.zeros_(predictor.network[-1].weight)
    torch.nn.init.constant_(predictor.network[-1].bias, 2.0)
    torch.testing.assert_close(predictor(torch.randn(3, 5)), torch.full((3,), 0.92))


def test_what_it_was_centred_on_is_part_of_its_state() -> None:
    first, second = PerformancePredictor(5, 0.9, 0.01), PerformancePredictor(5, 0.1, 1.0)
    second.load_state_dict(first.state_dict())
    points = torch.randn(4, 5)
    torch.testing.assert_close(first(points), second(points))
