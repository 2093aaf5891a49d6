"""What the processor can do."""
import torch


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself; where it does not, they are slower than float32."""
    asked = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')  # not in every version of torch
    return any(bool(getattr(torch.cpu, name, bool)()) for name in asked)
