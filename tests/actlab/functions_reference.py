"""The truth that the functions are held against: textbook definitions in multiprecision.

Each formula here is the definition as a book prints it, evaluated with so many digits that its
cancellations do no harm; none shares a line with :mod:`actlab.functions`.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
from mpmath import mp, mpf


def digits(x: float) -> int:
    """How many decimal digits survive the worst cancellation in the definitions below at x.

    1 − tanh² and 1 + tanh(0.0357x³) cancel 0.87·|x| and 0.031·|x|³ of them in the tails, e^x − 1
    as many as x has zeros after its point. Below 10⁻³²⁴, which 360 digits cover, float64 has 0.
    """
    size = abs(x)
    tail = min(size + 0.05 * size**3, 740)
    zeros = -mp.log10(size) if 0 < size < 1 else 0
    return 40 + int(tail + zeros)


Formula = Callable[..., mpf]


def _sigmoid(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def _normal_cdf(x: mpf) -> mpf:
    # mpmath's erfc keeps its relative accuracy, so that 50 digits do here.
    with mp.workdps(50):
        return mp.erfc(-x / mp.sqrt(2)) / 2


def _normal_pdf(x: mpf) -> mpf:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _tanh_argument(x: mpf) -> mpf:
    return mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)


def _tanh_argument_slope(x: mpf) -> mpf:
    return mp.sqrt(2 / mp.pi) * (1 + 3 * mpf("0.044715") * x**2)


def _leaky(x: mpf, a: mpf) -> mpf:
    return x if x > 0 else a * x


def _selu_constants() -> tuple[mpf, mpf]:
    """λ and α from the fixed point: λ²E[elu²] = 1 and E[elu] = 0 under N(0, 1)."""
    half = mpf(1) / 2
    root = mp.sqrt(2 * mp.pi)
    # E[e^x; x<0] = e^(1/2)Φ(−1) and E[e^2x; x<0] = e²Φ(−2).
    first = mp.exp(half) * mp.erfc(1 / mp.sqrt(2)) / 2
    second = mp.exp(2) * mp.erfc(mp.sqrt(2)) / 2
    alpha = (1 / root) / (half - first)
    scale = 1 / mp.sqrt(half + alpha**2 * (second - 2 * first + half))
    return scale, alpha


with mp.workdps(60):
    SELU_SCALE, SELU_ALPHA = _selu_constants()


def _mish_gate(x: mpf) -> mpf:
    return mp.tanh(mp.log1p(mp.exp(x)))


def _mish_derivative(x: mpf) -> mpf:
    w = _mish_gate(x)
    return w + x * (1 - w * w) * _sigmoid(x)


def _gelu_tanh_derivative(x: mpf) -> mpf:
    t = mp.tanh(_tanh_argument(x))
    return (1 + t) / 2 + x / 2 * (1 - t * t) * _tanh_argument_slope(x)


def _silu_derivative(x: mpf, beta: mpf = 1) -> mpf:
    s = _sigmoid(beta * x)
    return s + beta * x * s * (1 - s)


#: name -> (forward, derivative) at the default parameters; keywords for other values.
TRUTH: dict[str, tuple[Formula, Formula]] = {
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x))),
    "hard_sigmoid": (
        lambda x: min(max(x + 3, mpf(0)), mpf(6)) / 6,
        lambda x: mpf(-3 < x < 3) / 6,
    ),
    "log_sigmoid": (lambda x: mp.log(_sigmoid(x)), lambda x: 1 - _sigmoid(x)),
    "tanh": (mp.tanh, lambda x: 1 - mp.tanh(x) ** 2),
    "hardtanh": (lambda x: min(max(x, mpf(-1)), mpf(1)), lambda x: mpf(-1 < x < 1)),
    "softcap": (
        lambda x, cap=30: cap * mp.tanh(x / cap),
        lambda x, cap=30: 1 - mp.tanh(x / cap) ** 2,
    ),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "softplus": (
        lambda x, beta=1: mp.log(1 + mp.exp(beta * x)) / beta,
        lambda x, beta=1: _sigmoid(beta * x),
    ),
    "relu": (lambda x: max(x, mpf(0)), lambda x: mpf(x > 0)),
    "relu6": (lambda x: min(max(x, mpf(0)), mpf(6)), lambda x: mpf(0 < x < 6)),
    "leaky_relu": (
        lambda x, slope=0.01: _leaky(x, slope),
        lambda x, slope=0.01: mpf(1) if x > 0 else slope,
    ),
    "prelu": (
        lambda x, slope=0.25: _leaky(x, slope),
        lambda x, slope=0.25: mpf(1) if x > 0 else slope,
    ),
    "rrelu": (
        lambda x, lower=1 / 8, upper=1 / 3: _leaky(x, (lower + upper) / 2),
        lambda x, lower=1 / 8, upper=1 / 3: mpf(1) if x > 0 else (lower + upper) / 2,
    ),
    "elu": (
        lambda x, alpha=1: x if x > 0 else alpha * (mp.exp(x) - 1),
        lambda x, alpha=1: mpf(1) if x > 0 else alpha * mp.exp(x),
    ),
    "celu": (
        lambda x, alpha=1: max(x, mpf(0)) + min(mpf(0), alpha * (mp.exp(x / alpha) - 1)),
        lambda x, alpha=1: mpf(1) if x > 0 else mp.exp(x / alpha),
    ),
    "selu": (
        lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * (mp.exp(x) - 1)),
        lambda x: SELU_SCALE * (mpf(1) if x > 0 else SELU_ALPHA * mp.exp(x)),
    ),
    "gelu": (
        lambda x: x * _normal_cdf(x),
        lambda x: _normal_cdf(x) + x * _normal_pdf(x),
    ),
    "gelu_tanh": (
        lambda x: x / 2 * (1 + mp.tanh(_tanh_argument(x))),
        _gelu_tanh_derivative,
    ),
    "quick_gelu": (
        lambda x: x * _sigmoid(mpf("1.702") * x),
        lambda x: _silu_derivative(x, mpf("1.702")),
    ),
    "silu": (lambda x, beta=1: x * _sigmoid(beta * x), _silu_derivative),
    "mish": (lambda x: x * _mish_gate(x), _mish_derivative),
    "hardswish": (
        lambda x: x * min(max(x + 3, mpf(0)), mpf(6)) / 6,
        lambda x: mpf(0) if x <= -3 else mpf(1) if x >= 3 else x / 3 + mpf(1) / 2,
    ),
    "relu2": (lambda x: max(x, mpf(0)) ** 2, lambda x: 2 * max(x, mpf(0))),
    "leaky_relu2": (
        lambda x, slope=0.5: _leaky(x, slope) ** 2,
        lambda x, slope=0.5: 2 * x if x > 0 else 2 * slope**2 * x,
    ),
    "star_relu": (
        lambda x, scale=0.8944, bias=-0.4472: mpf(scale) * max(x, mpf(0)) ** 2 + mpf(bias),
        lambda x, scale=0.8944, bias=0: 2 * mpf(scale) * max(x, mpf(0)),
    ),
    "snake": (
        lambda x, alpha=1: x + mp.sin(alpha * x) ** 2 / alpha,
        lambda x, alpha=1: 1 + mp.sin(2 * alpha * x),
    ),
    "xielu": (
        lambda x, alpha_p=0.8, alpha_n=0.8: (
            mpf(alpha_p) * x**2 + x / 2 if x > 0 else mpf(alpha_n) * (mp.exp(x) - 1 - x) + x / 2
        ),
        lambda x, alpha_p=0.8, alpha_n=0.8: (
            2 * mpf(alpha_p) * x + mpf(1) / 2
            if x > 0
            else mpf(alpha_n) * (mp.exp(x) - 1) + mpf(1) / 2
        ),
    ),
}


#: Other parameters than the defaults, so that none is hard-wired; the first sets all of them.
OTHER: dict[str, tuple[dict[str, float], ...]] = {
    "softcap": ({"cap": 0.8},),
    "softplus": ({"beta": 2.5},),
    "leaky_relu": ({"slope": 0.3}, {"slope": 1.7}),
    "prelu": ({"slope": -0.2}, {"slope": -0.7}),
    "rrelu": ({"lower": 0.25, "upper": 0.5},),
    "elu": ({"alpha": 1.8},),
    # PyTorch keeps 1/α in float32.
    "celu": ({"alpha": 0.5},),
    "silu": ({"beta": 1.702}, {"beta": -0.5}, {"beta": -2.0}),
    "leaky_relu2": ({"slope": 0.3}, {"slope": -3.0}),
    "star_relu": ({"scale": -0.5, "bias": 2.0},),
    "snake": ({"alpha": 2.5},),
    "xielu": ({"alpha_p": 0.3, "alpha_n": 0.6}, {"alpha_p": 1.5, "alpha_n": 0.25}),
}


#: The stated accuracy in float64: the largest error in ulp of (forward, derivative), for every
#: input whose result and whose exponential e^−|x| (or e^−x²/2) are normal numbers. The worst that
#: a search of 20,000 points finds is below by what another platform's exp and log1p may need.
FLOAT64_ULP = {
    "sigmoid": (2.5, 4.0),
    "hard_sigmoid": (1.5, 0.5),
    "log_sigmoid": (2.0, 2.5),
    "tanh": (1.5, 4.0),
    "hardtanh": (0.0, 0.0),
    "softcap": (3.0, 5.0),
    "softsign": (2.0, 4.0),
    "softplus": (2.0, 2.5),
    "relu": (0.0, 0.0),
    "relu6": (0.0, 0.0),
    "leaky_relu": (0.5, 0.0),
    "prelu": (0.5, 0.0),
    "rrelu": (0.5, 0.0),
    "elu": (1.0, 1.0),
    "celu": (1.0, 1.0),
    "selu": (3.0, 3.0),
    "gelu": (8.0, 8.0),
    "gelu_tanh": (4.5, 8.0),
    "quick_gelu": (4.5, 8.0),
    "silu": (3.5, 6.0),
    "mish": (5.0, 8.0),
    "hardswish": (2.5, 1.5),
    "relu2": (0.5, 0.0),
    "leaky_relu2": (0.5, 1.0),
    "star_relu": (2.5, 0.5),
    "snake": (4.0, 4.5),
    "xielu": (3.0, 1.5),
}
#: The derivatives of the smooth gates have a zero near −1 where two terms of about 0.2 cancel.
CANCELLING = {"gelu", "gelu_tanh", "quick_gelu", "silu", "mish"}
_INF = np.inf
#: f(−∞), f(∞), f′(−∞), f′(∞)
LIMITS = {
    "sigmoid": (0, 1, 0, 0),
    "hard_sigmoid": (0, 1, 0, 0),
    "log_sigmoid": (-_INF, 0, 1, 0),
    "tanh": (-1, 1, 0, 0),
    "hardtanh": (-1, 1, 0, 0),
    "softcap": (-30, 30, 0, 0),
    "softsign": (-1, 1, 0, 0),
    "softplus": (0, _INF, 0, 1),
    "relu": (0, _INF, 0, 1),
    "relu6": (0, 6, 0, 0),
    "leaky_relu": (-_INF, _INF, 0.01, 1),
    "prelu": (-_INF, _INF, 0.25, 1),
    "rrelu": (-_INF, _INF, (1 / 8 + 1 / 3) / 2, 1),
    "elu": (-1, _INF, 0, 1),
    "celu": (-1, _INF, 0, 1),
    "selu": (-1.7580993408473766, _INF, 0, 1.0507009873554805),
    "gelu": (0, _INF, 0, 1),
    "gelu_tanh": (0, _INF, 0, 1),
    "quick_gelu": (0, _INF, 0, 1),
    "silu": (0, _INF, 0, 1),
    "mish": (0, _INF, 0, 1),
    "hardswish": (0, _INF, 0, 1),
    "relu2": (0, _INF, 0, _INF),
    "leaky_relu2": (_INF, _INF, -_INF, _INF),
    "star_relu": (-0.4472, _INF, 0, _INF),
    "snake": (-_INF, _INF, np.nan, np.nan),
    "xielu": (_INF, _INF, 0.5 - 0.8, _INF),
}


def sizes(name: str, which: str, x: np.ndarray) -> np.ndarray:
    """The sizes of terms that cancel, in whose ulp an error counts; 0 where none do."""
    if name in CANCELLING and which == "derivative":
        return np.where((x > -2.5) & (x < -0.3), 0.125, 0.0)
    if name == "xielu":  # the linear term against the bend
        return np.where(x < 0, np.abs(x) / 2 if which == "forward" else 0.5, 0.0)
    return np.zeros(x.shape)


def truth(name: str, which: str, x: np.ndarray, **parameters: float) -> list[mpf]:
    """The values of a function (``forward``) or its derivative at finite float64 points."""
    formula = TRUTH[name][0 if which == "forward" else 1]
    keywords = {key: mpf(value) for key, value in parameters.items()}
    values = []
    for value in x.tolist():
        with mp.workdps(digits(value)):
            values.append(formula(mpf(value), **keywords))
    return values


def errors_in_ulp(
    y: np.ndarray, exact: list[mpf], dtype: type = np.float64, floor: np.ndarray | float = 0.0
) -> np.ndarray:
    """|y − exact| in units in the last place of ``dtype`` at the exact value.

    Args:
        y: computed values, finite where the exact ones do not overflow.
        exact: true values.
        dtype: whose ulp counts; below its normal range that is the spacing of the subnormals.
        floor: smaller values are measured in the ulp of this one; one for each value, or for all.
    """
    information = np.finfo(dtype)
    errors = np.empty(len(exact))
    floors = np.broadcast_to(floor, errors.shape).tolist()
    with mp.workdps(60):
        for i, (value, target) in enumerate(zip(y.tolist(), exact, strict=True)):
            if abs(target) >= mpf(float(information.max)) + _ulp(float(information.max), dtype) / 2:
                errors[i] = 0.0 if value == mpmath.sign(target) * mpmath.inf else np.inf
            elif not np.isfinite(value):
                errors[i] = np.inf
            else:
                size = max(float(abs(target)), floors[i])
                errors[i] = float(abs(mpf(value) - target) / _ulp(size, dtype))
    return errors


def _ulp(size: float, dtype: type) -> mpf:
    information = np.finfo(dtype)
    exponent = np.frexp(max(size, float(information.tiny)))[1] - 1
    return mp.ldexp(mpf(1), int(exponent) - information.nmant)
