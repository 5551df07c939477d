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
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from actlab.functions import get
from actlab.functions.axes import checked_axes
from actlab.functions.rectifiers import BULGE, XIELU_BETA

Axes = int | tuple[int, ...]

# --- functions that carry their own backward pass ---------------------------------------------


def _wide(*tensors: Tensor) -> tuple[Tensor, ...]:
    """float16 and bfloat16 as float32: formulas are computed there and rounded once."""
    return tuple(t.float() if t.dtype.itemsize < 4 else t for t in tensors)


def _finite(x: Tensor) -> Tensor:
    """``x`` with the largest number in place of ±∞: what vanishes then takes it to 0, not NaN."""
    return x.clamp(-torch.finfo(x.dtype).max, torch.finfo(x.dtype).max)


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
        wide, steep = _wide(x, beta)
        gate = torch.sigmoid(steep * _finite(wide))
        return (gate * torch.where(gate == 0, _finite(wide), wide)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, beta = ctx.saved_tensors
        upstream, wide, steep = _wide(gradient, x, beta)
        wide = _finite(wide)
        t = _finite(steep * wide)
        gate = torch.sigmoid(t)
        slope = gate * torch.sigmoid(-t)
        for_x = for_beta = None
        if ctx.needs_input_grad[0]:
            for_x = (upstream * (gate + t * slope)).to(x.dtype)
        if ctx.needs_input_grad[1]:
            # x²·σ′, where x² alone may overflow.
            for_beta = (upstream * (wide * (wide * slope))).sum_to_size(beta.shape).to(beta.dtype)
        return for_x, for_beta


class _Star(torch.autograd.Function):
    """s·max(x, 0)² + b; saves x and s."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale)
        wide, s, b = _wide(x, scale, bias)
        r = _finite(F.relu(wide))
        return (s * r * r + b).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, scale = ctx.saved_tensors
        upstream, wide, s = _wide(gradient, x, scale)
        r = F.relu(wide)
        for_x = for_scale = for_bias = None
        if ctx.needs_input_grad[0]:
            slope = s * torch.where(s == 0, _finite(r), r)
            for_x = (2.0 * (upstream * slope)).to(x.dtype)
        if ctx.needs_input_grad[1]:
            for_scale = (upstream * r * r).sum_to_size(scale.shape).to(scale.dtype)
        if ctx.needs_input_grad[2]:
            for_bias = upstream.sum_to_size(scale.shape).to(scale.dtype)
        return for_x, for_scale, for_bias


class _Snake(torch.autograd.Function):
    """x + sin²(ax)/a with a = e^log_a; saves x and log_a."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, log_a: Tensor) -> Tensor:
        ctx.save_for_backward(x, log_a)
        wide, exponent = _wide(x, log_a)
        a = exponent.exp()
        return (wide + torch.sin(a * _finite(wide)).square() / a).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, log_a = ctx.saved_tensors
        upstream, wide, exponent = _wide(gradient, x, log_a)
        a = exponent.exp()
        for_x = for_a = None
        if ctx.needs_input_grad[0]:
            slope = 2.0 * torch.sin(a * wide + math.pi / 4).square()
            for_x = (upstream * slope).to(x.dtype)
        if ctx.needs_input_grad[1]:
            t = a * wide
            terms = wide * torch.sin(2.0 * t) - torch.sin(t).square() / a
            for_a = (upstream * terms).sum_to_size(log_a.shape).to(log_a.dtype)
        return for_x, for_a


def _bulge(x: Tensor) -> Tensor:
    """e^x − 1 − x for x ≤ 0, by its series near 0."""
    inner = x.clamp(min=-0.5)
    series = torch.full_like(inner, BULGE[0])
    for coefficient in BULGE[1:]:
        series = series * inner + coefficient
    return torch.where(x > -0.5, inner * inner * series, torch.expm1(x) - x)


class _XIELU(torch.autograd.Function):
    """α_p·x² + x/2 for x > 0, else α_n·(e^x − 1 − x) + x/2; saves x, α_p and α_n."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha_p: Tensor, alpha_n: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha_p, alpha_n)
        wide, p, n = _wide(x, alpha_p, alpha_n)
        below = wide.clamp(max=0)
        end = XIELU_BETA - n
        far = n * torch.expm1(below) + end * torch.where(end == 0, _finite(below), below)
        near = XIELU_BETA * below + n * _bulge(_finite(below))
        above = wide.clamp(min=0) * (p * wide.clamp(min=0) + XIELU_BETA)
        return torch.where(wide > 0, above, torch.where(wide > -0.5, near, far)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, alpha_p, alpha_n = ctx.saved_tensors
        upstream, wide, p, n = _wide(gradient, x, alpha_p, alpha_n)
        above, below = wide.clamp(min=0), wide.clamp(max=0)
        for_x = for_p = for_n = None
        if ctx.needs_input_grad[0]:
            slope = torch.where(wide > 0, 2.0 * (p * above), n * torch.expm1(below))
            for_x = (upstream * (slope + XIELU_BETA)).to(x.dtype)
        if ctx.needs_input_grad[1]:
            for_p = (upstream * above * above).sum_to_size(p.shape).to(p.dtype)
        if ctx.needs_input_grad[2]:
            for_n = (upstream * _bulge(below)).sum_to_size(n.shape).to(n.dtype)
        return for_x, for_p, for_n


class _Gated(torch.autograd.Function):
    """activation(a)·b; saves a and b, where the composed formula also keeps activation(a).

    The clamped SwiGLU, which has the parameters α and L, cuts both off and takes b + 1 for b.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, gate: str, *parameters: float) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.gate, ctx.parameters = gate, parameters
        wide_a, wide_b = _wide(a, b)
        if parameters:
            wide_a, wide_b = _clamped(wide_a, wide_b, parameters[1])
        return (_gate(gate, parameters)[0](wide_a) * wide_b).to(
            torch.promote_types(a.dtype, b.dtype)
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        upstream, wide_a, wide_b = _wide(gradient, a, b)
        activation, derivative = _gate(ctx.gate, ctx.parameters)
        passed_a = passed_b = None
        if ctx.parameters:
            limit = ctx.parameters[1]
            passed_a, passed_b = wide_a <= limit, wide_b.abs() <= limit
            wide_a, wide_b = _clamped(wide_a, wide_b, limit)
        for_a = for_b = None
        if ctx.needs_input_grad[0]:
            slope = derivative(wide_a)
            slope = slope if passed_a is None else slope * passed_a
            for_a = (upstream * wide_b * slope).sum_to_size(a.shape).to(a.dtype)
        if ctx.needs_input_grad[1]:
            through = activation(wide_a)
            through = through if passed_b is None else through * passed_b
            for_b = (upstream * through).sum_to_size(b.shape).to(b.dtype)
        return for_a, for_b, None, *(None for _ in ctx.parameters)


def _sigmoid_slope(a: Tensor) -> Tensor:
    # σ(−a) is 1 − σ(a) without the subtraction.
    return torch.sigmoid(a) * torch.sigmoid(-a)


def _gelu_slope(a: Tensor) -> Tensor:
    a = a.clamp(-40.0, 40.0)  # beyond, the density is 0 and Φ is 0 or 1, in float64 too
    density = torch.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)
    return torch.special.ndtr(a) + a * density


