"""Activation functions as torch modules: those that torch lacks, and one name for those it has.

:func:`torch_equivalent` gives the torch function that computes what a catalogue entry does,
:func:`module_for` an ``nn.Module`` for it. The functions written here save as few tensors for
the backward pass as their derivative needs and recompute the rest from them; all can be
differentiated twice.

>>> import torch
>>> from actlab.modules import LeakyReLU2, torch_equivalent
>>> LeakyReLU2(slope=0.5)(torch.tensor([-2.0, 3.0]))
tensor([1., 9.])
>>> torch_equivalent("silu", beta=1.702)(torch.tensor(1.0))
tensor(0.8458)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from actlab.functions import Activation, get

# --- functions that carry their own backward pass ---------------------------------------------


def _leaky(x: Tensor, slope: float) -> Tensor:
    # With a slope of 0, F.leaky_relu multiplies: 0 · −inf is NaN, where ReLU gives 0.
    return F.leaky_relu(x, slope) if slope else F.relu(x)


class _LeakySquare(torch.autograd.Function):
    """LeakyReLU(x, a)²; saves x alone, because the derivative is 2·LeakyReLU(x, a²)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return _leaky(x, slope).square_()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return 2.0 * gradient * _leaky(x, ctx.slope**2), None


class _SquareFromOutput(torch.autograd.Function):
    """max(x, 0)²; saves the output alone, because max(x, 0) is its square root."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = F.relu(x).square_()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        # √y has no derivative at 0. Taking the root of 1 there, and only then writing 0, keeps
        # 0 · inf = NaN out of the second derivative.
        positive = y > 0
        root = torch.where(positive, torch.where(positive, y, 1.0).sqrt(), 0.0)
        return 2.0 * gradient * root


class _Swish(torch.autograd.Function):
    """x·σ(βx); saves x and β, where the composed formula also keeps the gate σ(βx)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, beta)
        return torch.sigmoid(beta * x) * x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, beta = ctx.saved_tensors
        gate = torch.sigmoid(beta * x)
        slope = gate * (1.0 - gate)
        for_x = for_beta = None
        if ctx.needs_input_grad[0]:
            for_x = gradient * (gate + beta * x * slope)
        if ctx.needs_input_grad[1]:
            for_beta = (gradient * x * x * slope).sum_to_size(beta.shape)
        return for_x, for_beta


class _Gated(torch.autograd.Function):
    """activation(a)·b; saves a and b, where the composed formula also keeps activation(a)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, gate: str) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.gate = gate
        return _GATES[gate][0](a) * b

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        a, b = ctx.saved_tensors
        activation, derivative = _GATES[ctx.gate]
        for_a = for_b = None
        if ctx.needs_input_grad[0]:
            for_a = (gradient * b * derivative(a)).sum_to_size(a.shape)
        if ctx.needs_input_grad[1]:
            for_b = (gradient * activation(a)).sum_to_size(b.shape)
        return for_a, for_b, None


def _sigmoid_slope(a: Tensor) -> Tensor:
    s = torch.sigmoid(a)
    return s * (1.0 - s)


def _gelu_slope(a: Tensor) -> Tensor:
    density = torch.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)
    return torch.special.ndtr(a) + a * density


def _silu_slope(a: Tensor) -> Tensor:
    s = torch.sigmoid(a)
    return s * (1.0 + a * (1.0 - s))


_GATES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "glu": (torch.sigmoid, _sigmoid_slope),
    "bilinear": (lambda a: a, torch.ones_like),
    "reglu": (F.relu, lambda a: (a > 0).to(a.dtype)),
    "geglu": (F.gelu, _gelu_slope),
    "swiglu": (F.silu, _silu_slope),
}


# --- modules ----------------------------------------------------------------------------------


class ReLU2(nn.Module):
    """Squared ReLU max(x, 0)² (so2021primer).

    Args:
        save: what the backward pass keeps. ``"input"`` keeps x and is right everywhere.
            ``"output"`` keeps the output, which the next layer usually keeps anyway, so that the
            activation costs no memory of its own; the derivative is then 2√y. The root undoes
            the square exactly, in float32 and in bfloat16, except where the square left the
            dtype: x ≥ 256 or x < 1.7e-4 in float16, for instance.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    def __init__(self, save: Literal["input", "output"] = "input") -> None:
        super().__init__()
        if save not in ("input", "output"):
            raise ValueError(f"save must be 'input' or 'output', got {save!r}")
        self.save = save

    def forward(self, x: Tensor) -> Tensor:
        return _SquareFromOutput.apply(x) if self.save == "output" else _LeakySquare.apply(x, 0.0)

    def extra_repr(self) -> str:
        return f"save={self.save!r}"


