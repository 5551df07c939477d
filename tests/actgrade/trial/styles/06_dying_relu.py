"""Right answers to 06_dying_relu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: np.select
def census(batches, W, b):
    z = np.concatenate([x @ W + b for x in batches])
    return np.select([np.isnan(z).any(0), (z > 0).any(0)], [2, 0], 1).astype("int64")


# %% q1: a dictionary and a comprehension
def census(batches, W, b):
    batches = list(batches)

    def fate(unit):
        sums = [x @ W[:, unit] + b[unit] for x in batches]
        if any(np.isnan(s).any() for s in sums):
            return 2
        return 0 if any((s > 0).any() for s in sums) else 1

    return np.fromiter((fate(u) for u in range(len(b))), dtype=np.int64)


# %% q2: match
def step(x, w, b, upstream, rate):
    on = x @ w + b > 0
    d = np.where(on, upstream, 0)
    w2 = w - rate * (d[:, None] * x).sum(axis=0)
    b2 = b - rate * np.sum(d)
    match bool(on.any()), bool(np.any(x @ w2 + b2 > 0)):
        case True, True:
            fate = "alive"
        case True, False:
            fate = "dies"
        case False, True:
            fate = "revives"
        case _:
            fate = "dead"
    return w2, b2, fate


# %% q3: helper names time, mean and x2, plain loops
def killing_rate(x, w, b, upstream):
    x2 = np.column_stack([x, np.ones(len(x))])
    time = x2 @ np.append(w, b)
    mean = x2.T @ (upstream * (time > 0))
    least, most = 0.0, float("inf")
    for z, fall in zip(time, x2 @ mean):
        if z > 0:
            if fall <= 0:
                return float("inf")
            least = max(least, z / fall)
        elif fall < 0:
            most = min(most, z / fall)
    return float(least) if least <= most else float("inf")


# %% q4: itertools.groupby
from itertools import groupby


def dead_spells(alive):
    spells, place = [], 0
    for lives, run in groupby(bool(a) for a in alive):
        n = len(list(run))
        if not lives:
            spells.append((place, place + n))
        place += n
    return [(s, None if e == place else e) for s, e in spells]


# %% q4: np.diff of a padded record
def dead_spells(alive):
    dead = np.concatenate([[0], 1 - np.asarray(alive, dtype=int), [0]])
    starts, ends = np.flatnonzero(np.diff(dead) == 1), np.flatnonzero(np.diff(dead) == -1)
    return [(int(s), int(e) if e < len(alive) else None) for s, e in zip(starts, ends)]


# %% q5: math, a lambda, and a ceiling by floor division
import math

firing_bound = lambda n, confidence: -math.expm1(math.log1p(-confidence) / n)
examples_needed = lambda rate, confidence: -int(-(math.log1p(-confidence) / math.log1p(-rate)) // 1)


# %% q6: np.add.at and quantile
def revival_share(network, ended, picks):
    k = picks.shape[1]
    total, good = np.zeros(k), np.zeros(k)
    np.add.at(total, network, 1)
    np.add.at(good, network, np.asarray(ended, float))
    ratio = [good[row].sum() / total[row].sum() for row in picks if total[row].sum() > 0]
    low, high = (float(np.quantile(ratio, q)) for q in (0.025, 0.975))
    return float(np.mean(ended)), low, high
