"""Right answers to 14_low_precision in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: struct, number by number
import struct


def _one(value):
    if value != value:
        return float("nan")
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    low, bits = bits & 0xFFFF, bits >> 16
    if low > 0x8000 or (low == 0x8000 and bits & 1):
        bits += 1
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def to_bfloat16(x):
    flat = [_one(v) for v in np.asarray(x).ravel().tolist()]
    return np.array(flat, dtype=np.float32).reshape(np.shape(x))


# %% q2: math, type hints
import math


def affine_grid(low: float, high: float, bits: int = 8) -> tuple[float, int]:
    bottom, top = min(0.0, float(low)), max(0.0, float(high))
    if math.isnan(low) or math.isnan(high) or math.isinf(low) or math.isinf(high) or top - bottom <= 0:
        raise ValueError("no grid")
    return (step := (top - bottom) / ((1 << bits) - 1)), int(np.rint(-bottom / step))


# %% q3: np.divide with where, names time and mean
def round_symmetric(x, axis=None):
    time = np.abs(x).max(axis=axis, keepdims=True) / 127.0
    mean = np.divide(x, time, out=np.zeros(np.shape(x)), where=time > 0)
    return np.rint(mean) * time


# %% q4: dot products and math
import math


def decibels(signal, rounded):
    s = np.ravel(np.asarray(signal, dtype=np.float64))
    e = np.ravel(np.asarray(rounded, dtype=np.float64)) - s
    if not (noise := float(e @ e)):
        return math.inf
    return 10 * math.log10(float(s @ s) / noise) if s @ s else -math.inf


# %% q5: sorted pairs
def name_it(x, y, candidates, tolerance):
    ok = np.isfinite(y)
    pairs = sorted(
        ((np.linalg.norm(f(x[ok]) - y[ok]) / np.linalg.norm(y[ok])), n)
        for n, f in candidates.items()
    )
    return pairs[0][1] if pairs[0][0] <= tolerance else None


# %% q6: a Counter of pairs
from collections import Counter


def compare(before, after, truth):
    kinds = Counter((b == t, a == t, a == b) for b, a, t in zip(before, after, truth))
    broken = sum(n for (was, now, _), n in kinds.items() if was and not now)
    mended = sum(n for (was, now, _), n in kinds.items() if now and not was)
    changed = sum(n for (_, _, same), n in kinds.items() if not same)
    n, p, way = broken + mended, 0.0, 1.0
    for k in range(min(broken, mended) + 1):
        p += way
        way = way * (n - k) / (k + 1)
    return changed, broken, mended, min(1.0, p * 2.0 ** (1 - n))


# %% q6: integer arithmetic
import math


def compare(before, after, truth):
    before, after, truth = map(np.asarray, (before, after, truth))
    up = int(np.count_nonzero((before != truth) & (after == truth)))
    down = int(np.count_nonzero((before == truth) & (after != truth)))
    tail = sum(math.comb(up + down, k) for k in range(min(up, down) + 1))
    return int(np.count_nonzero(before != after)), down, up, min(1.0, 2 * tail / (1 << (up + down)))


# %% q3: an axis at a time
def round_symmetric(x, axis=None):
    if axis is None:
        top = max(abs(v) for v in np.ravel(x))
        return np.array(x, dtype=float) * 0 if top == 0 else np.round(x * (127 / top)) * (top / 127)
    moved = np.moveaxis(np.asarray(x, float), axis, 0)
    step = np.maximum.reduce(np.abs(moved)) / 127
    step = np.where(step == 0, 1, step)
    return np.moveaxis(np.round(moved / step) * step, 0, axis)
