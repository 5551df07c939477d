"""The smooth elementwise functions: sigmoid and its kin, and the gates GELU, SiLU and Mish.

The formulas see float64 (see :mod:`actlab.functions.rounding`). Each exponential has an argument
≤ 0, so that none overflows, and no small result is the difference of large ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from actlab.functions.parameters import Parameter
from actlab.functions.rounding import FloatArray, elementwise, gated, mended
from actlab.functions.special import (
    FAR_GATE,
    cdf_and_x_pdf_far,
    normal_cdf,
    normal_pdf,
    two_product,
    x_cdf_far,
)

SOFTPLUS_BETA = Parameter(
    "beta", r"\beta", 1.0, 0.5, 10.0, "sharpness: the larger, the closer to ReLU", "positive"
)
SOFTCAP = Parameter("cap", "c", 30.0, 1.0, 100.0, "what no output goes beyond", "positive")
SNAKE = Parameter("alpha", "a", 1.0, 0.2, 5.0, "frequency (its start)", "positive")
SILU_BETA = Parameter("beta", r"\beta", 1.0, 0.0, 10.0, "steepness of the gate (0: x/2, ∞: ReLU)")


def logistic(t: FloatArray, rest: FloatArray | float = 0.0) -> tuple[FloatArray, FloatArray]:
    """σ(t + rest) and σ′(t + rest), with |rest| at most a rounding error of t."""
    z = np.exp(-np.abs(t)) * (1.0 - np.sign(t) * rest)
    small = z / (1.0 + z)
    return np.where(t >= 0, 1.0 / (1.0 + z), small), small / (1.0 + z)


#: Below it e^t comes near the end of float64's range, where numbers lose digits.
FAR = -700.0


def _far(t: FloatArray, times: FloatArray | float, rest: FloatArray | float = 0.0) -> FloatArray:
    """times·e^(t + rest) below :data:`FAR`: in two halves, neither of which loses digits."""
    half = np.exp(0.5 * np.minimum(t, FAR))
    return gated(half, np.asarray(times)) * (1.0 + rest) * half


def _closing(t: FloatArray, x: FloatArray, rest: FloatArray | float = 0.0) -> FloatArray:
    """x·σ(t + rest)."""
    return mended(gated(logistic(t, rest)[0], x), t < FAR, lambda: _far(t, x, rest))


@elementwise
def sigmoid(x: FloatArray) -> FloatArray:
    """Logistic sigmoid σ(x) = 1/(1 + e^−x).

    Args:
        x: array of any shape.

    Returns:
        values in [0, 1], shape and dtype of ``x``. Paper: rumelhart1986backprop.
    """
    return logistic(x)[0]


@elementwise
def sigmoid_derivative(x: FloatArray) -> FloatArray:
    """σ′(x) = σ(x)·(1 − σ(x)), computed as z/(1 + z)² with z = e^−|x|: both tails are kept."""
    return logistic(x)[1]


@elementwise
def log_sigmoid(x: FloatArray) -> FloatArray:
    """log σ(x) = min(x, 0) − log(1 + e^−|x|): the negative of a softplus of −x."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


@elementwise
def log_sigmoid_derivative(x: FloatArray) -> FloatArray:
    """(log σ)′(x) = σ(−x) = 1 − σ(x), without the subtraction."""
    return logistic(-x)[0]


@elementwise
def tanh(x: FloatArray) -> FloatArray:
    """Hyperbolic tangent (e^x − e^−x)/(e^x + e^−x). Paper: lecun1998efficient."""
    return np.tanh(x)


@elementwise
def tanh_derivative(x: FloatArray) -> FloatArray:
    """tanh′(x) = 1 − tanh²(x), computed as 4z/(1 + z)² with z = e^−2|x|: no cancellation."""
    return _four_slopes(2.0 * x)


def _four_slopes(t: FloatArray, rest: FloatArray | float = 0.0) -> FloatArray:
    """4σ′(t + rest)."""
    a = np.abs(t)
    near = 4.0 * logistic(t, rest)[1]
    return mended(near, a > -FAR, lambda: _far(-a, 4.0, -np.sign(t) * rest))


