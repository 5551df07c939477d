"""Building blocks of the formulas: exponentials and friends in few instructions.

All work on float32 (or float64) values: bfloat16 and float16 are widened right after the load and
rounded once at the store. ``WIDE`` is True when the result is stored in float32 or float64; the
16-bit formats get by with shorter polynomials and exponentials whose relative error is some 1e-5,
far below half a unit of their last place.

Why not ``tl.exp``, ``tl.sigmoid``, ``tl.erf``, division and libdevice? They are right in every bit
and cost it: in bfloat16 an H200 has time for about 31 instructions an element before arithmetic,
not memory, sets the pace, and GELU written with ``tl.erf`` needs 37 (``actlab.kernels.sass``
counts them). The two special-function instructions ``ex2`` and ``rcp`` flush results below
2⁻¹²⁶ to 0, which would lose whole tails; so exponentials are computed times 2^±32 and scaled back
by an ordinary multiplication, which does not flush. In the interpreter the two flush as well.
"""

# Triton compiles whatever follows a compile-time `if`, even after a return: both sides are spelled
# out.
# ruff: noqa: RET505

from __future__ import annotations

import triton
import triton.language as tl

from actlab.kernels.availability import interpreting

#: Fixed when this module is imported, as the decorator below fixes how functions run.
INTERPRETED = tl.constexpr(interpreting())

LOG2E = tl.constexpr(1.4426950408889634)
LOG2E_REST = tl.constexpr(1.925963033500116e-08)  # log2(e) − float32(log2(e))
ROUNDER = tl.constexpr(12582912.0)  # 1.5·2²³: adding it rounds to an integer, kept in the low bits
UP = tl.constexpr(4294967296.0)  # 2³²
DOWN = tl.constexpr(2.3283064365386963e-10)  # 2⁻³²
LARGEST_RECIPROCAL = tl.constexpr(8.507059173023462e37)  # 2¹²⁶
# Beyond it e^x is 0 in every dtype; it keeps −∞·0 = NaN out of products like x·σ(x).
FAR = tl.constexpr(2000.0)


