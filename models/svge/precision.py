"""In which precision a device multiplies matrices fastest without losing quality."""

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
_AMPERE = (8, 0)
_UNITS = ("amx_bf16", "avx512_bf16")


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether matrix products run in bfloat16. `auto` says yes where the hardware has units for it: AMX or AVX-512 with
    bfloat16, Ampere and later.

    Without them bfloat16 is emulated and up to a hundred times slower. Raises `ValueError` for an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"expected the precision {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}, got '{precision}'")
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    capabilities = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(capabilities.get(name, False) for name in _UNITS)
