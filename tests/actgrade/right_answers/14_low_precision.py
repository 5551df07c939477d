"""Right answers to 14_low_precision, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: the two neighbours, and the nearer one
def to_bfloat16(x):
    low = (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    high = (low.view(np.uint32) + np.uint32(0x10000)).view(np.float32)
    rest = x.view(np.uint32) & np.uint32(0xFFFF)
    odd = (x.view(np.uint32) >> 16) & 1 == 1
    up = (rest > 0x8000) | ((rest == 0x8000) & odd)
    y = np.where(up & np.isfinite(x), high, low)
    return np.where(np.isnan(x), np.float32(np.nan), y)


# %% q1: by multiples of the distance, in float64
def to_bfloat16(x):
    wide = x.astype(np.float64)
    kept = np.isfinite(wide)
    exponent = np.maximum(np.frexp(np.where(kept, wide, 1.0))[1] - 1, -126)
    step = np.ldexp(1.0, exponent - 7)
    y = np.where(kept, np.round(np.where(kept, wide, 0.0) / step) * step, wide)
    largest = np.ldexp(2 - 2.0**-7, 127)
    y = np.where(kept & (np.abs(y) > largest), np.copysign(np.inf, y), y)
    return np.where(y == 0, np.copysign(0.0, wide), y).astype(np.float32)


# %% q1: number by number with struct
def to_bfloat16(x):
    import struct

    def one(value):
        if value != value:
            return value
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
        sign, bits = bits & 0x80000000, bits & 0x7FFFFFFF
        above, rest = bits >> 16, bits & 0xFFFF
        if rest > 0x8000 or (rest == 0x8000 and above % 2):
            above += 1
        return struct.unpack("<f", struct.pack("<I", sign | above << 16))[0]

    flat = [one(value) for value in x.ravel().tolist()]
    return np.array(flat, np.float32).reshape(x.shape)


# %% q1: halves to even by integer division
def to_bfloat16(x):
    bits = x.view(np.uint32).astype(np.int64)
    above, rest = np.divmod(bits, 65536)
    above = above + ((rest > 32768) | ((rest == 32768) & (above % 2 == 1)))
    y = (above.astype(np.uint32) << 16).view(np.float32)
    y = y.copy()
    y[np.isnan(x)] = np.nan
    return y


# %% q1: the upper half as 16-bit integers
def to_bfloat16(x):
    bits = np.array(x, np.float32).view(np.uint32).astype(np.uint64)
    carry = bits + np.uint64(32767) + bits // np.uint64(65536) % np.uint64(2)
    halves = (carry // np.uint64(65536)).astype(np.uint16)
    out = np.zeros(x.shape, np.uint32)
    out |= halves.astype(np.uint32) << np.uint32(16)
    return np.where(x != x, x, out.view(np.float32))


# %% q2: by clipping the ends
def affine_grid(low, high, bits=8):
    ends = np.array([low, high], float)
    if not np.all(np.isfinite(ends)):
        raise ValueError("not finite")
    low, high = np.minimum(ends[0], 0), np.maximum(ends[1], 0)
    if low == high:
        raise ValueError("empty")
    step = float(high - low) / (2**bits - 1)
    return step, int(np.rint(-low / step))


# %% q2: the zero point from the range
def affine_grid(low, high, bits=8):
    import math

    if math.isnan(low + high) or math.isinf(low) or math.isinf(high):
        raise ValueError("not finite")
    low, high = (0.0 if low > 0 else low), (0.0 if high < 0 else high)
    span, top = high - low, 2**bits - 1
    if span == 0:
        raise ValueError("empty")
    return span / top, round(top * -low / span)


# %% q2: with exceptions first
def affine_grid(low, high, bits=8):
    low, high = sorted([float(low), float(high), 0.0])[::2]
    if not low < high or high - low == float("inf") or low != low or high != high:
        raise ValueError("no range")
    codes = 1 << bits
    step = (high - low) / (codes - 1)
    return float(step), int(np.floor(-low / step + 0.5))


# %% q2: by linspace
def affine_grid(low, high, bits=8):
    if not np.isfinite([low, high]).all():
        raise ValueError("not finite")
    low, high = min(0.0, low), max(0.0, high)
    if high <= low:
        raise ValueError("empty")
    numbers = np.linspace(low, high, 2**bits)
    return float((numbers[-1] - numbers[0]) / (len(numbers) - 1)), int(np.argmin(abs(numbers)))


# %% q2: the zero point as the nearest code
def affine_grid(low, high, bits=8):
    a, b = -min(low, 0.0), max(high, 0.0)
    if not (0 < a + b < np.inf):
        raise ValueError("no range")
    step = (a + b) / (2**bits - 1)
    down = int(a // step)
    return step, down + (1 if a / step - down > 0.5 else 0)


# %% q3: by a loop over channels
def round_symmetric(x, axis=None):
    def one(part):
        step = np.abs(part).max() / 127
        return np.round(part / step) * step if step else np.zeros_like(part)

    if axis is None:
        return one(x)
    if axis == 0:
        return np.stack([one(column) for column in x.T]).T
    return np.stack([one(row) for row in x])


# %% q3: from codes
def round_symmetric(x, axis=None):
    largest = np.abs(x).max(axis=axis, keepdims=True)
    steps = np.where(largest == 0, 127.0, largest) / 127
    codes = np.clip(np.rint(x / steps), -127, 127).astype(np.int8)
    return codes * steps


# %% q3: apply_along_axis
def round_symmetric(x, axis=None):
    def one(part):
        largest = max(part.max(), -part.min())
        if largest == 0:
            return 0 * part
        return np.round(part / (largest / 127)) * (largest / 127)

    return one(x) if axis is None else np.apply_along_axis(one, axis, x)


# %% q3: divide with a mask
def round_symmetric(x, axis=None):
    step = np.amax(abs(x), axis=axis, keepdims=True) / 127.0
    step = np.broadcast_to(step, x.shape)
    ratio = np.zeros_like(x)
    np.divide(x, step, out=ratio, where=step != 0)
    return np.around(ratio) * step


# %% q3: from the larger of both ends
def round_symmetric(x, axis=None):
    top = np.maximum(x.max(axis, keepdims=True), -x.min(axis, keepdims=True))
    with np.errstate(all="ignore"):
        step = top / 127
        y = np.round(x / step) * step
    return np.where(top == 0, 0.0, y)


# %% q4: by norms
def decibels(signal, rounded):
    a, b = np.asarray(signal, float).ravel(), np.asarray(rounded, float).ravel()
    power, noise = a @ a, (a - b) @ (a - b)
    if noise == 0:
        return float("inf")
    if power == 0:
        return float("-inf")
    return float(10 * np.log10(power / noise))


# %% q4: as a difference of logarithms
def decibels(signal, rounded):
    a = np.float64(1) * signal.astype(np.float64)
    e = rounded.astype(np.float64) - a
    if not e.any():
        return np.inf
    if not a.any():
        return -np.inf
    return float(10 * np.log10(np.square(a).mean()) - 10 * np.log10(np.square(e).mean()))


# %% q4: 20 times the logarithm of a ratio of roots
def decibels(signal, rounded):
    import math

    a = signal.astype(np.float64)
    e = a - rounded.astype(np.float64)
    up, down = np.linalg.norm(a), np.linalg.norm(e)
    if down == 0:
        return math.inf
    return 20 * math.log10(up / down) if up else -math.inf


# %% q4: with warnings silenced
def decibels(signal, rounded):
    a, b = signal.astype(np.float64), rounded.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sum(a * a) / np.sum((b - a) ** 2)
        return np.inf if np.array_equal(a, b) else float(10 * np.log10(ratio))


# %% q4: plain Python
def decibels(signal, rounded):
    import math

    pairs = list(zip(signal.ravel().tolist(), rounded.ravel().tolist(), strict=True))
    power = math.fsum(a * a for a, _ in pairs)
    noise = math.fsum((b - a) ** 2 for a, b in pairs)
    if noise == 0:
        return math.inf
    return 10 * math.log(power / noise, 10) if power else -math.inf


# %% q5: by sorting
def name_it(x, y, candidates, tolerance):
    rows = np.flatnonzero(y == y)
    size = np.linalg.norm(y[rows])
    ranked = sorted((np.linalg.norm(f(x[rows]) - y[rows]) / size, n) for n, f in candidates.items())
    error, name = ranked[0]
    return name if error <= tolerance else None


# %% q5: nanmean
def name_it(x, y, candidates, tolerance):
    best, least = None, np.inf
    for name, f in candidates.items():
        error = np.nanmean((f(x) - y) ** 2)
        if error < least:
            best, least = name, error
    return best if np.sqrt(least / np.nanmean(y**2)) <= tolerance else None


# %% q5: a table of errors
def name_it(x, y, candidates, tolerance):
    keep = np.logical_not(np.isnan(y))
    names = list(candidates)
    table = np.array([candidates[name](x[keep]) for name in names]) - y[keep]
    errors = (table**2).mean(1) ** 0.5 / (y[keep] ** 2).mean() ** 0.5
    at = int(errors.argmin())
    return names[at] if errors[at] <= tolerance else None


# %% q5: the tolerance squared
def name_it(x, y, candidates, tolerance):
    keep = ~np.isnan(y)
    x, y = x[keep], y[keep]
    allowed = tolerance**2 * np.sum(y * y)
    sums = {name: np.sum(np.square(f(x) - y)) for name, f in candidates.items()}
    name = min(sums, key=lambda n: sums[n])
    return None if sums[name] > allowed else name


# %% q5: within first, then the best of them
def name_it(x, y, candidates, tolerance):
    known = np.isfinite(y)

    def error(name):
        d = candidates[name](x[known]) - y[known]
        return float(np.sqrt(np.sum(d * d) / np.sum(y[known] ** 2)))

    within = [name for name in candidates if error(name) <= tolerance]
    return min(within, key=error, default=None)


# %% q6: from right and wrong
def compare(before, after, truth):
    import math

    was, now = before == truth, after == truth
    b, c = int((was & ~now).sum()), int((~was & now).sum())
    p = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c - 1) if b + c else 1.0
    return int((before != after).sum()), b, c, float(min(p, 1))


# %% q6: SciPy's exact test
def compare(before, after, truth):
    from scipy.stats import binomtest

    gain = (after == truth).astype(int) - (before == truth)
    b, c = int(np.sum(gain == -1)), int(np.sum(gain == 1))
    p = float(binomtest(b, b + c).pvalue) if b + c else 1.0
    return int(np.count_nonzero(before - after)), b, c, min(p, 1.0)


# %% q6: SciPy's binomial distribution
def compare(before, after, truth):
    from scipy.stats import binom

    b = int(np.sum((before == truth) > (after == truth)))
    c = int(np.sum((before == truth) < (after == truth)))
    p = 1.0 if b == c else float(2 * binom.cdf(min(b, c), b + c, 0.5))
    return int(np.sum(before != after)), b, c, p


# %% q6: all tosses at least as uneven
def compare(before, after, truth):
    from fractions import Fraction
    from math import comb

    changed = broken = mended = 0
    for one, two, right in zip(before.tolist(), after.tolist(), truth.tolist(), strict=True):
        changed += one != two
        broken += one == right != two
        mended += one != right == two
    n = broken + mended
    uneven = [k for k in range(n + 1) if abs(2 * k - n) >= abs(broken - mended)]
    p = Fraction(sum(comb(n, k) for k in uneven), 2**n)
    return int(changed), int(broken), int(mended), float(p)


# %% q6: the tail by recursion
def compare(before, after, truth):
    was, now = np.equal(before, truth), np.equal(after, truth)
    b, c = int(np.sum(was) - np.sum(was & now)), int(np.sum(now) - np.sum(was & now))
    n, term, total = b + c, 1, 0
    for k in range(min(b, c) + 1):
        total += term
        term = term * (n - k) // (k + 1)
    return len(before) - int(np.sum(before == after)), b, c, float(min(1.0, 2 * total / 2**n))
