"""Which precision a device gets."""

import pytest
import torch

from models.svge.precision import uses_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel Xeon"}, True),
        ({"amx_bf16": False, "avx512_bf16": True, "cpu_name": "Intel Xeon"}, False),
        ({"amx_bf16": False, "avx512_bf16": True, "cpu_name": "AMD EPYC"}, True),
        ({"amx_bf16": False, "avx512_bf16": False, "avx512_f": True}, False),
        ({}, False),
    ],
)
def test_a_processor_multiplies_in_bfloat16_where_that_is_faster(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool | str], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert uses_bfloat16("auto", CPU) is expected


@pytest.mark.parametrize(("capability", "expected"), [((9, 0), True), ((8, 0), True), ((7, 5), False)])
def test_a_gpu_multiplies_in_bfloat16_from_ampere_on(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert uses_bfloat16("auto", torch.device("cuda", 0)) is expected


def test_a_choice_is_kept_and_an_unknown_one_refused() -> None:
    assert uses_bfloat16("bfloat16", CPU)
    assert not uses_bfloat16("float32", CPU)
    with pytest.raises(ValueError, match="expected the precision auto, float32 or bfloat16, got 'half'"):
        uses_bfloat16("half", CPU)
