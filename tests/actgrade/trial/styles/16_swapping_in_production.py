"""Right answers to 16_swapping_in_production in the styles in which people write; full marks."""
# ruff: noqa


# %% q1: a Python sort with two keys
def recall_at_k(scores, relevant, k):
    def one(row, good, kind):
        order = sorted(range(len(row)), key=lambda i: (-row[i], good[i] if kind else not good[i]))
        hits = sum(bool(good[i]) and row[i] > -np.inf for i in order[:k])
        return hits / good.sum() if good.any() else np.nan

    return tuple(
        np.array([one(row, good, kind) for row, good in zip(scores, relevant)]) for kind in (True, False)
    )


# %% q2: groupby over the sorted pairs
from itertools import groupby


def ndcg_at_k(scores, gains, k):
    def discount(i):
        return 1 / math.log2(i + 2) if i < k else 0.0

    out = []
    for row, gain in zip(scores, gains):
        ideal = sum(g * discount(i) for i, g in enumerate(sorted(gain, reverse=True)))
        total, place = 0.0, 0
        for _, group in groupby(sorted(zip(row, gain), key=lambda p: -p[0]), key=lambda p: p[0]):
            group = list(group)
            mean = sum(g for _, g in group) / len(group)
            total += mean * sum(discount(place + i) for i in range(len(group)))
            place += len(group)
        out.append(total / ideal if ideal > 0 else math.nan)
    return np.array(out)


# %% q3: sets
def regression_diff(before, after):
    if set(before) ^ set(after):
        raise ValueError("rows")
    if any(v != v for run in (before, after) for v in run.values()):
        raise ValueError("NaN")
    change = {row: after[row] - before[row] for row in before if after[row] != before[row]}
    better = {row for row in change if after[row] > before[row]}
    return sorted(better), sorted(set(change) - better)


# %% q4: logarithms of factorials
def mcnemar(fixed, broken):
    n = fixed + broken
    if n == 0:
        return 1.0
    lg = math.lgamma
    terms = (lg(n + 1) - lg(i + 1) - lg(n - i + 1) - n * math.log(2) for i in range(min(fixed, broken) + 1))
    return min(1.0, 2 * math.fsum(math.exp(t) for t in terms))


# %% q4: Fractions
from fractions import Fraction


def mcnemar(fixed, broken):
    tail = sum(Fraction(math.comb(fixed + broken, i), 2 ** (fixed + broken)) for i in range(min(fixed, broken) + 1))
    return float(min(Fraction(1), 2 * tail))


# %% q5: a dataclass for a group
from dataclasses import dataclass, field


@dataclass
class Group:
    rows: list = field(default_factory=list)
    fixed: int = 0
    broken: int = 0

    def add(self, row, b, a):
        self.rows.append((b, a))
        self.fixed += a > b
        self.broken += a < b

    @property
    def p(self):
        return mcnemar(self.fixed, self.broken)

    @property
    def fall(self):
        return 100 * (sum(b for b, _ in self.rows) - sum(a for _, a in self.rows)) / len(self.rows)


def gate(before, after, cohort, level=0.05, cohort_drop=10.0, min_rows=20):
    if not before or set(before) != set(after) or set(before) != set(cohort):
        return 2, []
    groups = {"all rows": Group()}
    for row in before:
        for name in ("all rows", cohort[row]):
            groups.setdefault(name, Group()).add(row, before[row], after[row])
    blocked = {
        name
        for name, g in groups.items()
        if name != "all rows" and len(g.rows) >= min_rows and g.fall > cohort_drop
    }
    for rank, (name, g) in enumerate(sorted(groups.items(), key=lambda item: item[1].p)):
        if g.p * (len(groups) - rank) > level:
            break
        if g.broken > g.fixed:
            blocked.add(name)
    return (1 if blocked else 0), sorted(blocked)


# %% q6: count, and a running binomial
from itertools import count


def silent_losses(tests, level=0.05):
    return next(n for n in count() if mcnemar(0, n + 1) * tests <= level)


def rows_needed(share, tests, level=0.05, power=0.8):
    silent = silent_losses(tests, level)

    def seen(rows):
        ways = (math.comb(rows, i) * share**i * (1 - share) ** (rows - i) for i in range(silent + 1))
        return 1 - math.fsum(ways)

    return next(rows for rows in count(silent + 1) if seen(rows) >= power)
