"""The normal distribution to a few ulp in float64, with NumPy alone.

GELU is x·Φ(x), and the textbook form Φ(x) = (1 + erf(x/√2))/2 loses the whole left tail to
cancellation: in float32 it is exactly 0 below x = −5.6, where the true value is −6e-8. The
functions here keep their *relative* accuracy until the result leaves the normal range.

The rational approximations are those of W. J. Cody, "Rational Chebyshev approximations for the
error function", Mathematics of Computation 23 (1969) 631–637, in the form of the function ANORM
of his SPECFUN package (ACM TOMS Algorithm 715, 1993), which R's ``pnorm`` uses as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from actlab.functions.rounding import FloatArray, elementwise

SQRT_2PI_INVERSE = 0.3989422804014327
# √2 to twice float64's precision.
SQRT_2, SQRT_2_REST = 1.4142135623730951, -9.667293313452913e-17

# Φ(x) − 1/2 = x · P(x²)/Q(x²) for |x| ≤ CENTRE; highest power first, as the others are.
CENTRE = 0.67448975
CENTRE_P = (
    6.5682337918207449113e-2,
    2.2352520354606839287e0,
    1.6102823106855587881e2,
    1.0676894854603709582e3,
    1.8154981253343561249e4,
)
CENTRE_Q = (
    1.0,
    4.7202581904688241870e1,
    9.7609855173777669322e2,
    1.0260932208618978205e4,
    4.5507789335026729956e4,
)
# Φ(−a) = exp(−a²/2) · P(a)/Q(a) for CENTRE < a ≤ √32.
MIDDLE_P = (
    1.0765576773720192317e-8,
    3.9894151208813466764e-1,
    8.8831497943883759412e0,
    9.3506656132177855979e1,
    5.9727027639480026226e2,
    2.4945375852903726711e3,
    6.8481904505362823326e3,
    1.1602651437647350124e4,
    9.8427148383839780218e3,
)
MIDDLE_Q = (
    1.0,
    2.2266688044328115691e1,
    2.3538790178262499861e2,
    1.5193775994075548050e3,
    6.4855582982667607550e3,
    1.8615571640885098091e4,
    3.4900952721145977266e4,
    3.8912003286093271411e4,
    1.9685429676859990727e4,
)
# Φ(−a) = exp(−a²/2)/a · (1/√(2π) − r·P(r)/Q(r)) with r = 1/a², for a > √32.
TAIL_START = np.sqrt(32.0)
TAIL_P = (
    2.307344176494017303e-2,
    2.1589853405795699e-1,
    1.274011611602473639e-1,
    2.2235277870649807e-2,
    1.421619193227893466e-3,
    2.9112874951168792e-5,
)
TAIL_Q = (
    1.0,
    1.28426009614491121e0,
    4.68238212480865118e-1,
    6.59881378689285515e-2,
    3.78239633202758244e-3,
    7.29751555083966205e-5,
)
#: Beyond it exp(−a²/2) is 0 in float64, so that clipping to it changes no result.
UNDERFLOW = 40.0


def horner(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    """A polynomial, highest power first."""
    y = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        y = y * x + coefficient
    return y


def gaussian(a: FloatArray) -> FloatArray:
    """exp(−a²/2) for float64 ``a``, to about 1.5 ulp however far out.

    Squaring first would round a² and lose |a²/2| times that rounding. So ``a`` is split into a
    multiple h of 2^−16, whose square is exact, and a rest: a² = h² + (a − h)(a + h). The second
    exponential is close to 1, and only what it adds to 1 is rounded.
    """
    a = np.minimum(np.abs(a), UNDERFLOW)
    h = np.trunc(a * 65536) / 65536
    bell = np.exp(-0.5 * h * h)
    return bell + bell * np.expm1(-0.5 * (a - h) * (a + h))


def _lower_tail(a: FloatArray) -> FloatArray:
    """Φ(−a) for a ≥ 0, relative accuracy kept."""
    return gaussian(a) * _tail_scale(np.minimum(a, UNDERFLOW))


def _tail_scale(a: FloatArray) -> FloatArray:
    """Φ(−a)/exp(−a²/2) for 0 ≤ a ≤ UNDERFLOW."""
    middle = np.clip(a, CENTRE, TAIL_START)
    r = 1.0 / np.square(np.maximum(a, TAIL_START))
    far = (SQRT_2PI_INVERSE - r * horner(TAIL_P, r) / horner(TAIL_Q, r)) / np.maximum(a, 1.0)
    return np.where(a <= TAIL_START, horner(MIDDLE_P, middle) / horner(MIDDLE_Q, middle), far)


#: Below it Φ(x) comes near the end of float64's range, where numbers lose digits.
FAR_GATE = -37.0


def x_cdf_far(x: FloatArray) -> FloatArray:
    """x·Φ(x) below :data:`FAR_GATE`."""
    a = np.clip(-x, 1.0, UNDERFLOW)
    return _far_gaussian(a, -a * _tail_scale(a))


def cdf_and_x_pdf_far(x: FloatArray) -> FloatArray:
    """Φ(x) + x·φ(x) below :data:`FAR_GATE`."""
    a = np.clip(-x, 1.0, UNDERFLOW)
    return _far_gaussian(a, _tail_scale(a) - a * SQRT_2PI_INVERSE)


def _far_gaussian(a: FloatArray, times: FloatArray) -> FloatArray:
    """times·exp(−a²/2): in two halves, neither of which loses digits."""
    h = np.trunc(a * 65536) / 65536
    half = np.exp(-0.25 * h * h)
    return times * (1.0 + np.expm1(-0.5 * (a - h) * (a + h))) * half * half


def _centre(x: FloatArray) -> FloatArray:
    """Φ(x) − 1/2 for |x| ≤ CENTRE (clipped to it elsewhere)."""
    x = np.clip(x, -CENTRE, CENTRE)
    return x * (horner(CENTRE_P, x * x) / horner(CENTRE_Q, x * x))


@elementwise
def normal_pdf(x: FloatArray) -> FloatArray:
    """Density φ(x) = exp(−x²/2)/√(2π) of the standard normal distribution."""
    return gaussian(x) * SQRT_2PI_INVERSE


@elementwise
def normal_cdf(x: FloatArray) -> FloatArray:
    """Distribution function Φ(x) of the standard normal distribution, right in both tails."""
    tail = _lower_tail(np.abs(x))
    outer = np.where(x < 0, tail, 1.0 - tail)
    return np.where(np.abs(x) <= CENTRE, 0.5 + _centre(x), outer)


@elementwise
def erf(x: FloatArray) -> FloatArray:
    """Error function erf(x) = 2Φ(x√2) − 1, without the cancellation near 0."""
    t = np.clip(x, -UNDERFLOW, UNDERFLOW) * SQRT_2
    outer = np.copysign(1.0 - 2.0 * _lower_tail(np.abs(t)), x)
    return np.where(np.abs(t) <= CENTRE, 2.0 * _centre(t), outer)


@elementwise
def erfc(x: FloatArray) -> FloatArray:
    """Complementary error function erfc(x) = 2Φ(−x√2), relative accuracy kept in the tail."""
    x = np.clip(x, -UNDERFLOW, UNDERFLOW)
    t, rest = two_product(x, SQRT_2)
    rest = rest + x * SQRT_2_REST
    # Φ(−t − rest) ≈ Φ(−t) − rest·φ(t): without it the rounding of t costs t² ulp.
    return 2.0 * (normal_cdf(-t) - rest * normal_pdf(t))


def two_product(a: FloatArray, b: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """a·b as an unevaluated sum: the rounded product and its rounding error, exactly.

    Veltkamp's splitting and Dekker's product (Numerische Mathematik 18 (1971) 224–242). The
    factors must stay below 1e300, or the splitting overflows.
    """
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _split(a: Any) -> tuple[Any, Any]:
    scaled = 134217729.0 * a  # 2**27 + 1 leaves 26 bits in each half
    high = scaled - (scaled - a)
    return high, a - high
