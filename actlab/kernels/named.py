"""Functions that are called by their own names: what can be saved, learned, fused or gated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from actlab.functions import get
from actlab.kernels.availability import require
from actlab.kernels.dispatch import Axes, apply_elementwise, apply_gated, apply_rows, entry_of

if TYPE_CHECKING:
    from torch import Tensor


def softmax(x: Tensor, axis: Axes = -1, temperature: float = 1.0) -> Tensor:
    """Softmax e^(x_i/τ) / Σ_j e^(x_j/τ) along an axis, or a tuple of axes (bridle1990softmax).

    A row that fits into a program's registers is read once and written once; a longer one is read
    twice. −∞ marks an entry that takes no part. A row with +∞, with NaN, or with nothing but −∞
    is NaN throughout, as in torch.

    Raises:
        ValueError: the axis is out of range, or the temperature is not positive.
    """
    return apply_rows("softmax", x, axis, temperature)


def log_softmax(x: Tensor, axis: Axes = -1, temperature: float = 1.0) -> Tensor:
    """log softmax(x) along an axis; the winner's value keeps its digits where torch returns 0.

    Edges and errors as for :func:`softmax`.
    """
    return apply_rows("log_softmax", x, axis, temperature)


def _gate(name: str, summary: str) -> Callable[..., Tensor]:
    def gate(packed_or_a: Tensor, b: Tensor | None = None, gate_first: bool = True) -> Tensor:
        inputs = (packed_or_a,) if b is None else (packed_or_a, b)
        return apply_gated(name, inputs, gate_first)

    gate.__name__ = gate.__qualname__ = name
    gate.__doc__ = f"""{summary}

    Args:
        packed_or_a: (..., 2h), both halves as one projection writes them; or a alone.
        b: the gated values, of the shape and dtype of a, when they are not packed.
        gate_first: whether a, which goes through the activation, is the first half of a packed
            tensor. ``F.glu`` gates with the second: pass False to agree with it.

    Returns:
        (..., h), or the shape of a. The backward pass keeps the inputs and recomputes the gate.

    Raises:
        ValueError: an odd last axis, or a and b that differ in shape or dtype.
    """
    return gate


glu = _gate("glu", "GLU σ(a)·b (dauphin2017glu).")
bilinear = _gate("bilinear", "Bilinear a·b (shazeer2020glu).")
reglu = _gate("reglu", "ReGLU max(a, 0)·b (shazeer2020glu).")
geglu = _gate("geglu", "GEGLU GELU(a)·b with the erf form of GELU (shazeer2020glu).")
swiglu = _gate("swiglu", "SwiGLU SiLU(a)·b (shazeer2020glu).")


# --- what else can be saved, learned or fused ---------------------------------------------------


def _check_save(save: str) -> None:
    if save not in ("input", "output"):
        raise ValueError(f"save must be 'input' or 'output', got {save!r}")


def relu2(x: Tensor, save: Literal["input", "output"] = "input") -> Tensor:
    """max(x, 0)² (so2021primer).

    Args:
        x: any shape.
        save: what the backward pass keeps. ``"output"`` keeps y, which the next layer usually
            keeps anyway, and takes the derivative as 2√y: the same bits in bfloat16 and float16
            (float32: within 2 ulp) unless the square left the dtype, as it does in float16 for
            x ≥ 256 or x < 1.7e-4.
    """
    _check_save(save)
    require(x)
    if save == "input":
        return apply_elementwise(get("relu2"), x, {})
    from actlab.kernels.squares import relu2_saving_output

    return relu2_saving_output(x)


def leaky_relu2(
    x: Tensor, slope: float = 0.5, save: Literal["input", "output"] = "input"
) -> Tensor:
    """LeakyReLU(x, a)² with the derivative 2x for x > 0 and 2a²x below: 2a², not a.

    Args:
        x: any shape.
        slope: a, any finite number; only a² counts.
        save: what the backward pass keeps. ``"input"`` keeps x, one tensor, where torch's
            composition keeps two. ``"output"`` keeps y and one bit an element for the sign of x
            that squaring loses: the fewest bytes, because y is what the next linear layer keeps
            in any case, so that the activation itself costs 1/8 byte an element. Gradients are
            the same bits, with the exceptions of :func:`relu2`.
    """
    _check_save(save)
    slope = get("leaky_relu2").parameters[0].number(slope)
    if save == "input":
        return apply_elementwise(get("leaky_relu2"), x, {"slope": slope})
    require(x)
    from actlab.kernels.squares import leaky_relu2_saving_output

    return leaky_relu2_saving_output(x, slope)


def prelu(x: Tensor, slope: Tensor | float = 0.25) -> Tensor:
    """PReLU with a slope that is learned (he2015prelu).

    Args:
        x: (N, C, ...) when there is one slope a channel, any shape otherwise.
        slope: a number; or a tensor of one element or of C, differentiable, as ``F.prelu`` takes.

    Raises:
        ValueError: a slope tensor of another size.
    """
    if isinstance(slope, (int, float)):
        return apply_elementwise(get("prelu"), x, {"slope": slope})
    require(x, slope)
    channels = x.shape[1] if x.ndim > 1 else 1
    if slope.numel() not in (1, channels):
        raise ValueError(
            f"slope must have 1 element or one a channel ({channels}), got {slope.numel()}"
        )
    from actlab.kernels.learned import prelu as operator

    return operator(x, slope)


def rrelu(x: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, seed: int | None = None) -> Tensor:
    """RReLU as in training: a slope for each element, drawn uniformly (xu2015rrelu).

    torch keeps the drawn slopes for the backward pass. Here they are a function of ``seed`` and
    the element's position (Philox), drawn again in the backward pass: nothing but x is kept.
    For evaluation use ``apply("rrelu", x)``, which takes the mean slope.

    Args:
        x: any shape.
        lower, upper: range of the slopes.
        seed: an integer; None draws one from torch's global generator.

    Raises:
        ValueError: lower > upper, or one of them not finite.
    """
    values = get("rrelu").checked({"lower": lower, "upper": upper})
    require(x)
    import torch

    from actlab.kernels.learned import rrelu as operator

    if seed is None:
        seed = int(torch.randint(2**31, ()))
    return operator(x, values["lower"], values["upper"], seed)


def bias_activation(name: str, x: Tensor, bias: Tensor, **parameters: float) -> Tensor:
    """activation(x + bias) in one pass over x.

    Args:
        name: an elementwise function of the catalogue.
        x: (..., C).
        bias: (C,), of x's dtype.
        **parameters: the function's parameters.

    Returns:
        the shape of x. The sum is not rounded before the activation. The backward pass makes the
        gradients of x and of the bias (its column sums, in float32) in one pass.

    Raises:
        ValueError: a function of another kind, or a bias of another shape or dtype.
    """
    entry = entry_of(name)
    if entry.kind != "elementwise":
        raise ValueError(f"bias_activation takes an elementwise function, and {name} is not one")
    values = entry.checked(parameters)
    require(x, bias)
    if bias.ndim != 1 or x.ndim == 0 or x.shape[-1] != bias.shape[0] or x.dtype != bias.dtype:
        raise ValueError(
            f"bias must have the size of x's last axis and x's dtype, got {tuple(bias.shape)} "
            f"{bias.dtype} for x of {tuple(x.shape)} {x.dtype}"
        )
    from actlab.kernels.bias import operator
    from actlab.kernels.formulas import resolve

    formula, scalars = resolve(entry.name, values)
    return operator(x, bias, formula.name, *scalars)


def linear_leaky_relu2(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, slope: float = 0.5
) -> Tensor:
    """LeakyReLU(x·Wᵀ + b, a)² with the activation in the matrix product's epilogue.

    Args:
        x: (..., K).
        weight: (N, K), as ``nn.Linear`` keeps it.
        bias: (N,) or None.
        slope: a, any finite number.

    Returns:
        (..., N). The preactivation is written only when a gradient will be needed; the backward
        pass multiplies with torch's matrix product.

    Raises:
        ValueError: shapes or dtypes that do not fit together.
    """
    slope = get("leaky_relu2").parameters[0].number(slope)
    tensors = (x, weight) if bias is None else (x, weight, bias)
    require(*tensors)
    fits = x.ndim >= 1 and weight.ndim == 2 and x.shape[-1] == weight.shape[1]
    if not fits or (bias is not None and bias.shape != weight.shape[:1]):
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        raise ValueError(f"x (..., K), weight (N, K) and bias (N,) are needed, got {shapes}")
    if len({tensor.dtype for tensor in tensors}) > 1:
        dtypes = ", ".join(str(tensor.dtype) for tensor in tensors)
        raise ValueError(f"x, weight and bias must have one dtype, got {dtypes}")
    from actlab.kernels.linear import operator

    return operator(x, weight, bias, slope)