def _silu_slope(a: Tensor) -> Tensor:
    return torch.sigmoid(a) + _finite(a) * _sigmoid_slope(a)


def _clamped(a: Tensor, b: Tensor, limit: float) -> tuple[Tensor, Tensor]:
    return a.clamp(max=limit), b.clamp(-limit, limit) + 1.0


def _gate(name: str, parameters: tuple[float, ...]) -> tuple[Callable[[Tensor], Tensor], ...]:
    """The function of a in a gate, and its derivative."""
    if not parameters:
        return _GATES[name]
    alpha = parameters[0]
    return (
        lambda a: _finite(a) * torch.sigmoid(alpha * _finite(a)),
        lambda a: torch.sigmoid(alpha * a) + _finite(alpha * a) * _sigmoid_slope(alpha * a),
    )


def _from_below(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """``function`` with its limit 0 at −∞, where torch multiplies 0 · −∞."""
    return lambda a: function(a.clamp(min=torch.finfo(a.dtype).min))


_GATES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "glu": (torch.sigmoid, _sigmoid_slope),
    "bilinear": (lambda a: a, torch.ones_like),
    "reglu": (F.relu, lambda a: (a > 0).to(a.dtype)),
    "geglu": (_from_below(lambda a: a * torch.special.ndtr(a)), _gelu_slope),
    "swiglu": (_from_below(F.silu), _silu_slope),
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
        self.slope = get("leaky_relu2").checked({"slope": slope})["slope"]

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
        start = get("silu").checked({"beta": beta})["beta"]
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
        # β keeps its float32 beside 16-bit inputs: rounded to theirs it would be another function.
        return _Swish.apply(x, beta.to(torch.promote_types(beta.dtype, x.dtype)))

    def extra_repr(self) -> str:
        kind = "learnable" if isinstance(self.beta, nn.Parameter) else "fixed"
        return f"channels={self.beta.numel()}, {kind}"


def _learned(module: nn.Module, learnable: bool, **values: float) -> None:
    """Numbers as parameters of a module, or as its buffers."""
    for name, value in values.items():
        if learnable:
            module.register_parameter(name, nn.Parameter(torch.tensor(value)))
        else:
            module.register_buffer(name, torch.tensor(value))


class StarReLU(nn.Module):
    """s·max(x, 0)² + b with s and b that are learned (yu2024metaformer).

    Args:
        scale: where s starts, a finite number. The paper's 0.8944 and −0.4472 give a standard
            normal input mean 0 and variance 1; its code starts at 1 and 0.
        bias: where b starts, a finite number.
        learnable: False keeps both fixed, as buffers.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    scale: Tensor
    bias: Tensor

    def __init__(
        self, scale: float = 0.8944, bias: float = -0.4472, learnable: bool = True
    ) -> None:
        super().__init__()
        _learned(self, learnable, **get("star_relu").checked({"scale": scale, "bias": bias}))

    def forward(self, x: Tensor) -> Tensor:
        return _Star.apply(x, self.scale, self.bias)

    def extra_repr(self) -> str:
        return "learnable" if isinstance(self.scale, nn.Parameter) else "fixed"


class Snake(nn.Module):
    """x + sin²(ax)/a with an a that is learned (ziyin2020snake).

    Its logarithm is the parameter, as in BigVGAN's configurations: a stays positive.

    Args:
        alpha: where a starts, a positive number.
        learnable: False keeps it fixed, as a buffer.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    log_alpha: Tensor

    def __init__(self, alpha: float = 1.0, learnable: bool = True) -> None:
        super().__init__()
        alpha = get("snake").checked({"alpha": alpha})["alpha"]
        _learned(self, learnable, log_alpha=math.log(alpha))

    def forward(self, x: Tensor) -> Tensor:
        return _Snake.apply(x, self.log_alpha)

    def extra_repr(self) -> str:
        return "learnable" if isinstance(self.log_alpha, nn.Parameter) else "fixed"


class XIELU(nn.Module):
    """xIELU with α_p and α_n that are learned (huang2024xielu).

    What is learned are numbers whose softplus is α_p and α_n − ½, as in the paper.

    Args:
        alpha_p: where α_p starts, a positive number.
        alpha_n: where α_n starts; above ½ where it is learned.
        learnable: False keeps both fixed, as buffers.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    alpha_p: Tensor
    alpha_n: Tensor

    def __init__(self, alpha_p: float = 0.8, alpha_n: float = 0.8, learnable: bool = True) -> None:
        super().__init__()
        values = get("xielu").checked({"alpha_p": alpha_p, "alpha_n": alpha_n})
        self.learnable = learnable
        if learnable:
            if values["alpha_n"] <= XIELU_BETA:
                raise ValueError(
                    f"a learned alpha_n must start above {XIELU_BETA}, which is added to a "
                    f"positive number; got {alpha_n!r}"
                )
            values["alpha_n"] -= XIELU_BETA
            # The inverse of the softplus.
            values = {key: value + math.log(-math.expm1(-value)) for key, value in values.items()}
        _learned(self, learnable, **values)

    def forward(self, x: Tensor) -> Tensor:
        p, n = self.alpha_p, self.alpha_n
        if self.learnable:
            p, n = F.softplus(p), XIELU_BETA + F.softplus(n)
        return _XIELU.apply(x, p, n)

    def extra_repr(self) -> str:
        return "learnable" if self.learnable else "fixed"


class SoftCap(nn.Module):
    """c·tanh(x/c) (gemma2024gemma2).

    Args:
        cap: c, a positive number; Gemma 2 takes 30 for its last logits and 50 in its attention.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    def __init__(self, cap: float = 30.0) -> None:
        super().__init__()
        self.cap = get("softcap").checked({"cap": cap})["cap"]

    def forward(self, x: Tensor) -> Tensor:
        return _EQUIVALENTS["softcap"](axis=-1, cap=self.cap)(x)

    def extra_repr(self) -> str:
        return f"cap={self.cap:g}"


class QuickGELU(nn.Module):
    """x·σ(1.702x) (hendrycks2016gelu); its backward pass saves x alone.

    Shape:
        any; the output has the shape and dtype of the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        steepness = x.new_tensor(1.702, dtype=torch.promote_types(x.dtype, torch.float32))
        return _Swish.apply(x, steepness)


class GatedActivation(nn.Module):
    """The gated family: activation(a)·b from two inputs, or from one that packs both.

    Args:
        gate: ``glu``, ``bilinear``, ``reglu``, ``geglu``, ``swiglu`` or ``clamped_swiglu``.
        dim: the axis along which a packed input is halved.
        gate_first: whether a, which goes through the activation, is the first half, as in
            Llama's packed gate and up projections. ``F.glu`` gates with the *second* half:
            pass False to agree with it.
        **parameters: the gate's, numbers: alpha and limit of ``clamped_swiglu``.

    Shape:
        one input (..., 2n, ...) gives (..., n, ...); two inputs of one shape give that shape.

    The backward pass saves a and b and recomputes the activation.
    """

    def __init__(
        self, gate: str = "swiglu", dim: int = -1, gate_first: bool = True, **parameters: float
    ) -> None:
        super().__init__()
        gates = [*_GATES, "clamped_swiglu"]
        if gate not in gates:
            raise ValueError(f"gate must be one of {', '.join(gates)}, got {gate!r}")
        self.gate = gate
        self.parameters_of_gate = get(gate).checked(parameters)
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
        return _Gated.apply(a, b, self.gate, *self.parameters_of_gate.values())

    def extra_repr(self) -> str:
        values = "".join(f", {key}={value:g}" for key, value in self.parameters_of_gate.items())
        return f"{self.gate}, dim={self.dim}, gate_first={self.gate_first}{values}"


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


def torch_equivalent(name: str, **parameters: Any) -> Callable[..., Tensor]:
    """The torch function for a catalogue entry: torch's own where it has one, composed elsewhere.

    Args:
        name: a name or alias in :data:`actlab.functions.CATALOGUE`.
        **parameters: the entry's parameters, numbers; ``axis`` as well for the vector kind
            (an integer or a tuple).

    Returns:
        a function of one tensor, or of two (a, b) for the gated kind. Differences that torch
        brings: ``F.softplus`` returns x where βx > 20, ``F.hardsigmoid``
        has a slope of 1/6 rounded to float32 in float64 as well, ``F.gelu`` loses the left tail to
        cancellation. At ±∞ torch multiplies a gate of 0 by ∞: NaN for softsign, gelu, gelu_tanh,
        quick_gelu, silu, mish and hardswish (at −∞; gradients at both ends, but for hardswish)
        where the function has a limit, and for the gates made of them.

    Raises:
        ValueError: for an unknown name or a value outside a parameter's domain.
        TypeError: for a parameter that the entry does not have.
    """
    entry = get(name)
    axis = parameters.pop("axis", -1) if entry.kind == "vector" else -1
    return _EQUIVALENTS[entry.name](axis=axis, **entry.checked(parameters))


def _softened(function: Callable[..., Tensor], axis: Axes, temperature: float, x: Tensor) -> Tensor:
    """(Log-)softmax of x/τ: shifted first, because x/τ may overflow where (x − max x)/τ does not.

    The halves keep the difference of two large numbers of opposite sign finite.
    """
    axes = checked_axes(axis, x.ndim, "a tensor")
    if len(axes) == 1 and (temperature == 1 or not x.numel()):
        return function(x, dim=axes[0])
    (wide,) = _wide(x.reshape(1) if x.ndim == 0 else x)
    if temperature != 1 and x.numel():
        largest = wide.detach().amax(dim=axes, keepdim=True)
        wide = (0.5 * wide - 0.5 * largest) / (0.5 * temperature)
    last = tuple(range(wide.ndim - len(axes), wide.ndim))
    moved = wide.movedim(axes, last)
    kept = moved.shape[: wide.ndim - len(axes)]
    rows = moved.reshape(*kept, math.prod(moved.shape[len(kept) :]))
    y = function(rows, dim=-1).reshape(moved.shape).movedim(last, axes)
    return y.reshape(x.shape).to(x.dtype)


def _prelu(x: Tensor, slope: float) -> Tensor:
    if not slope:
        return F.relu(x)
    return F.prelu(x, torch.full((1,), slope, dtype=x.dtype, device=x.device))


def _rrelu(x: Tensor, lower: float, upper: float) -> Tensor:
    return F.rrelu(x, lower, upper, training=False) if lower + upper else F.relu(x)


def _glu(a: Tensor, b: Tensor) -> Tensor:
    both = torch.promote_types(a.dtype, b.dtype)
    packed = torch.stack(torch.broadcast_tensors(b.to(both), a.to(both)))
    return F.glu(packed, dim=0).squeeze(0)


def _plain(function: Callable[..., Tensor], **fixed: Any) -> Callable[..., Callable[..., Tensor]]:
    """A maker for a function that has no parameters of the catalogue."""
    return lambda axis: lambda *tensors: function(*tensors, **fixed)


_EQUIVALENTS: dict[str, Callable[..., Callable[..., Tensor]]] = {
    "sigmoid": _plain(torch.sigmoid),
    "hard_sigmoid": _plain(F.hardsigmoid),
    "log_sigmoid": _plain(F.logsigmoid),
    "tanh": _plain(torch.tanh),
    "hardtanh": _plain(F.hardtanh),
    "softcap": lambda axis, cap: lambda x: cap * torch.tanh(x / cap),
    "softsign": _plain(F.softsign),
    "softplus": lambda axis, beta: lambda x: F.softplus(x, beta),
    "relu": _plain(F.relu),
    "relu6": _plain(F.relu6),
    "leaky_relu": lambda axis, slope: lambda x: _leaky(x, slope),
    "prelu": lambda axis, slope: lambda x: _prelu(x, slope),
    "rrelu": lambda axis, lower, upper: lambda x: _rrelu(x, lower, upper),
    "elu": lambda axis, alpha: lambda x: F.elu(x, alpha),
    "celu": lambda axis, alpha: lambda x: F.celu(x, alpha),
    "selu": _plain(F.selu),
    "gelu": _plain(F.gelu),
    "gelu_tanh": _plain(F.gelu, approximate="tanh"),
    "quick_gelu": _plain(lambda x: x * torch.sigmoid(1.702 * x)),
    "silu": lambda axis, beta: F.silu if beta == 1 else lambda x: x * torch.sigmoid(beta * x),
    "mish": _plain(F.mish),
    "hardswish": _plain(F.hardswish),
    "softmax": lambda axis, temperature: partial(_softened, F.softmax, axis, temperature),
    "log_softmax": lambda axis, temperature: partial(_softened, F.log_softmax, axis, temperature),
    "relu2": _plain(lambda x: F.relu(x).square()),
    "leaky_relu2": lambda axis, slope: lambda x: _leaky(x, slope).square(),
    "star_relu": lambda axis, scale, bias: lambda x: scale * _finite(F.relu(x)).square() + bias,
    "snake": lambda axis, alpha: lambda x: x + torch.sin(alpha * _finite(x)).square() / alpha,
    "xielu": lambda axis, alpha_p, alpha_n: (
        lambda x: torch.where(
            x > 0,
            alpha_p * x.clamp(min=0).square() + XIELU_BETA * x,
            alpha_n * torch.expm1(x.clamp(max=0)) + (XIELU_BETA - alpha_n) * x.clamp(max=0),
        )
    ),
    # F.glu(packed) is first half · σ(second half): the gate a goes second.
    "glu": _plain(_glu),
    "bilinear": _plain(torch.mul),
    "reglu": _plain(lambda a, b: F.relu(a) * b),
    "geglu": _plain(lambda a, b: F.gelu(a) * b),
    "swiglu": _plain(lambda a, b: F.silu(a) * b),
    "clamped_swiglu": lambda axis, alpha, limit: (
        lambda a, b: (
            (clamped := a.clamp(max=limit))
            * torch.sigmoid(alpha * clamped)
            * (b.clamp(-limit, limit) + 1)
        )
    ),
}


def module_for(name: str, **parameters: Any) -> nn.Module:
    """A fresh ``nn.Module`` for a catalogue entry: torch's own class where it has one.

    Args:
        name: a name or alias in :data:`actlab.functions.CATALOGUE`.
        **parameters: the entry's parameters, numbers; ``axis`` as well for the vector kind
            (an integer or a tuple).

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
        return GatedActivation(entry.name, **parameters)
    axis = parameters.pop("axis", -1) if entry.kind == "vector" else -1
    values = entry.checked(parameters)
    if entry.kind == "vector":
        return _Softened(entry.name, axis, values["temperature"])
    return _MODULES[entry.name](**values)


class _Softened(nn.Module):
    """Softmax or log-softmax with a temperature, which torch's modules lack."""

    def __init__(self, name: str, axis: Axes, temperature: float) -> None:
        super().__init__()
        self.name, self.axis, self.temperature = name, axis, temperature

    def forward(self, x: Tensor) -> Tensor:
        # Made anew: a closure kept as an attribute would not pickle.
        return _EQUIVALENTS[self.name](axis=self.axis, temperature=self.temperature)(x)

    def extra_repr(self) -> str:
        return f"{self.name}, axis={self.axis}, temperature={self.temperature:g}"


_MODULES: dict[str, Callable[..., nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
    "log_sigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
    "softcap": lambda cap: SoftCap(cap),
    "softsign": nn.Softsign,
    "softplus": lambda beta: nn.Softplus(beta),
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": lambda slope: nn.LeakyReLU(slope) if slope else nn.ReLU(),
    "prelu": lambda slope: nn.PReLU(init=slope),
    "rrelu": lambda lower, upper: nn.RReLU(lower, upper) if lower or upper else nn.ReLU(),
    "elu": lambda alpha: nn.ELU(alpha),
    "celu": lambda alpha: nn.CELU(alpha),
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "quick_gelu": QuickGELU,
    "silu": lambda beta: nn.SiLU() if beta == 1 else Swish(beta, learnable=False),
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "relu2": ReLU2,
    "leaky_relu2": LeakyReLU2,
    "star_relu": StarReLU,
    "snake": Snake,
    "xielu": lambda alpha_p, alpha_n: XIELU(alpha_p, alpha_n, learnable=alpha_n > XIELU_BETA),
}
