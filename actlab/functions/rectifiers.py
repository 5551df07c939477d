"""The piecewise functions: ReLU and its leaky, capped, exponential, hard and squared relatives."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from actlab.functions.parameters import Parameter
from actlab.functions.rounding import FloatArray, as_float_array, elementwise, gated, unless_nan
from actlab.functions.special import horner, two_product

LEAKY_SLOPE = Parameter("slope", "a", 0.01, 0.0, 1.0, "slope for x < 0")
PRELU_SLOPE = Parameter("slope", "a", 0.25, -1.0, 1.0, "learned slope for x < 0 (its start)")
RRELU_LOWER = Parameter("lower", r"\ell", 1 / 8, 0.0, 1.0, "smallest slope that is sampled")
RRELU_UPPER = Parameter("upper", "u", 1 / 3, 0.0, 1.0, "largest slope that is sampled")
RRELU_SLOPE = Parameter("slope", "a", (1 / 8 + 1 / 3) / 2, 0.0, 1.0, "sampled slope for x < 0")
ELU_ALPHA = Parameter("alpha", r"\alpha", 1.0, 0.1, 2.0, "minus the limit at −∞")
CELU_ALPHA = Parameter("alpha", r"\alpha", 1.0, 0.1, 2.0, "minus the limit at −∞", "positive")
SQUARED_SLOPE = Parameter("slope", "a", 0.5, 0.0, 1.0, "slope for x < 0 before squaring")
STAR_SCALE = Parameter("scale", "s", 0.8944, 0.1, 2.0, "factor of the square (its start)")
STAR_BIAS = Parameter("bias", "b", -0.4472, -1.0, 1.0, "f for x < 0 (its start)")
XIELU_POSITIVE = Parameter(
    "alpha_p", r"\alpha_p", 0.8, 0.1, 2.0, "half of the bend for x > 0 (its start)", "positive"
)
XIELU_NEGATIVE = Parameter(
    "alpha_n", r"\alpha_n", 0.8, 0.1, 2.0, "slope at 0 minus that at −∞ (its start)", "positive"
)

# The fixed point of Klambauer et al. (2017): mean 0 and variance 1 of the input are kept.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def relu(x: ArrayLike) -> FloatArray | np.floating:
    """ReLU max(x, 0).

    Args:
        x: array of any shape.

    Returns:
        shape and dtype of ``x``; exact, hence computed without leaving its dtype.
        Paper: nair2010relu.
    """
    x = as_float_array(x)
    return np.maximum(x, x.dtype.type(0))[()]


def relu_derivative(x: ArrayLike) -> FloatArray | np.floating:
    """ReLU′(x): 1 for x > 0, else 0 (at the kink 0 too)."""
    x = as_float_array(x)
    return np.heaviside(x, x.dtype.type(0))[()]


def relu6(x: ArrayLike) -> FloatArray | np.floating:
    """ReLU6 min(max(x, 0), 6). Paper: krizhevsky2010convolutional."""
    x = as_float_array(x)
    return np.clip(x, x.dtype.type(0), x.dtype.type(6))[()]


@elementwise
def relu6_derivative(x: FloatArray) -> FloatArray:
    """ReLU6′(x): 1 for 0 < x < 6, else 0 (at the kinks 0 and 6 too)."""
    return unless_nan(x, (x > 0) & (x < 6))


def hardtanh(x: ArrayLike) -> FloatArray | np.floating:
    """Hard tanh min(max(x, −1), 1), exact in the dtype of ``x``. Paper: collobert2004large."""
    x = as_float_array(x)
    return np.clip(x, x.dtype.type(-1), x.dtype.type(1))[()]


@elementwise
def hardtanh_derivative(x: FloatArray) -> FloatArray:
    """1 for −1 < x < 1, else 0 (at the kinks −1 and 1 too)."""
    return unless_nan(x, np.abs(x) < 1.0)


def _leaky(x: FloatArray, slope: FloatArray) -> FloatArray:
    return np.where(x > 0, x, gated(slope, np.minimum(x, 0.0)))


def _leaky_slope(x: FloatArray, slope: FloatArray) -> FloatArray:
    return unless_nan(x, np.where(x > 0, 1.0, slope))


@elementwise
def leaky_relu(x: FloatArray, slope: ArrayLike = 0.01) -> FloatArray:
    """Leaky ReLU: x for x > 0, a·x otherwise.

    Args:
        x: array of any shape.
        slope: a, any finite number or an array that broadcasts to ``x``. A slope of 0 is ReLU.

    Returns:
        shape and dtype of ``x``. Paper: maas2013leaky.

    Raises:
        ValueError: when the slope is not finite or does not broadcast to ``x``.
    """
    return _leaky(x, LEAKY_SLOPE.check(slope, x.shape))


@elementwise
def leaky_relu_derivative(x: FloatArray, slope: ArrayLike = 0.01) -> FloatArray:
    """1 for x > 0, else a (at the kink 0 too)."""
    return _leaky_slope(x, LEAKY_SLOPE.check(slope, x.shape))


@elementwise
def prelu(x: FloatArray, slope: ArrayLike = 0.25) -> FloatArray:
    """PReLU: Leaky ReLU whose slope is learned, one for all channels or one each.

    Args:
        x: array of any shape.
        slope: a number, or an array that broadcasts to ``x`` (for channels on axis 1 of an
            image batch, of shape (channels, 1, 1)). It may become negative.

    Returns:
        shape and dtype of ``x``. Paper: he2015prelu.

    Raises:
        ValueError: when the slope is not finite or does not broadcast to ``x``.
    """
    return _leaky(x, PRELU_SLOPE.check(slope, x.shape))


@elementwise
def prelu_derivative(x: FloatArray, slope: ArrayLike = 0.25) -> FloatArray:
    """1 for x > 0, else a (at the kink 0 too)."""
    return _leaky_slope(x, PRELU_SLOPE.check(slope, x.shape))


def prelu_slope_derivative(x: ArrayLike) -> FloatArray | np.floating:
    """d prelu/da = min(x, 0): what the learned slope receives from each element."""
    x = as_float_array(x)
    return np.minimum(x, x.dtype.type(0))[()]


def check_bounds(lower: ArrayLike, upper: ArrayLike) -> None:
    """Check the range that RReLU draws from.

    Raises:
        ValueError: when it is turned over.
    """
    if not np.all(np.less_equal(lower, upper)):
        raise ValueError(f"lower must not exceed upper, got lower={lower!r} and upper={upper!r}")


def _random_slope(
    slope: ArrayLike | None, lower: ArrayLike, upper: ArrayLike, shape: tuple[int, ...]
) -> FloatArray:
    lower = RRELU_LOWER.check(lower, shape)
    upper = RRELU_UPPER.check(upper, shape)
    check_bounds(lower, upper)
    return (lower + upper) / 2 if slope is None else RRELU_SLOPE.check(slope, shape)


@elementwise
def rrelu(
    x: FloatArray,
    slope: ArrayLike | None = None,
    lower: ArrayLike = 1 / 8,
    upper: ArrayLike = 1 / 3,
) -> FloatArray:
    """Randomized leaky ReLU.

    Args:
        x: array of any shape.
        slope: training: slopes that you sampled, ``rng.uniform(lower, upper, x.shape)``;
            evaluation: None, which takes the mean (lower + upper)/2.
        lower: ℓ, the smallest slope.
        upper: u, the largest slope.

    Returns:
        shape and dtype of ``x``. Paper: xu2015rrelu.

    Raises:
        ValueError: when lower > upper, or a value is not finite or does not broadcast to ``x``.
    """
    return _leaky(x, _random_slope(slope, lower, upper, x.shape))


@elementwise
def rrelu_derivative(
    x: FloatArray,
    slope: ArrayLike | None = None,
    lower: ArrayLike = 1 / 8,
    upper: ArrayLike = 1 / 3,
) -> FloatArray:
    """1 for x > 0, else the slope that :func:`rrelu` used (at the kink 0 too)."""
    return _leaky_slope(x, _random_slope(slope, lower, upper, x.shape))


@elementwise
def elu(x: FloatArray, alpha: ArrayLike = 1.0) -> FloatArray:
    """ELU: x for x > 0, α(e^x − 1) otherwise, by ``expm1`` so that small |x| keep their digits.

    Args:
        x: array of any shape.
        alpha: α, any finite number or an array that broadcasts to ``x``; → −α at −∞.

    Returns:
        shape and dtype of ``x``. Paper: clevert2016elu.

    Raises:
        ValueError: when α is not finite.
    """
    alpha = ELU_ALPHA.check(alpha, x.shape)
    # The clipping keeps the branch that is not taken from overflowing.
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


@elementwise
def elu_derivative(x: FloatArray, alpha: ArrayLike = 1.0) -> FloatArray:
    """1 for x > 0, else α·e^x; at 0 that is α, which is a kink unless α = 1."""
    alpha = ELU_ALPHA.check(alpha, x.shape)
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


@elementwise
def celu(x: FloatArray, alpha: ArrayLike = 1.0) -> FloatArray:
    """CELU: x for x > 0, α(e^(x/α) − 1) otherwise: an ELU without a kink for every α > 0.

    Paper: barron2017celu.

    Raises:
        ValueError: when α is not a positive finite number.
    """
    alpha = CELU_ALPHA.check(alpha, x.shape)
    quotient = np.minimum(x, 0.0) / alpha
    # Where e^t − 1 rounds to t the function is x, whose digits a subnormal t has lost.
    return np.where((x > 0) | (quotient > -1e-17), x, alpha * np.expm1(quotient))


@elementwise
def celu_derivative(x: FloatArray, alpha: ArrayLike = 1.0) -> FloatArray:
    """1 for x > 0, else e^(x/α)."""
    return np.where(x > 0, 1.0, np.exp(np.minimum(x, 0.0) / CELU_ALPHA.check(alpha, x.shape)))


@elementwise
def selu(x: FloatArray) -> FloatArray:
    """SELU: λ·ELU(x, α) with the λ and α that keep mean 0 and variance 1.

    Paper: klambauer2017selu.
    """
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


@elementwise
def selu_derivative(x: FloatArray) -> FloatArray:
    """λ for x > 0, else λα·e^x; at the kink 0 that is λα = 1.758."""
    return SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(x, 0.0)))


@elementwise
def hard_sigmoid(x: FloatArray) -> FloatArray:
    """Hard sigmoid ReLU6(x + 3)/6: 0 below −3, 1 above 3. Paper: howard2019mobilenetv3."""
    return (np.clip(x, -3.0, 3.0) + 3.0) / 6.0


@elementwise
def hard_sigmoid_derivative(x: FloatArray) -> FloatArray:
    """1/6 for −3 < x < 3, else 0 (at the kinks −3 and 3 too)."""
    return unless_nan(x, np.where(np.abs(x) < 3.0, 1.0 / 6.0, 0.0))


@elementwise
def hardswish(x: FloatArray) -> FloatArray:
    """Hard-swish x·ReLU6(x + 3)/6: 0 below −3, x above 3. Paper: howard2019mobilenetv3."""
    inner = np.clip(x, -3.0, 3.0)
    return np.where(x >= 3.0, x, inner * (inner + 3.0) / 6.0)


@elementwise
def hardswish_derivative(x: FloatArray) -> FloatArray:
    """0 for x ≤ −3, x/3 + 1/2 between, 1 for x ≥ 3 (at the kinks −3 and 3 the outer slopes)."""
    # (2x + 3)/6 rounds once; x/3 + 1/2 would lose digits near its zero, −3/2.
    inner = (2.0 * np.clip(x, -3.0, 3.0) + 3.0) / 6.0
    return unless_nan(x, np.where(np.abs(x) < 3.0, inner, x >= 3.0))


@elementwise
def relu2(x: FloatArray) -> FloatArray:
    """Squared ReLU max(x, 0)². It overflows to inf from x = 256 in float16. Paper: so2021primer."""
    return np.square(np.maximum(x, 0.0))


@elementwise
def relu2_derivative(x: FloatArray) -> FloatArray:
    """2·max(x, 0); the function has no kink."""
    return 2.0 * np.maximum(x, 0.0)


@elementwise
def leaky_relu2(x: FloatArray, slope: ArrayLike = 0.5) -> FloatArray:
    """Squared leaky ReLU: x² for x > 0, a²x² otherwise; never negative and not monotone.

    Args:
        x: array of any shape.
        slope: a, any finite number or an array that broadcasts to ``x``; only a² counts.

    Returns:
        shape and dtype of ``x``. Source: openai2026parametergolf.

    Raises:
        ValueError: when the slope is not finite or does not broadcast to ``x``.
    """
    return np.square(_leaky(x, SQUARED_SLOPE.check(slope, x.shape)))


@elementwise
def leaky_relu2_derivative(x: FloatArray, slope: ArrayLike = 0.5) -> FloatArray:
    """2·LeakyReLU(x) with slope a²: 2x for x > 0 and 2a²x, of the opposite sign, for x < 0."""
    slope = SQUARED_SLOPE.check(slope, x.shape)
    # One factor at a time: a² alone may leave the range where a²x does not.
    return 2.0 * np.where(x > 0, x, slope * _leaky(x, slope))


@elementwise
def star_relu(x: FloatArray, scale: ArrayLike = 0.8944, bias: ArrayLike = -0.4472) -> FloatArray:
    """StarReLU s·max(x, 0)² + b, whose s and b are learned.

    Args:
        x: array of any shape.
        scale: s, any finite number or an array that broadcasts to ``x``.
        bias: b, the same. The defaults give a standard normal input mean 0 and variance 1; the
            paper's own code starts from 1 and 0 (sail-sg/metaformer, metaformer_baselines.py,
            00eacc0).

    Returns:
        shape and dtype of ``x``. Paper: yu2024metaformer.

    Raises:
        ValueError: when s or b is not finite or does not broadcast to ``x``.
    """
    scale = STAR_SCALE.check(scale, x.shape)
    bias = STAR_BIAS.check(bias, x.shape)
    r = np.maximum(x, 0.0)
    plain = gated(gated(scale, r), r) + bias
    # Where the square and b may cancel: the square with what its rounding lost.
    near = np.where((np.abs(plain) < 64.0 * np.abs(bias)) & (r < 1e290), r, 0.0)
    product, lost = two_product(scale, near)
    square, rest = two_product(product, near)
    return np.where(near > 0, (square + bias) + (rest + lost * near), plain)


@elementwise
def star_relu_derivative(
    x: FloatArray, scale: ArrayLike = 0.8944, bias: ArrayLike = -0.4472
) -> FloatArray:
    """2s·max(x, 0); the function has no kink."""
    STAR_BIAS.check(bias, x.shape)
    return 2.0 * gated(STAR_SCALE.check(scale, x.shape), np.maximum(x, 0.0))


#: The slope of xIELU at 0, which is not learned.
XIELU_BETA = 0.5
#: (e^x − 1 − x)/x² as a series: what is left out is below 1e-17 for |x| ≤ ½. Highest power first.
BULGE = tuple(1.0 / factorial(k) for k in range(16, 1, -1))


@elementwise
def xielu(x: FloatArray, alpha_p: ArrayLike = 0.8, alpha_n: ArrayLike = 0.8) -> FloatArray:
    """xIELU, the integral of an ELU: α_p·x² + x/2 for x > 0, else α_n·(e^x − 1 − x) + x/2.

    Args:
        x: array of any shape.
        alpha_p: α_p > 0, a number or an array that broadcasts to ``x``.
        alpha_n: α_n > 0, the same. Both are learned, α_n as ½ plus a positive number: then
            f → ∞ at −∞, by a slope of ½ − α_n < 0.

    Returns:
        shape and dtype of ``x``. Paper: huang2024xielu.

    Raises:
        ValueError: when one of them is not a positive number from 1e-18 to 1e18.
    """
    alpha_p = XIELU_POSITIVE.check(alpha_p, x.shape)
    alpha_n = XIELU_NEGATIVE.check(alpha_n, x.shape)
    above, below = np.maximum(x, 0.0), np.minimum(x, 0.0)
    inner = np.maximum(below, -0.5)
    # Near 0, where e^x − 1 − x would cancel; further out x is taken but once.
    near = inner * (XIELU_BETA + alpha_n * inner * horner(BULGE, inner))
    far = alpha_n * np.expm1(below) + gated(XIELU_BETA - alpha_n, below)
    return np.where(x > 0, above * (alpha_p * above + XIELU_BETA), np.where(x > -0.5, near, far))


@elementwise
def xielu_derivative(
    x: FloatArray, alpha_p: ArrayLike = 0.8, alpha_n: ArrayLike = 0.8
) -> FloatArray:
    """2α_p·x + ½ for x > 0, else α_n·(e^x − 1) + ½: ½ at 0 from both sides."""
    alpha_p = XIELU_POSITIVE.check(alpha_p, x.shape)
    alpha_n = XIELU_NEGATIVE.check(alpha_n, x.shape)
    below = alpha_n * np.expm1(np.minimum(x, 0.0))
    return XIELU_BETA + np.where(x > 0, 2.0 * (alpha_p * np.maximum(x, 0.0)), below)