class LeakyReLU2(nn.Module):
    """Squared leaky ReLU: x² for x > 0, a²x² otherwise.

    It saves its input and nothing else. The sign of x is needed, and the output has lost it, so
    the output could not be saved in its place as for :class:`ReLU2`.

    Args:
        slope: a, any finite number.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    def __init__(self, slope: float = 0.5) -> None:
        super().__init__()
        self.slope = _checked(get("leaky_relu2"), {"slope": slope})["slope"]

    def forward(self, x: Tensor) -> Tensor:
        return _LeakySquare.apply(x, self.slope)

    def extra_repr(self) -> str:
        return f"slope={self.slope:g}"


class Swish(nn.Module):
    """Swish x·σ(βx) with a β that is learned (ramachandran2017swish).

    Args:
        beta: where β starts, a finite number.
        channels: 1 for one β, or the size of axis 1 of the input for one β a channel (the layout
            of ``nn.PReLU``).
        learnable: False keeps β fixed, as a buffer.

    Shape:
        any with one β, (N, channels, ...) otherwise; the output has the input's shape and dtype.
    """

    def __init__(self, beta: float = 1.0, channels: int = 1, learnable: bool = True) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        start = _checked(get("silu"), {"beta": beta})["beta"]
        value = torch.full((channels,), start)
        if learnable:
            self.beta = nn.Parameter(value)
        else:
            self.register_buffer("beta", value)

    def forward(self, x: Tensor) -> Tensor:
        beta = self.beta
        if beta.numel() == 1:
            beta = beta.reshape(())
        elif x.ndim < 2 or x.shape[1] != beta.numel():
            raise ValueError(
                f"an input with {beta.numel()} channels on axis 1 is needed, "
                f"got shape {tuple(x.shape)}"
            )
        else:
            beta = beta.reshape(-1, *[1] * (x.ndim - 2))
        return _Swish.apply(x, beta.to(x.dtype))

    def extra_repr(self) -> str:
        kind = "learnable" if isinstance(self.beta, nn.Parameter) else "fixed"
        return f"channels={self.beta.numel()}, {kind}"


class GatedActivation(nn.Module):
    """The gated family: activation(a)·b from two inputs, or from one that packs both.

    Args:
        gate: ``glu``, ``bilinear``, ``reglu``, ``geglu`` or ``swiglu``.
        dim: the axis along which a packed input is halved.
        gate_first: whether a, which goes through the activation, is the first half, as in
            Llama's packed gate and up projections. ``F.glu`` gates with the *second* half:
            pass False to agree with it.

    Shape:
        one input (..., 2n, ...) gives (..., n, ...); two inputs of one shape give that shape.

    The backward pass saves a and b and recomputes the activation.
    """

    def __init__(self, gate: str = "swiglu", dim: int = -1, gate_first: bool = True) -> None:
        super().__init__()
        if gate not in _GATES:
            raise ValueError(f"gate must be one of {', '.join(_GATES)}, got {gate!r}")
        self.gate = gate
        self.dim = dim
        self.gate_first = gate_first

    def forward(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        if b is None:
            if a.ndim == 0 or a.shape[self.dim] % 2:
                raise ValueError(
                    f"axis {self.dim} of a packed input must have an even size, "
                    f"got shape {tuple(a.shape)}"
                )
            first, second = a.chunk(2, dim=self.dim)
            a, b = (first, second) if self.gate_first else (second, first)
        return _Gated.apply(a, b, self.gate)

    def extra_repr(self) -> str:
        return f"{self.gate}, dim={self.dim}, gate_first={self.gate_first}"


class GatedFeedForward(nn.Module):
    """A Transformer's gated feed-forward block: W₂(activation(Wx)·Vx) (shazeer2020glu).

    Args:
        features: width d of the input and output.
        hidden: width of the two inner projections. None takes ⅔ of 4d, rounded up to a multiple
            of 8: three matrices then have the parameters that two of an ungated block have.
        gate: as for :class:`GatedActivation`.
        bias: whether the projections have biases.

    Shape:
        (..., features) to (..., features). W and V are one packed projection.
    """

    def __init__(
        self, features: int, hidden: int | None = None, gate: str = "swiglu", bias: bool = False
    ) -> None:
        super().__init__()
        if features < 1 or (hidden is not None and hidden < 1):
            raise ValueError(f"widths must be at least 1, got {features} and {hidden}")
        self.hidden = hidden if hidden is not None else 8 * math.ceil(features / 3)
        self.inner = nn.Linear(features, 2 * self.hidden, bias=bias)
        self.activation = GatedActivation(gate)
        self.outer = nn.Linear(self.hidden, features, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.activation(self.inner(x)))


# --- by name ----------------------------------------------------------------------------------


def _checked(entry: Activation, parameters: dict[str, Any]) -> dict[str, float]:
    """Defaults overlaid with ``parameters``, each checked as the NumPy function checks it."""
    unknown = sorted(set(parameters) - set(entry.defaults))
    if unknown:
        known = ", ".join(entry.defaults) or "none"
        raise TypeError(f"{entry.name} has no parameter {unknown[0]!r} (its parameters: {known})")
    return {
        parameter.name: float(
            parameter.check(parameters.get(parameter.name, parameter.default), ())
        )
        for parameter in entry.parameters
    }


def torch_equivalent(name: str, **parameters: Any) -> Callable[..., Tensor]:
    """The torch function for a catalogue entry: torch's own where it has one, composed elsewhere.

    Args:
        name: a name or alias in :data:`actlab.functions.CATALOGUE`.
        **parameters: the entry's parameters, numbers; ``axis`` as well for the vector kind.

    Returns:
        a function of one tensor, or of two (a, b) for the gated kind. Differences that torch
        brings: ``F.softplus`` returns x where βx > 20, and ``F.gelu`` loses the left tail to
        cancellation.

    Raises:
        ValueError: for an unknown name or a value outside a parameter's domain.
        TypeError: for a parameter that the entry does not have.
    """
    entry = get(name)
    axis = parameters.pop("axis", -1) if entry.kind == "vector" else -1
    return _EQUIVALENTS[entry.name](axis=axis, **_checked(entry, parameters))


def _prelu(x: Tensor, slope: float) -> Tensor:
    return F.prelu(x, torch.full((1,), slope, dtype=x.dtype, device=x.device))


def _plain(function: Callable[..., Tensor], **fixed: Any) -> Callable[..., Callable[..., Tensor]]:
    """A maker for a function that has no parameters of the catalogue."""
    return lambda axis: lambda *tensors: function(*tensors, **fixed)


_EQUIVALENTS: dict[str, Callable[..., Callable[..., Tensor]]] = {
    "sigmoid": _plain(torch.sigmoid),
    "log_sigmoid": _plain(F.logsigmoid),
    "tanh": _plain(torch.tanh),
    "softsign": _plain(F.softsign),
    "softplus": lambda axis, beta: lambda x: F.softplus(x, beta),
    "relu": _plain(F.relu),
    "relu6": _plain(F.relu6),
    "leaky_relu": lambda axis, slope: lambda x: F.leaky_relu(x, slope),
    "prelu": lambda axis, slope: lambda x: _prelu(x, slope),
    "rrelu": lambda axis, lower, upper: lambda x: F.rrelu(x, lower, upper, training=False),
    "elu": lambda axis, alpha: lambda x: F.elu(x, alpha),
    "celu": lambda axis, alpha: lambda x: F.celu(x, alpha),
    "selu": _plain(F.selu),
    "gelu": _plain(F.gelu),
    "gelu_tanh": _plain(F.gelu, approximate="tanh"),
    "silu": lambda axis, beta: F.silu if beta == 1 else lambda x: x * torch.sigmoid(beta * x),
    "mish": _plain(F.mish),
    "hardswish": _plain(F.hardswish),
    "softmax": lambda axis, temperature: lambda x: F.softmax(x / temperature, dim=axis),
    "log_softmax": lambda axis, temperature: lambda x: F.log_softmax(x / temperature, dim=axis),
    "relu2": _plain(lambda x: F.relu(x).square()),
    "leaky_relu2": lambda axis, slope: lambda x: F.leaky_relu(x, slope).square(),
    # F.glu(packed) is first half · σ(second half): the gate a goes second.
    "glu": _plain(lambda a, b: F.glu(torch.stack((b, a)), dim=0).squeeze(0)),
    "bilinear": _plain(torch.mul),
    "reglu": _plain(lambda a, b: F.relu(a) * b),
    "geglu": _plain(lambda a, b: F.gelu(a) * b),
    "swiglu": _plain(lambda a, b: F.silu(a) * b),
}


def module_for(name: str, **parameters: Any) -> nn.Module:
    """A fresh ``nn.Module`` for a catalogue entry: torch's own class where it has one.

    Args:
        name: a name or alias in :data:`actlab.functions.CATALOGUE`.
        **parameters: the entry's parameters, numbers; ``axis`` as well for the vector kind.

    Returns:
        a module of one input; the gated ones also take one packed input whose first half is the
        gate. PReLU's slope is learned; ``rrelu`` samples while in training mode, as torch's does;
        silu is ``nn.SiLU`` for β = 1 and a :class:`Swish` with a fixed β otherwise.

    Raises:
        ValueError: for an unknown name or a value outside a parameter's domain.
        TypeError: for a parameter that the entry does not have.
    """
    entry = get(name)
    if entry.kind == "gated":
        _checked(entry, parameters)
        return GatedActivation(entry.name)
    axis = parameters.pop("axis", -1) if entry.kind == "vector" else -1
    values = _checked(entry, parameters)
    if entry.kind == "vector":
        return _Softened(entry.name, axis, values["temperature"])
    return _MODULES[entry.name](**values)


class _Softened(nn.Module):
    """Softmax or log-softmax with a temperature, which torch's modules lack."""

    def __init__(self, name: str, axis: int, temperature: float) -> None:
        super().__init__()
        self.name, self.axis, self.temperature = name, axis, temperature
        self.function = torch_equivalent(name, axis=axis, temperature=temperature)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return f"{self.name}, axis={self.axis}, temperature={self.temperature:g}"


_MODULES: dict[str, Callable[..., nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "log_sigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "softsign": nn.Softsign,
    "softplus": lambda beta: nn.Softplus(beta),
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": lambda slope: nn.LeakyReLU(slope),
    "prelu": lambda slope: nn.PReLU(init=slope),
    "rrelu": lambda lower, upper: nn.RReLU(lower, upper),
    "elu": lambda alpha: nn.ELU(alpha),
    "celu": lambda alpha: nn.CELU(alpha),
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": lambda beta: nn.SiLU() if beta == 1 else Swish(beta, learnable=False),
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "relu2": ReLU2,
    "leaky_relu2": LeakyReLU2,
}
