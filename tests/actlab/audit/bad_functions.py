"""Activation functions as people have written them, each with a mistake that the audit must find.

The ideas come from public issues and forum threads; none is a copy. ``time.sleep`` stands for the
endless loop in :func:`hangs`, so that nothing burns should a test not end it.
"""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import torch
from torch import nn


def sigmoid_naive(x):
    """1/(1 + e^−x): e^−x overflows, and autograd makes ∞ · 0 of it."""
    return 1 / (1 + torch.exp(-x))


def silu_naive(x):
    return x / (1 + torch.exp(-x))


def gelu_cubed(x):
    """The tanh form with x**3, which float16 cannot hold from 40 on."""
    return 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def elu_where(x):
    """Both branches are computed, so the gradient on the right is 0 · ∞."""
    return torch.where(x > 0, x, torch.exp(x) - 1)


def softplus_where(x):
    return torch.where(x > 20, x, torch.log(1 + torch.exp(x)))


def softplus_naive(x):
    return torch.log(1 + torch.exp(x))


def relu_in_place(x):
    x[x < 0] = 0
    return x


def gelu_in_float64(x):
    """A NumPy scalar of float64 makes the array float64, too."""
    return 0.5 * x * (1 + torch.erf(x.double() / np.sqrt(2.0)))


def mean_activation(x):
    """Forgets that the others are there: one number for all."""
    return torch.tanh(x).mean()


def flattened(x):
    return torch.relu(x).reshape(-1)


def hangs(x):
    while True:
        time.sleep(0.05)


def raises(x):
    raise RuntimeError("expected a CUDA tensor")


def no_halves(x):
    if x.dtype in (torch.float16, torch.bfloat16):
        raise NotImplementedError("not implemented for 'Half'")
    return torch.relu(x)


class Remembers(nn.Module):
    """Scales by the largest value seen so far."""

    def __init__(self):
        super().__init__()
        self.register_buffer("largest", torch.zeros(()))

    def forward(self, x):
        if x.numel():
            self.largest = torch.maximum(self.largest, x.detach().abs().max().float())
        return torch.relu(x) / (1 + self.largest).to(x.dtype)


def noisy(x):
    return torch.relu(x) + 0.01 * torch.randn_like(x)


def coupled(x):
    """Divides by the largest element, so that each value depends on all."""
    return torch.relu(x) / (1 + x.abs().max()) if x.numel() else torch.relu(x)


class _OnStorage(torch.autograd.Function):
    """Reads the memory as if it were contiguous."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        flat = x.as_strided((x.numel(),), (1,), x.storage_offset())
        return flat.clamp(min=0).reshape(x.shape)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x > 0)


def on_storage(x):
    return _OnStorage.apply(x)


def root(x):
    """(x + √x²)/2: at 0, and wherever x² is 0, the derivative is ∞ · 0."""
    return 0.5 * (x + torch.sqrt(x * x))


def tanh_by_exponentials(x):
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


class _Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (1 - torch.tanh(x) ** 2)


def tanh_by_hand(x):
    """Its derivative is 1 − tanh², which loses its digits."""
    return _Tanh.apply(x)


class _WrongSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.sigmoid(x)  # the product rule has a second term


def silu_half_derived(x):
    return _WrongSlope.apply(x)


def gelu_wrong_constant(x):
    return 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.04 * x * x * x)))


def detached(x):
    return torch.from_numpy(np.maximum(x.detach().float().numpy(), 0)).to(x.dtype)


def relu_for_nan(x):
    """NaN > 0 is false, and so a broken network looks healthy."""
    return torch.where(x > 0, x, torch.zeros_like(x))


def relu_numpy_in_place(x):
    np.maximum(x, 0, out=x)
    return x


def sigmoid_numpy(x):
    return 1 / (1 + np.exp(-x))


def mish_numpy(x):
    return x * np.tanh(np.log(1 + np.exp(x)))


def exits(x):
    raise SystemExit(3)


def kills_itself(x):
    os.kill(os.getpid(), signal.SIGSEGV)


#: name -> (code of the finding, its level): what the audit must say at least.
EXPECTED = {
    "sigmoid_naive": ("gradient-nan", "error"),
    "silu_naive": ("gradient-nan", "error"),
    "gelu_cubed": ("gradient-nan", "error"),
    "elu_where": ("gradient-nan", "error"),
    "softplus_where": ("gradient-nan", "error"),
    "softplus_naive": ("value-overflow", "error"),
    "relu_in_place": ("changes-input", "error"),
    "gelu_in_float64": ("wrong-dtype", "error"),
    "mean_activation": ("wrong-shape", "error"),
    "flattened": ("wrong-shape", "error"),
    "hangs": ("hangs", "error"),
    "raises": ("raises", "error"),
    "exits": ("raises", "error"),
    "kills_itself": ("crashes", "error"),
    "no_halves": ("raises", "warning"),
    "Remembers": ("remembers", "error"),
    "noisy": ("not-repeatable", "error"),
    "coupled": ("not-elementwise", "error"),
    "on_storage": ("non-contiguous", "error"),
    "root": ("gradient-nan", "error"),
    "tanh_by_exponentials": ("value-nan", "error"),
    "tanh_by_hand": ("cancellation", "note"),
    "silu_half_derived": ("wrong-gradient", "error"),
    "gelu_wrong_constant": ("nearly", "note"),
    "detached": ("no-gradient", "error"),
    "relu_for_nan": ("swallows-nan", "warning"),
    "relu_numpy_in_place": ("changes-input", "error"),
    "sigmoid_numpy": ("warns", "note"),
    "mish_numpy": ("value-vanishes", "warning"),
}
#: name -> causes that must be named, with a gain.
CAUSES = {
    "sigmoid_naive": {"exp overflow"},
    "silu_naive": {"exp overflow"},
    "gelu_cubed": {"x³ overflow"},
    "elu_where": {"where-NaN", "eˣ − 1"},
    "softplus_where": {"log(1 + eˣ)"},
    "softplus_naive": {"log(1 + eˣ)"},
    "root": {"√ at 0"},
    "tanh_by_exponentials": {"tanh by exponentials"},
    "tanh_by_hand": {"1 − tanh²"},
}