def _capped(x: FloatArray, cap: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """c, and x/c as a rounded value and the rest, as far as tanh(x/c) is not ±1."""
    cap = SOFTCAP.check(cap, x.shape)
    x = np.clip(x, -400.0 * cap, 400.0 * cap)
    t = x / cap
    product, error = two_product(t, cap)
    return cap, t, ((x - product) - error) / cap


@elementwise
def softcap(x: FloatArray, cap: ArrayLike = 30.0) -> FloatArray:
    """Tanh soft-cap c·tanh(x/c): x near 0, and never beyond ±c.

    Args:
        x: array of any shape.
        cap: c > 0, a number or an array that broadcasts to ``x``. Gemma 2 takes 30 for its last
            logits and 50 for those of its attention.

    Returns:
        shape and dtype of ``x``. Paper: gemma2024gemma2.

    Raises:
        ValueError: when c is not a positive number from 1e-18 to 1e18.
    """
    cap, t, _ = _capped(x, cap)
    # Where tanh(t) rounds to t the function is x, whose digits a subnormal t has lost.
    return np.where(np.abs(t) < 1e-9, x, cap * np.tanh(t))


@elementwise
def softcap_derivative(x: FloatArray, cap: ArrayLike = 30.0) -> FloatArray:
    """1 − tanh²(x/c), computed as 4z/(1 + z)² with z = e^−2|x|/c: no cancellation."""
    _, t, rest = _capped(x, cap)
    return _four_slopes(2.0 * t, 2.0 * rest)


@elementwise
def softsign(x: FloatArray) -> FloatArray:
    """Softsign x/(1 + |x|). Paper: bergstra2009quadratic."""
    a = np.abs(x)
    # Beyond 1 the fraction is turned over: ∞/∞ becomes 1/(1 + 0).
    far = 1.0 / (1.0 + 1.0 / np.maximum(a, 1.0))
    near = np.clip(x, -1.0, 1.0) / (1.0 + np.minimum(a, 1.0))
    return np.where(a > 1.0, np.copysign(far, x), near)


@elementwise
def softsign_derivative(x: FloatArray) -> FloatArray:
    """softsign′(x) = 1/(1 + |x|)²; its one-sided slopes at 0 agree (both 1), so 0 is no kink."""
    root = 1.0 / (1.0 + np.abs(x))
    return root * root


@elementwise
def softplus(x: FloatArray, beta: ArrayLike = 1.0) -> FloatArray:
    """Softplus log(1 + e^(βx))/β = max(x, 0) + log(1 + e^−|βx|)/β.

    Args:
        x: array of any shape.
        beta: sharpness β > 0, a number or an array that broadcasts to ``x``.

    Returns:
        values ≥ 0, shape and dtype of ``x``. Unlike torch, which returns x where βx > 20, no
        threshold is used. Paper: dugas2001softplus.

    Raises:
        ValueError: when β is not a positive finite number.
    """
    beta = SOFTPLUS_BETA.check(beta, x.shape)
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(beta * x))) / beta


@elementwise
def softplus_derivative(x: FloatArray, beta: ArrayLike = 1.0) -> FloatArray:
    """softplus′(x) = σ(βx)."""
    return logistic(SOFTPLUS_BETA.check(beta, x.shape) * x)[0]


@elementwise
def gelu(x: FloatArray) -> FloatArray:
    """GELU x·Φ(x), with Φ the standard normal distribution function (the "erf form").

    Args:
        x: array of any shape.

    Returns:
        shape and dtype of ``x``; → 0 at −∞ with its relative accuracy kept all the way down.
        Paper: hendrycks2016gelu.
    """
    return mended(gated(normal_cdf(x), x), x < FAR_GATE, lambda: x_cdf_far(x))


@elementwise
def gelu_derivative(x: FloatArray) -> FloatArray:
    """GELU′(x) = Φ(x) + x·φ(x), with φ the standard normal density."""
    near = normal_cdf(x) + gated(normal_pdf(x), x)
    return mended(near, x < FAR_GATE, lambda: cdf_and_x_pdf_far(x))


# σ's argument in the tanh form is t = x·(K + C·x²) with K = 2√(2/π) and C = 0.044715·K. Each is
# given to twice float64's precision, because an error of one ulp in t is |t| ulp in e^t.
K, K_REST = 1.5957691216057308, -9.96930880911092e-17
C, C_REST = 0.07135481627260025, -6.175149918155315e-19
#: Beyond it the gate of the tanh form is exactly 0 or 1 in float64.
GATE_LIMIT = 40.0


