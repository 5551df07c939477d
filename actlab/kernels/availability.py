"""Whether the kernels can run here, and one clear sentence when they cannot.

Nothing here imports torch or Triton before it is asked to, so that the package loads on machines
that have neither.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

#: What the machine code uses (NaN-keeping maxima, bfloat16) exists from this capability on.
LOWEST_CAPABILITY = (8, 0)


class KernelUnavailable(RuntimeError):
    """A kernel was asked for where none can run; the message says why in one sentence."""


def interpreting() -> bool:
    """Whether ``TRITON_INTERPRET=1`` asks for Triton's interpreter, which runs on CPU tensors."""
    return os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "on", "yes", "y")


@functools.cache
def _probe(interpreted: bool) -> tuple[bool, str]:
    for package, advice in (
        ("torch", "install torch"),
        ("triton", "it exists for Linux only; there, install triton"),
    ):
        if importlib.util.find_spec(package) is None:
            return False, f"the Triton kernels need {package}, which is not installed ({advice})"
    import torch
    import triton

    if interpreted:
        # Triton decides when its own library is imported; afterwards the variable is too late.
        if isinstance(triton.language.sum, triton.runtime.JITFunction):
            return False, (
                "TRITON_INTERPRET=1 was set after Triton had been imported: "
                "set it before Python starts"
            )
        return True, f"Triton {triton.__version__}, interpreted on the CPU (TRITON_INTERPRET=1)"
    if not isinstance(triton.language.sum, triton.runtime.JITFunction):
        return False, (
            "TRITON_INTERPRET was unset after Triton had been imported: start Python without it"
        )
    if torch.version.hip is not None:
        return False, "the Triton kernels are written for NVIDIA GPUs, and this torch is for AMD"
    if not torch.cuda.is_available():
        return False, (
            "the Triton kernels need an NVIDIA GPU, and torch sees none "
            "(TRITON_INTERPRET=1, set before Python starts, runs them slowly on the CPU)"
        )
    capability = torch.cuda.get_device_capability()
    if capability < LOWEST_CAPABILITY:
        return False, (
            f"the Triton kernels need compute capability {LOWEST_CAPABILITY[0]}."
            f"{LOWEST_CAPABILITY[1]} or newer, and {torch.cuda.get_device_name()} has "
            f"{capability[0]}.{capability[1]}"
        )
    return True, f"Triton {triton.__version__} on {torch.cuda.get_device_name()}"


def available() -> tuple[bool, str]:
    """Whether kernels can run in this process, and on what, or why not (one sentence)."""
    return _probe(interpreting())


def require(*tensors: Tensor) -> None:
    """Check that kernels can run on these tensors.

    Raises:
        KernelUnavailable: no kernels here, or a tensor is where they cannot reach it.
        TypeError: an argument is not a tensor, or its dtype is not a floating one.
        ValueError: the tensors are on different devices.
    """
    try:
        import torch
    except ImportError:
        raise KernelUnavailable(available()[1]) from None
    if torch.compiler.is_compiling():
        # A trace sees stand-ins for tensors; the kernels look at the real ones when they run.
        return
    possible, reason = available()
    if not possible:
        raise KernelUnavailable(reason)
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"a kernel takes torch tensors, got {type(tensor).__name__}")
        if not tensor.dtype.is_floating_point or tensor.dtype.itemsize < 2:
            raise TypeError(
                "a kernel takes float16, bfloat16, float32 or float64 tensors, "
                f"got {str(tensor.dtype).removeprefix('torch.')}"
            )
        if tensor.device != tensors[0].device:
            raise ValueError(
                f"all tensors must be on one device, got {tensors[0].device} and {tensor.device}"
            )
        require_device(tensor)


def require_device(tensor: Tensor) -> None:
    """Check that a kernel can reach this tensor's memory.

    Raises:
        KernelUnavailable: it cannot.
    """
    if interpreting() and tensor.device.type != "cpu":
        raise KernelUnavailable(
            f"TRITON_INTERPRET=1 takes CPU tensors, and this one is on {tensor.device}"
        )
    if not interpreting() and tensor.device.type != "cuda":
        raise KernelUnavailable(
            "the Triton kernels run on an NVIDIA GPU, and this tensor is on "
            f"{tensor.device}: move it with .cuda()"
        )
