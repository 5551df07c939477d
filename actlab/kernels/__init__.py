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

The rooms: :mod:`.formulas` has the functions, a few lines each; :mod:`.mathematics` their
exponentials; :mod:`.elementwise` the template; :mod:`.gated`, :mod:`.rows`, :mod:`.bias`,
:mod:`.squares`, :mod:`.learned` and :mod:`.linear` the kernels with another shape; :mod:`.sass`
counts machine instructions without a GPU; :mod:`.selftest` proves the results on one; :mod:`.tune`
tries launch shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from actlab.functions import CATALOGUE, Activation, get
from actlab.functions.axes import checked_axes
from actlab.kernels.availability import KernelUnavailable, available, require

if TYPE_CHECKING:
    from torch import Tensor

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

Axes = int | tuple[int, ...]

#: Formulas in the library's own words, to be measured beside ours, and what they compute.
_VARIANTS = {"gelu_by_erf": "gelu", "silu_by_sigmoid": "silu", "mish_by_log": "mish"}


def names() -> tuple[str, ...]:
    """The functions that have kernels: all of the catalogue, in its order."""
    return tuple(CATALOGUE)


def variants() -> dict[str, str]:
    """Other formulas of catalogue functions that :func:`apply` takes, for measurements only.

    They are written with ``tl.erf``, ``tl.sigmoid`` and ``tl.log`` as most kernels are, lose the
    tails that those lose, and cost more instructions (:mod:`actlab.kernels.sass`).
    """
    return dict(_VARIANTS)


def apply(name: str, *inputs: Tensor, **parameters: Any) -> Tensor:
    """Compute a catalogue function (or a variant) with its kernel.

    Args:
        name: a name or alias in :data:`actlab.functions.CATALOGUE`, or one of :func:`variants`.
        *inputs: one tensor; for the gated kind a packed (..., 2h) one, or a and b.
        **parameters: the entry's parameters, numbers; ``axis`` as well for the vector kind and
            ``gate_first`` for the gated one.

    Returns:
        a new tensor of the input's dtype; shape as the input's, or (..., h) for a packed one.

    Raises:
        KernelUnavailable: no kernel can run here, or not on this tensor's device.
        ValueError: an unknown name, or a value or shape that the function does not take.
        TypeError: a parameter that the function does not have, or a wrong number of inputs.
    """
    # A call that was made before with these parameters needs no look at them, which is most of
    # what a call costs; the tracer of torch.compile takes the long way once.
    call = _call(name, parameters) if len(inputs) == 1 and not _is_compiling() else None
    if call is not None:
        known = _KNOWN.get(call)
        if known is not None:
            require(*inputs)
            operator, p, q = known
            return operator(*inputs, p, q)
    if name in _VARIANTS:
        entry, formula = get(_VARIANTS[name]), name
        if parameters and parameters != {"beta": 1.0}:
            raise TypeError(f"{name} has no parameters")
        parameters = {}
    else:
        entry, formula = _entry(name), None
    if entry.kind == "gated":
        return _gated(entry.name, inputs, **parameters)
    if len(inputs) != 1:
        raise TypeError(f"{entry.name} takes one tensor, got {len(inputs)}")
    if entry.kind == "vector":
        return _rows(entry.name, inputs[0], **parameters)
    return _elementwise(entry, inputs[0], parameters, formula, call)


#: Operator and scalars of elementwise calls, by name and parameters.
_KNOWN: dict[tuple[Any, ...], tuple[Any, float, float]] = {}
#: How many calls are remembered: a slope that is scheduled has another value in every step.
MOST_KNOWN = 256