def _tanh_form(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """t = 2√(2/π)(x + 0.044715x³) as a rounded value and the rest, for |x| ≤ GATE_LIMIT."""
    square, square_rest = two_product(x, x)
    cubic, cubic_rest = two_product(square, C)
    cubic_rest = cubic_rest + C * square_rest + C_REST * square
    total = K + cubic
    # cubic may exceed K, so Knuth's two-sum rather than Dekker's faster one.
    part = total - K
    total_rest = (K - (total - part)) + (cubic - part) + cubic_rest + K_REST
    t, t_rest = two_product(x, total)
    return t, t_rest + x * total_rest


@elementwise
def gelu_tanh(x: FloatArray) -> FloatArray:
    """GELU's tanh form ½x(1 + tanh(u)) with u = √(2/π)(x + 0.044715x³).

    Computed as x·σ(2u): the same function without the cancellation in 1 + tanh. It differs from
    :func:`gelu` by up to 4.7e-4 and is a function of its own, not a faster erf.
    Paper: hendrycks2016gelu.
    """
    t, rest = _tanh_form(np.clip(x, -GATE_LIMIT, GATE_LIMIT))
    return _closing(t, x, rest)


@elementwise
def gelu_tanh_derivative(x: FloatArray) -> FloatArray:
    """σ(t) + x·σ′(t)·t′ with t = 2√(2/π)(x + 0.044715x³) and t′ = 2√(2/π)(1 + 0.134145x²)."""
    x = np.clip(x, -GATE_LIMIT, GATE_LIMIT)
    t, rest = _tanh_form(x)
    gate, slope = logistic(t, rest)
    growth = x * (K + 3.0 * C * x * x)
    return mended(gate + growth * slope, t < FAR, lambda: _far(t, 1.0 + growth, rest))


#: The factor 1.702 to twice float64's precision.
QUICK, QUICK_REST = 1.702, 4.263256414560601e-17
#: Beyond it the gate of the quick form is exactly 0 or 1 in float64.
QUICK_LIMIT = 450.0


def _quick_form(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """t = 1.702x as a rounded value and the rest, for |x| ≤ QUICK_LIMIT."""
    x = np.clip(x, -QUICK_LIMIT, QUICK_LIMIT)
    t, rest = two_product(x, QUICK)
    return t, rest + x * QUICK_REST


@elementwise
def quick_gelu(x: FloatArray) -> FloatArray:
    """Quick GELU x·σ(1.702x): within 0.0204 of GELU, and a function of its own.

    Paper: hendrycks2016gelu, section 2.
    """
    t, rest = _quick_form(x)
    # t is cut off, and so x: what they give together is 0 from there on.
    return _closing(t, np.maximum(x, -QUICK_LIMIT), rest)


@elementwise
def quick_gelu_derivative(x: FloatArray) -> FloatArray:
    """σ(t) + t·σ′(t) with t = 1.702x."""
    t, rest = _quick_form(x)
    gate, slope = logistic(t, rest)
    return mended(gate + t * slope, t < FAR, lambda: _far(t, 1.0 + t, rest))


@elementwise
def silu(x: FloatArray, beta: ArrayLike = 1.0) -> FloatArray:
    """SiLU, also called Swish: x·σ(βx).

    Args:
        x: array of any shape.
        beta: steepness β of the gate, any finite number or an array that broadcasts to ``x``
            (Swish learns it); 0 gives x/2.

    Returns:
        shape and dtype of ``x``. Papers: elfwing2018silu (β = 1), ramachandran2017swish.

    Raises:
        ValueError: when β is not finite.
    """
    beta = SILU_BETA.check(beta, x.shape)
    return _closing(gated(beta, x), x)


@elementwise
def silu_derivative(x: FloatArray, beta: ArrayLike = 1.0) -> FloatArray:
    """d/dx x·σ(βx) = σ(βx) + βx·σ′(βx)."""
    t = gated(SILU_BETA.check(beta, x.shape), x)
    gate, slope = logistic(t)
    return mended(gate + gated(slope, t), t < FAR, lambda: _far(t, 1.0 + t))


@elementwise
def silu_beta_derivative(x: FloatArray, beta: ArrayLike = 1.0) -> FloatArray:
    """d/dβ x·σ(βx) = x²·σ′(βx): what a learned β receives."""
    t = gated(SILU_BETA.check(beta, x.shape), x)
    a = np.abs(t)
    near = gated(gated(logistic(t)[1], x), x)
    return mended(near, a > -FAR, lambda: np.square(gated(np.exp(-0.5 * a), x)))


def _mish_gate(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """w = tanh(softplus(x)) and w′ as rational functions of z = e^−|x|.

    With n = e^x, tanh(log(1 + n)) = (n² + 2n)/(n² + 2n + 2); for x > 0 both sides are divided by
    n² so that nothing overflows.
    """
    z = np.exp(-np.abs(x))
    positive = 1.0 + 2.0 * z * (1.0 + z)
    negative = 2.0 + z * (2.0 + z)
    gate = np.where(x > 0, (1.0 + 2.0 * z) / positive, z * (2.0 + z) / negative)
    slope = np.where(
        x > 0, 4.0 * z * z * (1.0 + z) / positive**2, 4.0 * z * (1.0 + z) / negative**2
    )
    return gate, slope


@elementwise
def mish(x: FloatArray) -> FloatArray:
    """Mish x·tanh(softplus(x)). Paper: misra2020mish."""
    return mended(gated(_mish_gate(x)[0], x), x < FAR, lambda: _far(x, x))


@elementwise
def mish_derivative(x: FloatArray) -> FloatArray:
    """mish′(x) = w + x·w′ with w = tanh(softplus(x))."""
    gate, slope = _mish_gate(x)
    return mended(gate + gated(slope, x), x < FAR, lambda: _far(x, 1.0 + x))


#: π/4 to twice float64's precision.
QUARTER, QUARTER_REST = 0.7853981633974483, 3.061616997868383e-17


@elementwise
def snake(x: FloatArray, alpha: ArrayLike = 1.0) -> FloatArray:
    """Snake x + sin²(ax)/a, whose frequency a is learned: it rises, and never falls.

    Args:
        x: array of any shape.
        alpha: a > 0, a number or an array that broadcasts to ``x``.

    Returns:
        shape and dtype of ``x``. Paper: ziyin2020snake.

    Raises:
        ValueError: when a is not a positive number from 1e-18 to 1e18.
    """
    alpha = SNAKE.check(alpha, x.shape)
    # From 2**53 on the sine no longer counts beside x.
    return x + np.square(np.sin(np.clip(alpha * x, -1e17, 1e17))) / alpha


@elementwise
def snake_derivative(x: FloatArray, alpha: ArrayLike = 1.0) -> FloatArray:
    """1 + sin(2ax), computed as 2·sin²(ax + π/4): its double zeros cancel nothing.

    From |ax| = 2**50 on, where neighbours are a quarter apart, its error is 1e-15 whatever its
    size. NaN at ±∞ and where ax is beyond float64: a sine has no limit there.
    """
    alpha = SNAKE.check(alpha, x.shape)
    # The phase as a sum of two numbers. What is large is scaled, so that no splitting overflows.
    scale = np.where(np.abs(x) > 1e200, 2.0**-120, 1.0)
    product, error = two_product(scale * np.where(np.isinf(x), 0.0, x), alpha)
    product, error = product / scale, error / scale
    lost = np.isinf(x) | np.isinf(product)
    product, error = np.where(lost, 0.0, product), np.where(lost, 0.0, error)
    phase = product + QUARTER
    part = phase - product
    rest = (product - (phase - part)) + (QUARTER - part) + error + QUARTER_REST
    near = _sine_of_sum(phase, rest)[0]
    far = np.add(*_sine_of_sum(product, error)) * np.sqrt(0.5)
    sine = np.where(np.abs(product) < 2.0**50, near, far)
    return np.where(lost, np.nan, 2.0 * np.square(sine))


def _sine_of_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sin(a + b) and cos(a + b)."""
    return (
        np.sin(a) * np.cos(b) + np.cos(a) * np.sin(b),
        np.cos(a) * np.cos(b) - np.sin(a) * np.sin(b),
    )


swish = silu
swish_derivative = silu_derivative
