"""Every elementwise activation as a forward and a backward expression.

A formula is two ``@triton.jit`` functions of float32 (or float64) values and one row of the table
below; the loads, stores, masks, dtypes, launches and the autograd registration come from
:mod:`actlab.kernels.elementwise`. To add a function, write

    forward(x, p, q, WIDE) -> y
    backward(g, s, p, q, WIDE) -> g · f′

where s is what the row says is saved (``input``: x, ``output``: y), p and q are the row's two
scalars, and WIDE tells that the result is float32 or float64 (see :mod:`.mathematics`).

What the backward pass saves. The output where the derivative can be had from it, as torch does
(relu, relu6, hardtanh, sigmoid, tanh): the next layer usually keeps that tensor anyway, so the
activation costs no memory of its own. The price is accuracy where the output saturates: y·(1 − y)
is off by half a unit of y. Everything else saves its input and recomputes.

Edges are those of :mod:`actlab.functions`: NaN in gives NaN out, ±∞ gives the limit. In the
backward pass a NaN input takes either branch of a ``where``, as in torch: its gradient is only NaN
if the upstream gradient is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import triton
import triton.language as tl

from actlab.functions import SELU_ALPHA, SELU_SCALE
from actlab.kernels.mathematics import (
    DOWN,
    FAR,
    exp_small,
    exp_times,
    expm1,
    gaussian,
    larger,
    log1p_unit,
    logistic,
    reciprocal,
    sine_square,
    smaller,
    tanh,
    tanh_pieces,
    within,
)

# σ's argument in GELU's tanh form is x·(K + C·x²): K = 2√(2/π), C = 0.044715·K.
K = tl.constexpr(1.5957691216057308)
C = tl.constexpr(0.07135481627260025)
DENSITY = tl.constexpr(0.3989422804014327)  # 1/√(2π)


@triton.jit
def identity_forward(x, p, q, WIDE: tl.constexpr):
    return x


@triton.jit
def identity_backward(g, s, p, q, WIDE: tl.constexpr):
    return g


@triton.jit
def sigmoid_forward(x, p, q, WIDE: tl.constexpr):
    return logistic(x, WIDE)


@triton.jit
def sigmoid_backward(g, y, p, q, WIDE: tl.constexpr):
    return g * (y - y * y)


@triton.jit
def sigmoid_forward_bounded(x, p, q, WIDE: tl.constexpr):
    # Below −100 the value is under 4e-44; the bound keeps ∞·0 out of the derivative below, which
    # then shares this function's exponential and reciprocal.
    return logistic(larger(x, -100.0), WIDE)


@triton.jit
def sigmoid_backward_from_input(g, x, p, q, WIDE: tl.constexpr):
    # 1 − σ is e^−x·σ: without the subtraction both factors keep their digits.
    z = exp_times(-larger(x, -100.0), -32, WIDE)
    r = reciprocal(z + DOWN)
    return g * ((r * DOWN) * (z * r))


@triton.jit
def log_sigmoid_forward(x, p, q, WIDE: tl.constexpr):
    return smaller(x, 0.0) - log1p_unit(exp_small(-tl.abs(x), WIDE), WIDE)


@triton.jit
def log_sigmoid_backward(g, x, p, q, WIDE: tl.constexpr):
    return g * logistic(-x, WIDE)


@triton.jit
def tanh_forward(x, p, q, WIDE: tl.constexpr):
    return tanh(x, WIDE)


@triton.jit
def tanh_backward(g, y, p, q, WIDE: tl.constexpr):
    return g * (1.0 - y * y)


@triton.jit
def hardtanh_forward(x, p, q, WIDE: tl.constexpr):
    return within(x, -1.0, 1.0)


@triton.jit
def hardtanh_backward(g, y, p, q, WIDE: tl.constexpr):
    return tl.where(tl.abs(y) < 1.0, g, 0.0)


@triton.jit
def softcap_forward(x, cap, over_cap, WIDE: tl.constexpr):
    # Near 0 it is x·(tanh(t)/t): x keeps the digits that a subnormal t would have lost.
    near, ratio, far = tanh_pieces(x * over_cap, WIDE)
    return tl.where(near, x * ratio, cap * far)


@triton.jit
def softcap_backward(g, x, cap, over_cap, WIDE: tl.constexpr):
    z = exp_small(larger(-tl.abs(2.0 * (x * over_cap)), -120.0), WIDE)
    r = reciprocal(1.0 + z)
    return g * (4.0 * z * (r * r))


@triton.jit
def softsign_forward(x, p, q, WIDE: tl.constexpr):
    x = within(x, -1e18, 1e18)
    return x * reciprocal(1.0 + tl.abs(x))


@triton.jit
def softsign_backward(g, x, p, q, WIDE: tl.constexpr):
    r = reciprocal(1.0 + tl.abs(x))
    return g * (r * r)


@triton.jit
def softplus_forward(x, beta, over_beta, WIDE: tl.constexpr):
    return larger(x, 0.0) + over_beta * log1p_unit(exp_small(-tl.abs(beta * x), WIDE), WIDE)


@triton.jit
def softplus_backward(g, x, beta, q, WIDE: tl.constexpr):
    return g * logistic(beta * x, WIDE)


@triton.jit
def relu_forward(x, p, q, WIDE: tl.constexpr):
    return larger(x, 0.0)


@triton.jit
def relu_backward(g, y, p, q, WIDE: tl.constexpr):
    # y is 0 or NaN where it is not positive.
    return tl.where(y > 0.0, g, y)


@triton.jit
def relu6_forward(x, p, q, WIDE: tl.constexpr):
    return within(x, 0.0, 6.0)


@triton.jit
def relu6_backward(g, y, p, q, WIDE: tl.constexpr):
    return tl.where(y > 0.0, tl.where(y < 6.0, g, 0.0), y)


@triton.jit
def closed(x, slope):
    """x, but −1 for all below where the slope is 0: a slope of 0 times −∞ is then 0 and not NaN."""
    return larger(x, tl.where(slope == 0.0, -1.0, float("-inf")))


@triton.jit
def leaky_relu_forward(x, slope, q, WIDE: tl.constexpr):
    return tl.where(x > 0.0, x, slope * closed(x, slope))


@triton.jit
def leaky_relu_backward(g, x, slope, q, WIDE: tl.constexpr):
    return tl.where(x > 0.0, g, slope * g)


@triton.jit
def elu_forward(x, alpha, q, WIDE: tl.constexpr):
    return tl.where(x > 0.0, x, alpha * expm1(x, WIDE))


@triton.jit
def elu_backward(g, x, alpha, q, WIDE: tl.constexpr):
    return tl.where(x > 0.0, g, g * (alpha * exp_small(x, WIDE)))


@triton.jit
def celu_forward(x, alpha, over_alpha, WIDE: tl.constexpr):
    t = over_alpha * x
    # Where e^t − 1 rounds to t the function is x, whose digits a subnormal t would have lost.
    return tl.where(t > -2e-8, x, alpha * expm1(t, WIDE))


@triton.jit
def celu_backward(g, x, alpha, over_alpha, WIDE: tl.constexpr):
    return tl.where(x > 0.0, g, g * exp_small(over_alpha * x, WIDE))


@triton.jit
def selu_forward(x, scale, scale_alpha, WIDE: tl.constexpr):
    return tl.where(x > 0.0, scale * x, scale_alpha * expm1(x, WIDE))


@triton.jit
def selu_backward(g, x, scale, scale_alpha, WIDE: tl.constexpr):
    return g * tl.where(x > 0.0, scale, scale_alpha * exp_small(x, WIDE))


@triton.jit
def gelu_forward(x, p, q, WIDE: tl.constexpr):
    # x·Φ(x) is −a·Φ(−a) for x < 0 and x − a·Φ(−a) for x > 0, with a = |x|: no branch.
    a = smaller(tl.abs(x), 16.0)
    _, tail = gaussian(a, WIDE)
    return larger(x, 0.0) - a * tail


@triton.jit
def gelu_backward(g, x, p, q, WIDE: tl.constexpr):
    # Φ(x) + x·φ(x) is u = Φ(−a) − a·φ(a) for x < 0 and 1 − u for x > 0.
    a = smaller(tl.abs(x), 16.0)
    bell, tail = gaussian(a, WIDE)
    u = tail - a * (bell * (DENSITY * DOWN))
    return g * tl.where(x > 0.0, 1.0 - u, u)


@triton.jit
def gelu_tanh_forward(x, p, q, WIDE: tl.constexpr):
    # ½(1 + tanh(u)) is σ(2u): half the instructions, and no cancellation on the left.
    x = larger(x, -FAR)
    return x * logistic(x * (K + C * x * x), WIDE)


@triton.jit
def gelu_tanh_backward(g, x, p, q, WIDE: tl.constexpr):
    # Beyond ±12 the gate is exactly 0 or 1.
    x = within(x, -12.0, 12.0)
    square = x * x
    gate = logistic(x * (K + C * square), WIDE)
    return g * (gate + gate * (1.0 - gate) * x * (K + 3.0 * C * square))


@triton.jit
def silu_forward(x, p, q, WIDE: tl.constexpr):
    x = larger(x, -FAR)
    return x * logistic(x, WIDE)


@triton.jit
def silu_backward(g, x, p, q, WIDE: tl.constexpr):
    x = larger(x, -FAR)
    gate = logistic(x, WIDE)
    x = smaller(x, FAR)
    return g * (gate + gate * (x - x * gate))


@triton.jit
def swish_forward(x, beta, sign, WIDE: tl.constexpr):
    # sign is that of the true β, and beta its size: x·σ(βx) = sign·(sign·x)·σ(|β|·(sign·x)).
    x = sign * x
    gate = logistic(beta * within(x, -1e30, 1e30), WIDE)
    return sign * (tl.where(gate == 0.0, 0.0, x) * gate)


@triton.jit
def swish_backward(g, x, beta, sign, WIDE: tl.constexpr):
    t = beta * within(sign * x, -1e30, 1e30)
    gate = logistic(t, WIDE)
    t = within(t, -FAR, FAR)
    return g * (gate + gate * (t - t * gate))


@triton.jit
def mish_forward(x, p, q, WIDE: tl.constexpr):
    # tanh(log(1 + z)) = n/(n + 2) with z = e^x and n = z² + 2z; it is 1 from x = 20 on.
    x = larger(x, -FAR)
    z = exp_times(smaller(x, 20.0), 32, WIDE)
    n = z * (z * DOWN + 2.0)
    return x * (n * reciprocal(n * DOWN + 2.0) * DOWN)


@triton.jit
def mish_backward(g, x, p, q, WIDE: tl.constexpr):
    x = within(x, -FAR, 20.0)
    z = exp_times(x, 32, WIDE) * DOWN
    n = z * (z + 2.0)
    r = reciprocal(n + 2.0)
    return g * (n * r + x * ((z * z + z) * r * (4.0 * r)))


@triton.jit
def hard_sigmoid_forward(x, p, q, WIDE: tl.constexpr):
    return (within(x, -3.0, 3.0) + 3.0) * (1.0 / 6.0)


@triton.jit
def hard_sigmoid_backward(g, x, p, q, WIDE: tl.constexpr):
    return tl.where(tl.abs(x) < 3.0, g * (1.0 / 6.0), 0.0)


@triton.jit
def hardswish_forward(x, p, q, WIDE: tl.constexpr):
    return larger(x, -3.0) * (within(x + 3.0, 0.0, 6.0) * (1.0 / 6.0))


@triton.jit
def hardswish_backward(g, x, p, q, WIDE: tl.constexpr):
    inner = (2.0 * x + 3.0) * (1.0 / 6.0)
    return g * tl.where(x >= 3.0, 1.0, tl.where(x <= -3.0, 0.0, inner))


@triton.jit
def relu2_forward(x, p, q, WIDE: tl.constexpr):
    r = larger(x, 0.0)
    return r * r


@triton.jit
def relu2_backward(g, x, p, q, WIDE: tl.constexpr):
    # The factor 2 comes last: 2x may overflow where 2gx does not.
    return 2.0 * (g * larger(x, 0.0))


@triton.jit
def leaky_relu2_forward(x, slope_squared, q, WIDE: tl.constexpr):
    x = closed(x, slope_squared)
    return tl.where(x > 0.0, x, slope_squared * x) * x


@triton.jit
def leaky_relu2_backward(g, x, slope_squared, q, WIDE: tl.constexpr):
    # d/dx LeakyReLU(x, a)² = 2·LeakyReLU(x, a²): the constant below 0 is 2a², not a.
    return 2.0 * (g * tl.where(x > 0.0, x, slope_squared * closed(x, slope_squared)))


@triton.jit
def star_relu_forward(x, scale, bias, WIDE: tl.constexpr):
    r = smaller(larger(x, 0.0), tl.where(scale == 0.0, 1.0, float("inf")))
    return scale * r * r + bias


@triton.jit
def star_relu_backward(g, x, scale, bias, WIDE: tl.constexpr):
    r = smaller(larger(x, 0.0), tl.where(scale == 0.0, 1.0, float("inf")))
    return 2.0 * (g * (scale * r))


@triton.jit
def snake_forward(x, a, over_a, WIDE: tl.constexpr):
    # From 2²⁵ on the sine no longer counts beside x.
    return tl.where(tl.abs(a * x) < 3e7, x + sine_square(x, a, 0, WIDE) * over_a, x)


@triton.jit
def snake_backward(g, x, a, q, WIDE: tl.constexpr):
    # 1 + sin(2ax) is 2·sin²(ax + π/4), which keeps its digits at its zeros.
    return g * (2.0 * sine_square(x, a, 1, WIDE))


@triton.jit
def xielu_forward(x, alpha_p, alpha_n, WIDE: tl.constexpr):
    # Near 0 (e^x − 1 − x)/x² as a polynomial, because the difference would cancel.
    if WIDE:
        p = 0.00823720728498225 + 0.0011632796776787576 * x
        p = 0.04164961010348966 + x * p
        p = 0.16666559512163645 + x * p
        p = 0.4999999891030808 + x * p
    else:
        p = 0.1656079692585879 + 0.035928176050996734 * x
        p = 0.49997007924068637 + x * p
    bend = tl.where(x > 0.0, alpha_p, alpha_n * p)
    end = 0.5 - alpha_n
    far = alpha_n * (exp_small(x, WIDE) - 1.0) + end * closed(x, end)
    return tl.where(x > -0.5, x * (bend * x + 0.5), far)


@triton.jit
def xielu_backward(g, x, alpha_p, alpha_n, WIDE: tl.constexpr):
    # A 32nd of the slope: 2α_p·x may overflow where 2gα_p·x does not.
    part = tl.where(x > 0.0, alpha_p * (0.0625 * x), 0.03125 * (alpha_n * expm1(x, WIDE)))
    return 32.0 * (g * (part + 0.015625))


# --- the library's own functions, to be measured beside the ones above -------------------------


@triton.jit
def gelu_by_erf_forward(x, p, q, WIDE: tl.constexpr):
    return 0.5 * x * (1.0 + tl.erf(x * 0.7071067811865476))


@triton.jit
def gelu_by_erf_backward(g, x, p, q, WIDE: tl.constexpr):
    phi = 0.5 * (1.0 + tl.erf(x * 0.7071067811865476))
    return g * (phi + x * (tl.exp(-0.5 * x * x) * DENSITY))


@triton.jit
def silu_by_sigmoid_forward(x, p, q, WIDE: tl.constexpr):
    return x * tl.sigmoid(x)


@triton.jit
def silu_by_sigmoid_backward(g, x, p, q, WIDE: tl.constexpr):
    gate = tl.sigmoid(x)
    return g * gate * (1.0 + x * (1.0 - gate))


@triton.jit
def mish_by_log_forward(x, p, q, WIDE: tl.constexpr):
    softplus = tl.maximum(x, 0.0) + tl.log(1.0 + tl.exp(-tl.abs(x)))
    return x * (2.0 * tl.sigmoid(2.0 * softplus) - 1.0)


@triton.jit
def mish_by_log_backward(g, x, p, q, WIDE: tl.constexpr):
    softplus = tl.maximum(x, 0.0) + tl.log(1.0 + tl.exp(-tl.abs(x)))
    w = 2.0 * tl.sigmoid(2.0 * softplus) - 1.0
    return g * (w + x * tl.sigmoid(x) * (1.0 - w * w))


Scalars = tuple[float, float]


def _none() -> Scalars:
    return 0.0, 0.0


@dataclass(frozen=True)
class Formula:
    """One row: how a function is computed, and what its backward pass needs.

    Attributes:
        name: name of the custom operator, ``actlab::<name>``.
        forward, backward: the jitted expressions.
        saves: which tensor the backward pass gets.
        scalars: (p, q) from the catalogue's parameters, computed once on the host in float64.
    """

    name: str
    forward: Any
    backward: Any
    saves: Literal["input", "output"] = "input"
    scalars: Callable[..., Scalars] = _none


#: By name of the formula. Most carry the name of the catalogue's function that they compute.
FORMULAS: dict[str, Formula] = {
    formula.name: formula
    for formula in (
        Formula("identity", identity_forward, identity_backward),
        Formula("sigmoid", sigmoid_forward, sigmoid_backward, "output"),
        Formula("sigmoid_saving_input", sigmoid_forward_bounded, sigmoid_backward_from_input),
        Formula("log_sigmoid", log_sigmoid_forward, log_sigmoid_backward),
        Formula("tanh", tanh_forward, tanh_backward, "output"),
        Formula("hardtanh", hardtanh_forward, hardtanh_backward, "output"),
        Formula("softcap", softcap_forward, softcap_backward, scalars=lambda cap: (cap, 1.0 / cap)),
        Formula("softsign", softsign_forward, softsign_backward),
        Formula(
            "softplus",
            softplus_forward,
            softplus_backward,
            scalars=lambda beta: (beta, 1.0 / beta),
        ),
        Formula("relu", relu_forward, relu_backward, "output"),
        Formula("relu6", relu6_forward, relu6_backward, "output"),
        Formula(
            "leaky_relu",
            leaky_relu_forward,
            leaky_relu_backward,
            scalars=lambda slope: (slope, 0.0),
        ),
        Formula("elu", elu_forward, elu_backward, scalars=lambda alpha: (alpha, 0.0)),
        Formula("celu", celu_forward, celu_backward, scalars=lambda alpha: (alpha, 1.0 / alpha)),
        Formula(
            "selu",
            selu_forward,
            selu_backward,
            scalars=lambda: (SELU_SCALE, SELU_SCALE * SELU_ALPHA),
        ),
        Formula("gelu", gelu_forward, gelu_backward),
        Formula("gelu_tanh", gelu_tanh_forward, gelu_tanh_backward),
        Formula("silu", silu_forward, silu_backward),
        Formula(
            "swish",
            swish_forward,
            swish_backward,
            scalars=lambda beta: (abs(beta), -1.0 if beta < 0 else 1.0),
        ),
        Formula("mish", mish_forward, mish_backward),
        Formula("hard_sigmoid", hard_sigmoid_forward, hard_sigmoid_backward),
        Formula("hardswish", hardswish_forward, hardswish_backward),
        Formula("relu2", relu2_forward, relu2_backward),
        Formula(
            "leaky_relu2",
            leaky_relu2_forward,
            leaky_relu2_backward,
            scalars=lambda slope: (slope * slope, 0.0),
        ),
        Formula(
            "star_relu",
            star_relu_forward,
            star_relu_backward,
            scalars=lambda scale, bias: (scale, bias),
        ),
        Formula(
            "snake",
            snake_forward,
            snake_backward,
            scalars=lambda alpha: (alpha, 1.0 / alpha),
        ),
        Formula(
            "xielu",
            xielu_forward,
            xielu_backward,
            scalars=lambda alpha_p, alpha_n: (alpha_p, alpha_n),
        ),
        Formula("gelu_by_erf", gelu_by_erf_forward, gelu_by_erf_backward),
        Formula("silu_by_sigmoid", silu_by_sigmoid_forward, silu_by_sigmoid_backward),
        Formula("mish_by_log", mish_by_log_forward, mish_by_log_backward),
    )
}


def resolve(name: str, parameters: dict[str, float]) -> tuple[Formula, Scalars]:
    """The formula and its scalars for a catalogue function with checked parameters.

    A parameter that turns a function into a simpler one picks that one's formula: a slope of 0 is
    ReLU, β = 1 is SiLU.
    """
    slope = parameters.get("slope")
    if name == "rrelu":
        slope = (parameters["lower"] + parameters["upper"]) / 2
    if name in ("leaky_relu", "prelu", "rrelu"):
        name, parameters = ("relu", {}) if slope == 0 else ("leaky_relu", {"slope": slope})
    elif name == "leaky_relu2" and slope == 0:
        name, parameters = "relu2", {}
    elif name == "silu":
        name, parameters = ("silu", {}) if parameters["beta"] == 1 else ("swish", parameters)
    elif name == "quick_gelu":
        name, parameters = "swish", {"beta": 1.702}
    formula = FORMULAS[name]
    return formula, formula.scalars(**parameters)