def _call(name: Any, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    """The key of a call, or None where a value is no plain number.

    A tensor or an array would be found again by its identity, whatever it holds by then.
    """
    if type(name) is not str or any(type(v) not in (int, float) for v in parameters.values()):
        return None
    return (name, *parameters.items())


def _is_compiling() -> bool:
    try:
        from torch.compiler import is_compiling
    except ImportError:
        return False
    return is_compiling()


def _entry(name: str) -> Activation:
    try:
        return get(name)
    except ValueError:
        near = get_close_matches(str(name), _VARIANTS, n=1)
        if near:
            raise ValueError(
                f"there is no kernel called {name!r}: did you mean {near[0]}?"
            ) from None
        raise


def _elementwise(
    entry: Activation,
    x: Tensor,
    parameters: dict[str, Any],
    formula: str | None = None,
    call: tuple[Any, ...] | None = None,
) -> Tensor:
    values = entry.checked(parameters)
    require(x)
    from actlab.kernels.elementwise import OPERATORS
    from actlab.kernels.formulas import resolve

    if formula is None:
        found, (p, q) = resolve(entry.name, values)
        formula = found.name
    else:
        p = q = 0.0
    operator = OPERATORS[formula]
    if call is not None:
        if len(_KNOWN) >= MOST_KNOWN:
            # The oldest: dictionaries keep the order in which keys came.
            _KNOWN.pop(next(iter(_KNOWN), None), None)
        _KNOWN[call] = (operator, p, q)
    return operator(x, p, q)


# --- along an axis ----------------------------------------------------------------------------


def _rows(name: str, x: Tensor, axis: Axes = -1, temperature: float = 1.0) -> Tensor:
    (parameter,) = get(name).parameters
    temperature = parameter.number(temperature)
    require(x)
    from actlab.kernels.rows import OPERATORS

    axes = checked_axes(axis, x.ndim, "a tensor")
    if x.ndim == 0:
        return OPERATORS[name](x.reshape(1), temperature).reshape(())
    last = tuple(range(x.ndim - len(axes), x.ndim))
    logits = x.movedim(axes, last)
    kept = logits.shape[: x.ndim - len(axes)]
    rows = logits if len(axes) == 1 else logits.reshape(*kept, math.prod(logits.shape[len(kept) :]))
    return OPERATORS[name](rows, temperature).reshape(logits.shape).movedim(last, axes)


def softmax(x: Tensor, axis: Axes = -1, temperature: float = 1.0) -> Tensor:
    """Softmax e^(x_i/τ) / Σ_j e^(x_j/τ) along an axis, or a tuple of axes (bridle1990softmax).

    A row that fits into a program's registers is read once and written once; a longer one is read
    twice. −∞ marks an entry that takes no part. A row with +∞, with NaN, or with nothing but −∞
    is NaN throughout, as in torch.

    Raises:
        ValueError: the axis is out of range, or the temperature is not positive.
    """
    return _rows("softmax", x, axis, temperature)


def log_softmax(x: Tensor, axis: Axes = -1, temperature: float = 1.0) -> Tensor:
    """log softmax(x) along an axis; the winner's value keeps its digits where torch returns 0.

    Edges and errors as for :func:`softmax`.
    """
    return _rows("log_softmax", x, axis, temperature)


# --- gated ------------------------------------------------------------------------------------


def _gated(
    name: str, inputs: tuple[Tensor, ...], gate_first: bool = True, **parameters: float
) -> Tensor:
    values = get(name).checked(parameters).values()
    if len(inputs) not in (1, 2):
        raise TypeError(f"{name} takes a packed tensor, or a and b; got {len(inputs)} inputs")
    require(*inputs)
    from actlab.kernels.gated import PACKED, SEPARATE

    if len(inputs) == 1:
        (packed,) = inputs
        if packed.ndim == 0 or packed.shape[-1] % 2:
            raise ValueError(
                f"the last axis of a packed input must have an even size, "
                f"got shape {tuple(packed.shape)}"
            )
        return PACKED[name](packed, bool(gate_first), *values)
    a, b = inputs
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(
            f"a and b must have one shape and dtype, got {tuple(a.shape)} {a.dtype} "
            f"and {tuple(b.shape)} {b.dtype}"
        )
    return SEPARATE[name](a, b, *values)


def _gate(name: str, summary: str) -> Callable[..., Tensor]:
    def gate(packed_or_a: Tensor, b: Tensor | None = None, gate_first: bool = True) -> Tensor:
        inputs = (packed_or_a,) if b is None else (packed_or_a, b)
        return _gated(name, inputs, gate_first)

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
        return _elementwise(get("relu2"), x, {})
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
        return _elementwise(get("leaky_relu2"), x, {"slope": slope})
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
        return _elementwise(get("prelu"), x, {"slope": slope})
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
    entry = _entry(name)
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
