import math

import pytest
import torch
from linear_operator.utils.errors import NotPSDError

from models.search import fitting
from models.search.fitting import FEW, FIT_LIMIT, FITTED_TO, HELD, MAX_INDUCING, RESTART_EVERY, RESTART_LIMIT, negative_density
from models.search.process import MIN_NOISE, Process, to_mapping
from models.search.proposal import Hyperparameters
from models.search.surrogate import Surrogate, TrainingData


def data(n: int, noise: float = 0.05, d: int = 4) -> TrainingData:
    """Outcomes that depend on the first dimension only."""
    generator = torch.Generator().manual_seed(n)
    points = torch.randn(n, d, dtype=torch.float64, generator=generator)
    outcomes = torch.sin(2.0 * points[:, 0]) * 1.4 + noise * torch.randn(n, dtype=torch.float64, generator=generator)
    return TrainingData(points, outcomes, torch.ones(n, dtype=torch.float64), torch.full((n,), math.nan, dtype=torch.float64))


def fit(training: TrainingData, start: Hyperparameters | None, groups: torch.Tensor | None = None) -> Surrogate:
    return fitting.fit(training, start, torch.arange(training.points.shape[1]) if groups is None else groups)


def posterior_density(training: TrainingData, surrogate: Surrogate) -> float:
    return -float(negative_density(surrogate.process, training))


def noise_of(surrogate: Surrogate) -> float:
    return float(surrogate.process.likelihood.noise)


def test_the_fit_finds_what_matters() -> None:
    training = data(60)
    parameters = to_mapping(fit(training, None).process)
    assert parameters["lengthscales"][0] < 0.3 * min(parameters["lengthscales"][1:])
    assert noise_of(fit(training, None)) < 0.05


def test_the_fit_predicts_unseen_outcomes() -> None:
    surrogate = fit(data(80), None)
    test = data(200)
    mean, variance = surrogate.moments(test.points)
    assert float((mean - test.outcomes).square().mean()) < 0.1 * float(test.outcomes.var())
    inside = ((mean - test.outcomes).abs() < 2.0 * (variance + noise_of(surrogate)).sqrt()).double().mean()
    assert float(inside) > 0.85


def test_noise_is_inferred() -> None:
    assert noise_of(fit(data(80, noise=0.7), None)) > 0.2
    assert noise_of(fit(data(80, noise=0.01), None)) < 0.05


def test_known_noise_is_used() -> None:
    training = data(40, noise=0.01)
    noisy = training._replace(known_variance=torch.full((40,), 4.0, dtype=torch.float64))
    sure = training._replace(known_variance=torch.zeros(40, dtype=torch.float64))
    assert float(fit(noisy, None).moments(training.points)[1].mean()) > float(fit(sure, None).moments(training.points)[1].mean())
    mean, _ = fit(sure, None).moments(training.points)
    assert float((mean - training.outcomes).abs().max()) < 10.0 * math.sqrt(MIN_NOISE)


def test_a_fit_goes_on_from_the_last_one() -> None:
    training = data(50)
    first = fit(training, None)
    again = fit(training, to_mapping(first.process))
    assert posterior_density(training, again) >= posterior_density(training, first) - 1e-6


def test_a_bad_basin_is_left_while_observations_are_few() -> None:
    noise_alone = to_mapping(Process(torch.arange(4), lengthscale=1e3, noise=1.5))
    few = data(60)
    assert posterior_density(few, fit(few, noise_alone)) >= posterior_density(few, fit(few, None)) - 1e-9


def test_most_fits_go_on_from_the_last_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = []
    plain = fitting.maximise_density

    def counted(process: Process, training: TrainingData, evaluations: int) -> float:
        fitted.append(process)
        return plain(process, training, evaluations)

    monkeypatch.setattr(fitting, "maximise_density", counted)

    def starts(n: int, last: int) -> int:
        fitted.clear()
        fit(data(n), {**to_mapping(Process(torch.arange(4))), FITTED_TO: (float(last),)})
        return len(fitted)

    assert starts(FEW + 2, FEW + 1) == starts(RESTART_LIMIT + 7, RESTART_LIMIT) == 1
    assert starts(FEW, FEW - 1) > 1
    # Batches of five whose numbers are no multiples of it, because one trial failed.
    assert all(starts(n, n - RESTART_EVERY) > 1 for n in range(FEW + 2, FEW + 20, RESTART_EVERY))


