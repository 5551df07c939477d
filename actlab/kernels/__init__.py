"""Triton kernels for every function of the catalogue, forward and backward.

>>> from actlab import kernels
>>> kernels.available()                                            # doctest: +SKIP
(True, 'Triton 3.6.0 on NVIDIA H200')
>>> kernels.apply("leaky_relu2", x, slope=0.3)                      # doctest: +SKIP
>>> kernels.swiglu(packed)         # (..., 2h) to (..., h), without copying a half  # doctest: +SKIP

Every function here is differentiable, works under ``torch.compile`` and passes
``torch.autograd.gradcheck``: each is a custom operator ``torch.ops.actlab.*``. Derivatives are the
first ones of reverse mode; what asks for others gets a ``RuntimeError``. Inputs may have any shape
and memory order; the result has the dtype of the input, computed in float32 and rounded once.

Importing this package loads neither torch nor Triton, so it works on macOS, on Windows and in a
browser. Asking for a kernel there raises :class:`KernelUnavailable` with one sentence. Without a
GPU, ``TRITON_INTERPRET=1`` (set before Python starts) runs the kernels on CPU tensors, slowly.

The rooms: :mod:`.dispatch` finds a function's kernel by its name, :mod:`.named` has the functions
with an interface of their own; :mod:`.formulas` has the formulas, a few lines each;
:mod:`.mathematics` their exponentials; :mod:`.elementwise` the template; :mod:`.gated`,
:mod:`.rows`, :mod:`.bias`, :mod:`.squares`, :mod:`.learned` and :mod:`.linear` the kernels with
another shape; :mod:`.sass` counts machine instructions without a GPU; :mod:`.selftest` proves the
results on one; :mod:`.tune` tries launch shapes.
"""

from __future__ import annotations

from actlab.kernels.availability import KernelUnavailable, available
from actlab.kernels.dispatch import apply, names, variants
from actlab.kernels.named import (
    bias_activation,
    bilinear,
    geglu,
    glu,
    leaky_relu2,
    linear_leaky_relu2,
    log_softmax,
    prelu,
    reglu,
    relu2,
    rrelu,
    softmax,
    swiglu,
)

__all__ = [
    "KernelUnavailable",
    "apply",
    "available",
    "bias_activation",
    "bilinear",
    "geglu",
    "glu",
    "leaky_relu2",
    "linear_leaky_relu2",
    "log_softmax",
    "names",
    "prelu",
    "reglu",
    "relu2",
    "rrelu",
    "softmax",
    "swiglu",
    "variants",
]