@triton.jit
def larger(x, y):
    """max(x, y) that keeps NaN (Triton's default drops it), one instruction."""
    return tl.maximum(x, y, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def smaller(x, y):
    """min(x, y) that keeps NaN."""
    return tl.minimum(x, y, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def within(x, low, high):
    """x clipped to [low, high], NaN kept."""
    return smaller(larger(x, low), high)


@triton.jit
def reciprocal(x):
    """1/x to 1 ulp; 0 for |x| > 2¹²⁶ in float32."""
    if x.dtype.is_fp64():
        return 1.0 / x
    elif INTERPRETED:
        return tl.where(tl.abs(x) > LARGEST_RECIPROCAL, 0.0, 1.0 / x)
    else:
        return tl.inline_asm_elementwise(
            "rcp.approx.ftz.f32 $0, $1;", "=r,r", [x], dtype=tl.float32, is_pure=True, pack=1
        )


@triton.jit
def exp2(x):
    """2^x to 2 ulp; 0 where that is below 2⁻¹²⁶ in float32."""
    if x.dtype.is_fp64():
        return tl.exp2(x)
    elif INTERPRETED:
        return tl.where(x < -126.0, 0.0, tl.exp2(x))
    else:
        return tl.inline_asm_elementwise(
            "ex2.approx.ftz.f32 $0, $1;", "=r,r", [x], dtype=tl.float32, is_pure=True, pack=1
        )


@triton.jit
def exp_times(x, SHIFT: tl.constexpr, WIDE: tl.constexpr):
    """2^SHIFT · e^x for SHIFT = ±32.

    In WIDE float32 the argument is split into an integer and a fraction, because the rounding of
    x·log2(e) alone costs |x| units in the last place of e^x.
    """
    if WIDE and not x.dtype.is_fp64():
        # So that the exponent below stays in 1…254; past either end the true value no longer
        # matters to any caller.
        x = within(x, -77.0 - SHIFT, 77.0 - SHIFT)
        rounded = tl.fma(x, LOG2E, ROUNDER)
        whole = rounded - ROUNDER
        fraction = tl.fma(x, LOG2E_REST, tl.fma(x, LOG2E, -whole))
        bits = (rounded.to(tl.int32, bitcast=True) << 23) + ((127 + SHIFT) << 23)
        return exp2(fraction) * bits.to(tl.float32, bitcast=True)
    else:
        return exp2(tl.fma(x, LOG2E, SHIFT * 1.0))


@triton.jit
def exp_small(x, WIDE: tl.constexpr):
    """e^x for x ≤ 0, down to the smallest subnormal number."""
    return exp_times(x, 32, WIDE) * DOWN


@triton.jit
def logistic(x, WIDE: tl.constexpr):
    """σ(x) = 1/(1 + e^−x), with both tails: 2⁻³²/(2⁻³² + 2⁻³²·e^−x)."""
    return reciprocal(exp_times(-x, -32, WIDE) + DOWN) * DOWN


@triton.jit
def log1p_unit(z, WIDE: tl.constexpr):
    """log(1 + z) for 0 ≤ z ≤ 1 as z·P(z); relative error 8e-6, WIDE 5e-9."""
    if z.dtype.is_fp64():
        u = 1.0 + z
        # Goldberg: the rounding error of 1 + z cancels in the quotient.
        return tl.where(u == 1.0, z, tl.log(u) * (z / tl.where(u == 1.0, 1.0, u - 1.0)))
    elif WIDE:
        p = 0.01985156844182439 - 0.0032440417194670042 * z
        p = -0.056959801764658397 + z * p
        p = 0.10603690244732746 + z * p
        p = -0.1530561956523606 + z * p
        p = 0.19675951460619254 + z * p
        p = -0.24954136848493788 + z * p
        p = 0.33329962864135027 + z * p
        p = -0.49999902451078404 + z * p
        p = 0.9999999952924509 + z * p
        return z * p
    else:
        p = 0.10122310926862019 - 0.023869333420593435 * z
        p = -0.21004984309811237 + z * p
        p = 0.32520733143356445 + z * p
        p = -0.49936150812012153 + z * p
        p = 0.999991606791466 + z * p
        return z * p


@triton.jit
def expm1_near(x, WIDE: tl.constexpr):
    """e^x − 1 for −½ < x ≤ 0 (WIDE) or −¼ < x ≤ 0, as x·P(x); relative error 2e-5, WIDE 2e-7."""
    if WIDE:
        p = 0.008187380588739378 + 0.0011216303001092467 * x
        p = 0.041629086913185516 + x * p
        p = 0.16666224044690156 + x * p
        p = 0.49999980743703887 + x * p
        p = 0.9999999986260658 + x * p
        return x * p
    else:
        p = 0.49861441492978414 + 0.15179817298927223 * x
        p = 0.9999804058384518 + x * p
        return x * p


@triton.jit
def expm1(x, WIDE: tl.constexpr):
    """e^x − 1 for x ≤ 0 (garbage above): a polynomial near 0, where the subtraction loses digits.

    Relative error 2e-5, WIDE 2e-7.
    """
    if x.dtype.is_fp64():
        u = tl.exp2(x * LOG2E)
        safe = tl.where((u == 1.0) | (u == 0.0), 0.5, u)
        near = tl.where(u == 1.0, x, (u - 1.0) * (x / tl.log(safe)))
        return tl.where(u == 0.0, -1.0, near)
    elif WIDE:
        far = tl.fma(exp_times(x, 32, WIDE), DOWN, -1.0)
        return tl.where(x > -0.5, expm1_near(x, WIDE), far)
    else:
        return tl.where(x > -0.25, expm1_near(x, WIDE), exp2(x * LOG2E) - 1.0)


@triton.jit
def tanh_pieces(x, WIDE: tl.constexpr):
    """(whether x is near 0, tanh(x)/x there, tanh(x) elsewhere); relative error 2e-6, WIDE 2e-7.

    Far out it is 1 − 2σ(−2x), near 0 an even polynomial times x.
    """
    u = x * x
    far = tl.fma(reciprocal(exp_times(2.0 * x, -32, WIDE) + DOWN), -2.0 * DOWN, 1.0)
    if x.dtype.is_fp64():
        # The series to 1e-16 below 0.02.
        series = 1.0 + u * (-1.0 / 3.0 + u * (2.0 / 15.0 + u * (-17.0 / 315.0 + u * 62.0 / 2835)))
        return u < 0.0004, series, far
    elif WIDE:
        p = -0.05258926471118266 + 0.016315337829462994 * u
        p = 0.13318876048323197 + u * p
        p = -0.33332794983021014 + u * p
        p = 0.9999999676353885 + u * p
        return u < 0.3025, p, far
    else:
        p = -0.3331001859503432 + 0.1263390080323813 * u
        p = 0.9999988386359184 + u * p
        return u < 0.09, p, far


@triton.jit
def tanh(x, WIDE: tl.constexpr):
    """tanh(x); relative error 2e-6, WIDE 2e-7."""
    near, ratio, far = tanh_pieces(x, WIDE)
    return tl.where(near, x * ratio, far)


@triton.jit
def fused(x, y, z):
    """x·y + z, rounded once in the interpreter as well, whose own rounds the product."""
    if INTERPRETED:
        return (x.to(tl.float64) * y + z.to(tl.float64)).to(tl.float32)
    else:
        return tl.fma(x, y, z)


@triton.jit
def sine_square(x, a, QUARTER: tl.constexpr, WIDE: tl.constexpr):
    """sin²(ax + QUARTER·π/4) for QUARTER 0 or 1; relative error 2e-6, WIDE 1e-7, of a polynomial.

    The phase is taken modulo π in two steps, whose first is exact. It is right to 2e-7 while
    |ax| < 2¹⁸, and a rounded a costs |ax| times its rounding; beyond, the result is within [0, 1]
    and means nothing.
    """
    t = a * x
    if x.dtype.is_fp64():
        s = tl.sin(t + QUARTER * 0.7853981633974483)
        return s * s
    else:
        turns = tl.floor(t * 0.3183098861837907 + (0.5 + 0.25 * QUARTER))
        r = fused(turns, -3.1415927410125732, t)
        if QUARTER:
            r += turns * 8.742277657347586e-08 + fused(x, a, -t) + 0.7853981633974483
        u = smaller(r * r, 2.6)
        if WIDE:
            p = 0.00013900907191832134 - 3.575357781132338e-06 * u
            p = -0.0031716690448378524 + u * p
            p = 0.04444253598367938 + u * p
            p = -0.3333328666425689 + u * p
            p = 0.9999999806955052 + u * p
        else:
            p = -0.003113054680940064 + 0.00011469225408793485 * u
            p = 0.04438377079359193 + u * p
            p = -0.3333116037376101 + u * p
            p = 0.9999986774738424 + u * p
        return u * p


@triton.jit
def gaussian(x, WIDE: tl.constexpr):
    """(2³²·e^(−x²/2), Φ(−|x|)) for |x| ≤ 16: the Gaussian bell and its tail.

    Φ(−a) = e^(−a²/2)·R(a), and R, the scaled Mills ratio, is a polynomial in t = 1/(1 + c·a)
    without a constant term, because it falls off as 1/a. The tail is computed as such and never
    as 1 − Φ(a), so that it keeps its digits until it leaves the dtype. Relative error of R:
    3.5e-5, WIDE 2e-7 with its rounding. The coefficients are a minimax fit on [0, 15].
    """
    a = tl.abs(x)
    square = x * x
    if x.dtype.is_fp64():
        bell = tl.exp2(square * (-0.5 * LOG2E)) * UP
        return bell, 0.5 - 0.5 * tl.erf(a * 0.7071067811865476)
    elif WIDE:
        # exp feels the rounding error of x²; the fused multiply-add recovers it.
        rest = tl.fma(x, x, -square)
        bell = exp_times(-0.5 * square, 32, WIDE) * tl.fma(rest, -0.5, 1.0)
        t = 1.0 / (1.0 + 0.35 * a)
        p = 0.14405762303850514 - 0.02916321471913866 * t
        p = -0.25589586750240945 + t * p
        p = 0.15938670509232192 + t * p
        p = -0.023259993869158373 + t * p
        p = 0.10557335219444558 + t * p
        p = 0.11981582261513161 + t * p
        p = 0.1398642968427361 + t * p
        p = 0.1396212603496468 + t * p
        return bell, bell * (t * p * DOWN)
    else:
        bell = exp2(tl.fma(square, -0.5 * LOG2E, 32.0))
        t = reciprocal(1.0 + 0.375 * a)
        # The coefficients carry the factor 2⁻³² that takes the scale of the bell back.
        p = (0.19887135935138467 * DOWN) - (0.09000896262326932 * DOWN) * t
        p = (0.08465366190671673 * DOWN) + t * p
        p = (0.1573926401438469 * DOWN) + t * p
        p = (0.14909707295186786 * DOWN) + t * p
        return bell, bell * (t * p)