def test_a_fit_to_many_stands_until_there_are_more_by_a_fiftieth() -> None:
    start = {**to_mapping(Process(torch.arange(4), lengthscale=0.7)), FITTED_TO: (300.0,)}

    def kept(n: int) -> bool:
        return to_mapping(fit(data(n), start).process)["lengthscales"] == start["lengthscales"]

    assert kept(300)
    assert kept(305)
    assert not kept(306)
    assert not kept(299)
    assert to_mapping(fit(data(300), {**start, HELD: (20.0,)}).process)["lengthscales"] != start["lengthscales"]
    few = {**start, FITTED_TO: (float(FIT_LIMIT),)}
    assert to_mapping(fit(data(FIT_LIMIT), few).process)["lengthscales"] != few["lengthscales"]


def test_hyperparameters_of_another_latent_space_are_left_aside() -> None:
    training = data(20)
    other = to_mapping(Process(torch.arange(7)))
    assert to_mapping(fit(training, other).process) == to_mapping(fit(training, None).process)


def test_many_observations_use_few_inducing_points() -> None:
    training = data(MAX_INDUCING + FIT_LIMIT, d=6)
    surrogate = fit(training, to_mapping(Process(torch.arange(6))))
    assert len(surrogate.inducing) <= MAX_INDUCING
    mean, _ = surrogate.moments(training.points)
    assert float((mean - training.outcomes).square().mean()) < 0.05


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_outcomes_are_enough(n: int) -> None:
    mean, variance = fit(data(n), None).moments(data(5).points)
    assert bool(torch.isfinite(mean).all())
    assert bool((variance > 0.0).all())


def test_constant_outcomes_are_predicted_everywhere() -> None:
    training = data(12)._replace(outcomes=torch.zeros(12, dtype=torch.float64))
    mean, _ = fit(training, None).moments(data(5).points)
    torch.testing.assert_close(mean, torch.zeros(5, dtype=torch.float64), atol=1e-3, rtol=0.0)


def test_one_architecture_many_times_over() -> None:
    training = data(30)
    same = training._replace(points=training.points[:1].repeat(30, 1))
    mean, _ = fit(same, None).moments(same.points[:1])
    assert float(mean) == pytest.approx(float(training.outcomes.mean()), abs=0.3)


def test_the_fit_does_not_depend_on_the_callers_gradient_mode() -> None:
    training = data(10)
    with torch.no_grad():
        inside = fit(training, None)
    assert to_mapping(inside.process) == to_mapping(fit(training, None).process)


def test_the_fitted_process_is_fixed() -> None:
    assert not any(parameter.requires_grad for parameter in fit(data(10), None).parameters())


def test_defaults_stand_where_no_fit_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(process: Process, _: object) -> torch.Tensor:
        process.covar_module.outputscale = torch.tensor(9.0)
        raise NotPSDError("not positive definite")

    monkeypatch.setattr(fitting, "negative_density", fail)
    assert to_mapping(fit(data(10), None).process) == to_mapping(Process(torch.arange(4)))


def test_a_density_that_is_no_number_is_no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def undefined(process: Process, _: object) -> torch.Tensor:
        density: torch.Tensor = process.covar_module.outputscale * torch.nan
        return density

    monkeypatch.setattr(fitting, "negative_density", undefined)
    assert to_mapping(fit(data(10), None).process) == to_mapping(Process(torch.arange(4)))


def test_columns_of_a_group_share_their_length_scale() -> None:
    parameters = to_mapping(fit(data(60), None, torch.tensor([0, 1, 1, 1])).process)
    assert len(parameters["lengthscales"]) == 2
    assert parameters["lengthscales"][0] < 0.5 * parameters["lengthscales"][1]
