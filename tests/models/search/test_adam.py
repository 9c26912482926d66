import pytest
import torch

from models.search.adam import Adam


@pytest.mark.parametrize("rate", [0.01, 0.5])
def test_the_steps_are_those_of_the_optimiser_of_pytorch(rate: float) -> None:
    start = torch.randn(5, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, theirs = (start.clone().requires_grad_(True) for _ in range(2))
    # Typed loosely: the two have no class in common.
    for parameter, optimizer in ((ours, Adam([ours], lr=rate)), (theirs, torch.optim.Adam([theirs], lr=rate))):

        def closure(parameter=parameter, optimizer=optimizer):  # type: ignore[no-untyped-def]
            optimizer.zero_grad()
            with torch.enable_grad():
                loss = (parameter.sin() * parameter.square()).sum()
                loss.backward()
            return loss

        for _ in range(30):
            optimizer.step(closure)
    assert not torch.equal(ours, start)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_step_needs_a_gradient() -> None:
    parameter = torch.zeros(2, requires_grad=True)
    with pytest.raises(ValueError, match="closure must leave a gradient"):
        Adam([parameter], lr=0.1).step(lambda: torch.zeros(()))
