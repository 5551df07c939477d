"""Right answers to 15_fair_comparison in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: the statistics module
import statistics


def interval(a, b, confidence):
    a, b = [float(v) for v in a], [float(v) for v in b]
    if len(a) != len(b) or len(a) < 2 or not all(np.isfinite(v) for v in a + b):
        raise ValueError("not paired")
    d = [p - q for p, q in zip(a, b)]
    mean = statistics.fmean(d)
    half = float(stdtrit(len(d) - 1, (1 + confidence) / 2)) * statistics.stdev(d) / len(d) ** 0.5
    return mean, mean - half, mean + half


# %% q1: a helper called mean and a NamedTuple
from typing import NamedTuple


class Interval(NamedTuple):
    mean: float
    low: float
    high: float


def interval(a, b, confidence):
    pairs = np.array([np.asarray(a, float), np.asarray(b, float)])
    if pairs.shape[1] < 2 or np.isnan(pairs).any() or np.isinf(pairs).any():
        raise ValueError("scores")
    d = np.subtract(*pairs)
    t = stdtrit(d.size - 1, 1 - (1 - confidence) / 2)
    half = t * np.sqrt(d.var(ddof=1) / d.size)
    return Interval(float(d.mean()), float(d.mean() - half), float(d.mean() + half))


# %% q2: itertools.count and next
from itertools import count


def seeds_needed(sd, delta, power):
    def chance(n):
        return 1 - nctdtr(n - 1, abs(delta) / sd * np.sqrt(n), stdtrit(n - 1, 0.975))

    return next(n for n in count(2) if chance(n) >= power)


# %% q3: sorted with enumerate
def holm(p):
    found, so_far = [0.0] * len(p), 0.0
    for rank, (place, value) in enumerate(sorted(enumerate(p), key=lambda pair: pair[1])):
        so_far = max(so_far, min(1.0, value * (len(p) - rank)))
        found[place] = so_far
    return np.array(found)


# %% q3: recursion, the smallest first
def holm(p):
    def go(left, m, before):
        if not left:
            return {}
        i = min(left, key=lambda j: p[j])
        now = max(before, min(1.0, m * p[i]))
        return {i: now} | go(left - {i}, m - 1, now)

    adjusted = go(frozenset(range(len(p))), len(p), 0.0)
    return np.array([adjusted[i] for i in range(len(p))])


# %% q4: two p-values
def same(a, b, margin):
    d = np.subtract(a, b, dtype=float)
    n = d.size
    error = np.std(d, ddof=1) / np.sqrt(n)
    if error == 0:
        return bool(abs(d.mean()) < margin)
    upper = stdtr(n - 1, (d.mean() - margin) / error)
    lower = stdtr(n - 1, -(d.mean() + margin) / error)
    return bool(max(upper, lower) < 0.05)


# %% q5: flatten both, then compare
def confounds(a, b):
    def flat(config, path=()):
        for key, value in config.items():
            if isinstance(value, dict):
                yield path + (key,), dict
                yield from flat(value, path + (key,))
            else:
                yield path + (key,), ("leaf", value)

    left, right = dict(flat(a)), dict(flat(b))
    different = {p for p in left.keys() | right.keys() if left.get(p) != right.get(p)}
    tops = {p for p in different if not any(p[:k] in different for k in range(1, len(p)))}
    return sorted(".".join(p) for p in tops if p != ("activation",))


# %% q6: a list and max with a key
def pick(validation, test):
    clean = lambda row: [0.0 if v != v else float(v) for v in row]
    means = [sum(clean(row)) / len(row) for row in validation]
    best = max(range(len(means)), key=means.__getitem__)
    chosen = clean(test[best])
    return best, sum(chosen) / len(chosen)
