"""Right answers to 16_swapping_in_production, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np, math), and answers
# to earlier questions.


# %% q1: by counting who stands above
def recall_at_k(scores, relevant, k):
    above = (scores[:, None, :] > scores[:, :, None]).sum(-1)
    level = scores[:, None, :] == scores[:, :, None]
    others = (level & ~relevant[:, None, :]).sum(-1)
    m = scores.shape[1]
    earlier = (level & relevant[:, None, :] & np.tri(m, m, -1, dtype=bool)).sum(-1)
    found = relevant & np.isfinite(scores)
    total = relevant.sum(1).astype(float)
    total[total == 0] = np.nan
    worst = (found & (above + others + earlier < k)).sum(1) / total
    best = (found & (above + earlier < k)).sum(1) / total
    return worst, best


# %% q1: row by row, with Python's sort
def recall_at_k(scores, relevant, k):
    worst, best = [], []
    for own, right in zip(scores, relevant, strict=True):
        pairs = list(zip(own.tolist(), right.tolist(), strict=True))
        for out, sign in ((worst, 1), (best, -1)):
            ranked = sorted(pairs, key=lambda pair, sign=sign: (-pair[0], sign * pair[1]))
            hits = sum(ok and s != -math.inf for s, ok in ranked[:k])
            out.append(hits / sum(right) if any(right) else math.nan)
    return np.array(worst), np.array(best)


# %% q1: by the size of the group at the edge
def recall_at_k(scores, relevant, k):
    low, high = np.full(len(scores), np.nan), np.full(len(scores), np.nan)
    for row, (own, right) in enumerate(zip(scores, relevant, strict=True)):
        total, left, sure, least, most = right.sum(), k, 0, 0, 0
        if not total:
            continue
        for value in np.unique(own[own > -np.inf])[::-1]:
            group = right[own == value]
            if len(group) <= left:
                sure += group.sum()
                left -= len(group)
                continue
            least, most = max(0, left - (~group).sum()), min(left, group.sum())
            break
        low[row], high[row] = (sure + least) / total, (sure + most) / total
    return low, high


# %% q1: relevance shifts the key of a structured sort
def recall_at_k(scores, relevant, k):
    n, m = scores.shape
    total = relevant.sum(axis=1)
    answers = []
    for bonus in (0, 1):
        keys = np.empty((n, m), dtype=[("score", float), ("second", int)])
        keys["score"] = -scores
        keys["second"] = np.where(relevant, 1 - bonus, bonus)
        order = np.argsort(keys, axis=1, order=("score", "second"))
        top = order[:, : min(k, m)]
        rows = np.arange(n)[:, None]
        hits = (relevant[rows, top] & ~np.isneginf(scores[rows, top])).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            answers.append(np.where(total == 0, np.nan, hits / total))
    return tuple(answers)


# %% q1: scores replaced by dense ranks, then nudged
def recall_at_k(scores, relevant, k):
    out = ([], [])
    for own, right in zip(scores, relevant, strict=True):
        rank = np.unique(own, return_inverse=True)[1].astype(float)
        for values, nudge in zip(out, (-0.5, 0.5), strict=True):
            order = np.argsort(-(rank + nudge * right), kind="stable")[:k]
            found = right[order] & (own[order] > -np.inf)
            values.append(found.sum() / right.sum() if right.any() else np.nan)
    return np.array(out[0]), np.array(out[1])


# %% q2: by the matrix of equal scores
def ndcg_at_k(scores, gains, k):
    m = scores.shape[1]
    weight = np.where(np.arange(m) < k, 1 / np.log2(np.arange(m) + 2), 0)
    same = scores[:, :, None] == scores[:, None, :]
    level = (same * gains[:, None, :]).sum(-1) / same.sum(-1)
    order = np.argsort(-scores, axis=1)
    dcg = (np.take_along_axis(level, order, 1) * weight).sum(1)
    ideal = (-np.sort(-gains, axis=1) * weight).sum(1)
    ideal[ideal == 0] = np.nan
    return dcg / ideal


# %% q2: group by group, with the mean weight of its places
def ndcg_at_k(scores, gains, k):
    out = []
    for own, gain in zip(scores.tolist(), gains.tolist(), strict=True):
        weight = [1 / math.log2(i + 2) if i < k else 0.0 for i in range(len(own))]
        ideal = sum(w * g for w, g in zip(weight, sorted(gain, reverse=True), strict=True))
        place, dcg = 0, 0.0
        for value in sorted(set(own), reverse=True):
            members = [g for s, g in zip(own, gain, strict=True) if s == value]
            size = len(members)
            dcg += sum(members) * sum(weight[place : place + size]) / size
            place += size
        out.append(dcg / ideal if ideal else math.nan)
    return np.array(out)


# %% q2: the two extreme orders and all turns of each group between
def ndcg_at_k(scores, gains, k):
    n, m = scores.shape
    discount = np.zeros(m)
    discount[: min(k, m)] = np.log(2) / np.log(np.arange(2, min(k, m) + 2))
    result = np.full(n, np.nan)
    for row in range(n):
        best = np.dot(np.sort(gains[row])[::-1], discount)
        if best <= 0:
            continue
        expected = np.zeros(m)
        for column in range(m):
            above = (scores[row] > scores[row, column]).sum()
            level = (scores[row] == scores[row, column]).sum()
            expected[column] = discount[above : above + level].mean()
        result[row] = np.dot(expected, gains[row]) / best
    return result


# %% q2: cumulative sums of the discount
def ndcg_at_k(scores, gains, k):
    m = scores.shape[1]
    total = np.concatenate([[0.0], np.cumsum(1 / np.log2(2 + np.arange(min(k, m))))])
    total = np.concatenate([total, np.full(m - min(k, m), total[-1])])
    above = (scores[:, None, :] > scores[:, :, None]).sum(-1)
    below = above + (scores[:, None, :] == scores[:, :, None]).sum(-1)
    dcg = (gains * (total[below] - total[above]) / (below - above)).sum(-1)
    ideal = np.sort(gains, 1)[:, ::-1] @ np.diff(total)
    return np.divide(dcg, ideal, out=np.full(len(scores), np.nan), where=ideal > 0)


# %% q2: means written into the sorted row
def ndcg_at_k(scores, gains, k):
    values = np.empty(len(scores))
    for row in range(len(scores)):
        order = np.argsort(scores[row])[::-1]
        s, g = scores[row][order], gains[row][order].copy()
        start = 0
        while start < len(s):
            stop = start
            while stop < len(s) and s[stop] == s[start]:
                stop += 1
            g[start:stop] = g[start:stop].mean()
            start = stop
        places = np.arange(1, min(k, len(s)) + 1)
        perfect = (np.sort(gains[row])[::-1][: len(places)] / np.log2(1 + places)).sum()
        actual = (g[: len(places)] / np.log2(1 + places)).sum()
        values[row] = actual / perfect if perfect > 0 else float("nan")
    return values


# %% q3: one pass over the sorted ids
def regression_diff(before, after):
    if set(before) != set(after):
        raise ValueError
    fixed, broken = [], []
    for row in sorted(before):
        change = after[row] - before[row]
        if change != change:
            raise ValueError(row)
        if change > 0:
            fixed.append(row)
        elif change < 0:
            broken.append(row)
    return fixed, broken


# %% q3: with sets
def regression_diff(before, after):
    if before.keys() ^ after.keys():
        raise ValueError("other rows")
    if {v for v in before.values() if v != v} | {v for v in after.values() if v != v}:
        raise ValueError("NaN")
    up = {row for row, value in after.items() if value > before[row]}
    same = {row for row, value in after.items() if value == before[row]}
    return sorted(up), sorted(after.keys() - up - same)


# %% q3: with NumPy
def regression_diff(before, after):
    names = sorted(before)
    if names != sorted(after):
        raise ValueError("the ids differ")
    a = np.array([before[name] for name in names], float)
    b = np.array([after[name] for name in names], float)
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError("a score is NaN")
    return (
        [name for name, up in zip(names, b > a, strict=True) if up],
        [name for name, down in zip(names, b < a, strict=True) if down],
    )


# %% q3: by signs in a dictionary
def regression_diff(before, after):
    for run, other in ((before, after), (after, before)):
        for row, value in run.items():
            if row not in other or math.isnan(value):
                raise ValueError(f"row {row}")
    sign = {row: (after[row] > before[row]) - (after[row] < before[row]) for row in before}
    return tuple(sorted(row for row, s in sign.items() if s == wanted) for wanted in (1, -1))


# %% q3: lists of pairs, aligned by sorting
def regression_diff(before, after):
    first, second = sorted(before.items()), sorted(after.items())
    if [row for row, _ in first] != [row for row, _ in second]:
        raise ValueError("not the same rows")
    values = [v for _, v in first + second]
    if any(not v == v for v in values):
        raise ValueError("not a number")
    rows = [(row, a, b) for (row, a), (_, b) in zip(first, second, strict=True)]
    return [row for row, a, b in rows if a < b], [row for row, a, b in rows if a > b]


# %% q4: each coefficient from the one before
def mcnemar(fixed, broken):
    n = fixed + broken
    term = total = 1
    for i in range(min(fixed, broken)):
        term = term * (n - i) // (i + 1)
        total += term
    return min(1.0, total / 2 ** (n - 1)) if n else 1.0


# %% q4: with fractions
def mcnemar(fixed, broken):
    from fractions import Fraction

    n = fixed + broken
    tail = Fraction(sum(math.comb(n, i) for i in range(min(fixed, broken) + 1)), 2**n)
    return float(min(Fraction(1), 2 * tail))


# %% q4: in logarithms
def mcnemar(fixed, broken):
    n, few = fixed + broken, min(fixed, broken)
    if fixed == broken:
        return 1.0
    base = math.lgamma(n + 1) - (n - 1) * math.log(2)
    logs = [base - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(few + 1)]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


# %% q4: the other tail, taken from the whole
def mcnemar(fixed, broken):
    if fixed == broken:
        return 1.0
    n, many = fixed + broken, max(fixed, broken)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(many, n + 1)) / (1 << n))


# %% q4: the incomplete sum by the middle, for nearly equal counts
def mcnemar(fixed, broken):
    n, few = fixed + broken, min(fixed, broken)
    between = sum(math.comb(n, i) for i in range(few + 1, n - few))
    return (2**n - between) / 2**n if few * 2 < n else 1.0


# %% q5: with NumPy, group by group
def gate(before, after, cohort, level=0.05, cohort_drop=10.0, min_rows=20):
    if not before or set(before) != set(after) or set(before) != set(cohort):
        return 2, []
    rows = list(before)
    a, b = (np.array([run[row] for row in rows]) for run in (before, after))
    of = np.array([cohort[row] for row in rows])
    names = ["all rows", *sorted(set(cohort.values()))]
    masks = [np.ones(len(rows), bool)] + [of == name for name in names[1:]]
    p = np.array([mcnemar(int((b > a)[m].sum()), int((b < a)[m].sum())) for m in masks])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = []
    for i, (name, mask) in enumerate(zip(names, masks, strict=True)):
        lost = int((b < a)[mask].sum()) - int((b > a)[mask].sum())
        floor = i > 0 and mask.sum() >= min_rows and 100 * lost / mask.sum() > cohort_drop
        if floor or (adjusted[i] <= level and lost > 0):
            found.append(name)
    return (1 if found else 0), sorted(found)


# %% q5: counters
def gate(before, after, cohort, level=0.05, cohort_drop=10.0, min_rows=20):
    from collections import Counter

    ids = set(before)
    if not ids or ids ^ set(after) or ids ^ set(cohort):
        return (2, [])
    size, up, down = Counter(), Counter(), Counter()
    for row in ids:
        for group in ("all rows", cohort[row]):
            size[group] += 1
            up[group] += after[row] > before[row]
            down[group] += after[row] < before[row]
    ranked = sorted((mcnemar(up[group], down[group]), group) for group in size)
    blocking = []
    for place, (p, group) in enumerate(ranked):
        if p > level / (len(ranked) - place):
            break
        if down[group] > up[group]:
            blocking.append(group)
    for group in size:
        fall = 100 * (down[group] - up[group]) / size[group]
        if group != "all rows" and size[group] >= min_rows and fall > cohort_drop:
            blocking.append(group)
    names = sorted(set(blocking))
    return (len(names) > 0) + 0, names


# %% q5: Holm by asking for each p how many are smaller
def gate(before, after, cohort, level=0.05, cohort_drop=10.0, min_rows=20):
    if not (before and before.keys() == after.keys() and before.keys() == cohort.keys()):
        return 2, []
    groups = {name: [r for r in cohort if cohort[r] == name] for name in cohort.values()}
    limits = dict.fromkeys(groups, cohort_drop)
    groups["all rows"] = list(cohort)
    change = {g: [after[r] - before[r] for r in rows] for g, rows in groups.items()}
    p = {g: mcnemar(c.count(1), c.count(-1)) for g, c in change.items()}
    ranked = sorted(p.values())
    m = len(ranked)
    bound = next((i for i in range(m) if ranked[i] * (m - i) > level), m)
    rejected = {g for g in p if p[g] in ranked[:bound]}
    out = {g for g in rejected if sum(change[g]) < 0}
    for g, limit in limits.items():
        n = len(change[g])
        if n >= min_rows and -100 * sum(change[g]) / n > limit:
            out.add(g)
    return (1, sorted(out)) if out else (0, [])


# %% q5: with the earlier code in small functions
def tally(before, after, rows):
    return (
        sum(1 for r in rows if after[r] > before[r]),
        sum(1 for r in rows if after[r] < before[r]),
    )


def gate(before, after, cohort, level=0.05, cohort_drop=10.0, min_rows=20):
    if len(before) == 0 or not (sorted(before) == sorted(after) == sorted(cohort)):
        return 2, []
    members = {}
    for row in before:
        members.setdefault(cohort[row], []).append(row)
    table = [("all rows", *tally(before, after, before))]
    table += [(name, *tally(before, after, rows)) for name, rows in members.items()]
    table.sort(key=lambda entry: mcnemar(entry[1], entry[2]))
    reasons = set()
    for i, (name, fixed, broken) in enumerate(table):
        if mcnemar(fixed, broken) * (len(table) - i) > level:
            break
        if broken > fixed:
            reasons.add(name)
    for name, rows in members.items():
        fixed, broken = tally(before, after, rows)
        if len(rows) >= min_rows and 100 * (broken - fixed) / len(rows) > cohort_drop:
            reasons.add(name)
    return int(len(reasons) > 0), sorted(reasons)


# %% q5: adjusted p-values by a running maximum
def gate(before, after, cohort, level=0.05, cohort_drop=10.0, min_rows=20):
    same = set(before) == set(after) == set(cohort)
    if not same or not cohort:
        return 2, []
    names = ["all rows", *dict.fromkeys(cohort.values())]
    counts = {}
    for name in names:
        rows = [r for r in cohort if name in ("all rows", cohort[r])]
        up = len([r for r in rows if after[r] > before[r]])
        down = len([r for r in rows if after[r] < before[r]])
        counts[name] = (len(rows), up, down)
    largest, blocked = 0.0, []
    pvalues = sorted((mcnemar(u, d), name) for name, (_, u, d) in counts.items())
    for i, (p, name) in enumerate(pvalues):
        largest = max(largest, p * (len(pvalues) - i))
        n, u, d = counts[name]
        test = largest <= level and d > u
        limit = name != "all rows" and n >= min_rows and (d - u) * 100 / n > cohort_drop
        if test or limit:
            blocked.append(name)
    return min(1, len(blocked)), sorted(blocked)


# %% q6: by powers of two
def silent_losses(tests, level=0.05):
    b = 1
    while 2.0 ** (1 - b) * tests > level:
        b += 1
    return b - 1


def rows_needed(share, tests, level=0.05, power=0.8):
    need = silent_losses(tests, level) + 1
    n = need
    while True:
        seen = sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(need, n + 1))
        if seen >= power:
            return n
        n += 1


# %% q6: the binomial by its recursion
def silent_losses(tests, level=0.05):
    return max(b for b in range(200) if mcnemar(0, b) * tests > level)


def rows_needed(share, tests, level=0.05, power=0.8):
    silent = silent_losses(tests, level)
    for rows in range(silent + 1, 100_000):
        term = (1 - share) ** rows
        unseen = term
        for i in range(silent):
            term *= (rows - i) / (i + 1) * share / (1 - share)
            unseen += term
        if unseen <= 1 - power:
            return rows
    return None


# %% q6: the distribution row by row, with NumPy
def silent_losses(tests, level=0.05):
    broken = 0
    while 2 * 0.5 ** (broken + 1) > level / tests:
        broken += 1
    return broken


def rows_needed(share, tests, level=0.05, power=0.8):
    silent = silent_losses(tests, level)
    chance = np.zeros(silent + 1)
    chance[0], rows = 1.0, 0
    while rows <= silent or 1 - chance.sum() < power:
        chance = chance * (1 - share) + share * np.concatenate([[0.0], chance[:-1]])
        rows += 1
    return rows


# %% q6: by bisection
def silent_losses(tests, level=0.05):
    return next(b for b in range(1000) if mcnemar(0, b + 1) <= level / tests)


def rows_needed(share, tests, level=0.05, power=0.8):
    silent = silent_losses(tests, level)

    def seen(rows):
        return 1 - sum(
            math.comb(rows, i) * share**i * (1 - share) ** (rows - i) for i in range(silent + 1)
        )

    low, high = silent, silent + 1
    while seen(high) < power:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) >= power else (middle, high)
    return high


# %% q6: waiting for the last loss (negative binomial)
def silent_losses(tests, level=0.05):
    b = 0
    while True:
        if mcnemar(b + 1, 0) <= level / tests:
            return b
        b += 1


def rows_needed(share, tests, level=0.05, power=0.8):
    need = silent_losses(tests, level) + 1
    rows, seen = need - 1, 0.0
    while seen < power:
        rows += 1  # the loss number `need` happens in exactly this row
        seen += math.comb(rows - 1, need - 1) * share**need * (1 - share) ** (rows - need)
    return rows
