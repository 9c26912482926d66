"""In which precision a device multiplies matrices fastest without losing quality."""

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
_AMPERE = (8, 0)


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether matrix products run in bfloat16. `auto` says yes where that is faster: AMX, AVX-512's bfloat16
    instructions on AMD's processors, Ampere and later.

    Intel's processors without AMX take half as long in single precision; where bfloat16 is emulated, it is up to a hundred times
    slower. Raises `ValueError` for an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"expected the precision {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}, got '{precision}'")
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    full_rate = not str(capabilities.get("cpu_name", "")).startswith("Intel")
    return bool(capabilities.get("amx_bf16")) or (bool(capabilities.get("avx512_bf16")) and full_rate)
