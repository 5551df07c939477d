"""Right answers to 15_fair_comparison, each written in another way; all get full marks."""
# ruff: noqa: B905, F811, F821, RET503
# The cells repeat names, and use what the notebook's set-up cell defines (np and
# SciPy's functions).


# %% q1: step by step, with the variance written out
def interval(a, b, confidence):
    if len(a) != len(b) or len(a) < 2:
        raise ValueError("pairs needed")
    d = [float(x) - float(y) for x, y in zip(a, b)]
    if not all(-1e300 < x < 1e300 for x in d):
        raise ValueError("a run failed")
    n = len(d)
    mean = sum(d) / n
    variance = sum((x - mean) ** 2 for x in d) / (n - 1)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * (variance / n) ** 0.5
    return mean, mean - half, mean + half


# %% q1: SciPy's paired test
def interval(a, b, confidence):
    from scipy import stats

    a, b = np.array(a, float), np.array(b, float)
    if a.shape != b.shape or a.size < 2 or not np.isfinite(a + b).all():
        raise ValueError
    found = stats.ttest_rel(a, b).confidence_interval(confidence)
    return float(np.mean(a - b)), float(found.low), float(found.high)


# %% q1: the lower tail's quantile, added with its sign
def interval(a, b, confidence):
    if np.shape(a) != np.shape(b) or np.size(a) < 2:
        raise ValueError("two rows of one length")
    d = np.subtract(a, b)
    if np.isnan(d).any() or np.isinf(d).any():
        raise ValueError("not finite")
    error = np.sqrt(np.var(d, ddof=1) / d.size)
    ends = [d.mean() + sign * stdtrit(d.size - 1, 0.5 - confidence / 2) * error for sign in (1, -1)]
    return (float(d.mean()), *map(float, ends))


# %% q1: by covariance
def interval(a, b, confidence):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or len(a) < 2 or not np.all(np.isfinite(a)) or not np.all(np.isfinite(b)):
        raise ValueError("bad scores")
    c = np.cov(a, b)
    half = stdtrit(len(a) - 1, 0.5 + confidence / 2)
    half *= np.sqrt((np.array([1, -1]) @ c @ np.array([1, -1])) / len(a))
    middle = a.mean() - b.mean()
    return float(middle), float(middle - half), float(middle + half)


# %% q1: scipy's standard error
def interval(a, b, confidence):
    from scipy.stats import sem, t

    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) != len(b) or len(a) == 1 or not np.isfinite(np.concatenate([a, b])).all():
        raise ValueError("no")
    low, high = t.interval(confidence, len(a) - 1, loc=(a - b).mean(), scale=sem(a - b))
    return float((a - b).mean()), float(low), float(high)


# %% q2: a for loop over a long range
def seeds_needed(sd, delta, power):
    for n in range(2, 100_000):
        bound = stdtrit(n - 1, 0.975)
        if nctdtr(n - 1, np.sqrt(n) * abs(delta / sd), bound) <= 1 - power:
            return n


# %% q2: all n at once
def seeds_needed(sd, delta, power):
    n = np.arange(2, 3000)
    found = 1 - nctdtr(n - 1, abs(delta) / sd * np.sqrt(n), stdtrit(n - 1, 0.975))
    return int(n[np.argmax(found >= power)])


# %% q2: SciPy's distribution object, with the other tail as well
def seeds_needed(sd, delta, power):
    from scipy import stats

    n = 1
    reached = 0.0
    while reached < power:
        n += 1
        bound = stats.t.isf(0.025, n - 1)
        shift = abs(delta) / sd * n**0.5
        reached = stats.nct.sf(bound, n - 1, shift)
    return n


# %% q2: doubling, then bisection
def seeds_needed(sd, delta, power):
    def enough(n):
        return 1 - nctdtr(n - 1, abs(delta) / sd * n**0.5, stdtrit(n - 1, 0.975)) >= power

    high = 2
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


# %% q2: from the normal formula upwards or downwards
def seeds_needed(sd, delta, power):
    def chance(n):
        return 1 - nctdtr(n - 1, abs(delta) / sd * n**0.5, stdtrit(n - 1, 0.975))

    n = max(2, int(((ndtri(0.975) + ndtri(power)) * sd / delta) ** 2))
    while n > 2 and chance(n - 1) >= power:
        n -= 1
    while chance(n) < power:
        n += 1
    return n


# %% q3: a loop over the sorted values
def holm(p):
    m = len(p)
    result, before = np.zeros(m), 0.0
    for rank, place in enumerate(sorted(range(m), key=lambda i: p[i])):
        before = max(before, min(1.0, (m - rank) * p[place]))
        result[place] = before
    return result


# %% q3: sort, adjust, and sort back with the inverse permutation
def holm(p):
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * (p.size - np.arange(p.size)))
    return np.clip(adjusted, 0, 1)[np.argsort(order, kind="stable")]


# %% q3: straight from the definition, a maximum over all that are not larger
def holm(p):
    p = np.asarray(p, float)
    ranks = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    paid = p * (len(p) - ranks)
    return np.array([min(1.0, paid[ranks <= rank].max()) for rank in ranks])


# %% q3: with itertools
def holm(p):
    from itertools import accumulate

    m = len(p)
    pairs = sorted((float(value), i) for i, value in enumerate(p))
    rising = accumulate((value * (m - rank) for rank, (value, _) in enumerate(pairs)), max)
    found = dict(zip((i for _, i in pairs), rising))
    return np.array([min(found[i], 1.0) for i in range(m)])


# %% q3: recursion
def holm(p):
    p = np.array(p, float)
    result = np.empty_like(p)

    def settle(left, floor):
        if left:
            smallest = min(left, key=lambda i: p[i])
            floor = max(floor, min(1, p[smallest] * len(left)))
            result[smallest] = floor
            settle([i for i in left if i != smallest], floor)

    settle(list(range(len(p))), 0)
    return result


# %% q4: the two tests one by one
def same(a, b, margin):
    d = np.asarray(a) - np.asarray(b)
    error = d.std(ddof=1) / np.sqrt(len(d))
    not_worse = 1 - stdtr(len(d) - 1, (d.mean() + margin) / error) < 0.05
    not_better = stdtr(len(d) - 1, (d.mean() - margin) / error) < 0.05
    return bool(not_worse and not_better)


# %% q4: the larger end
def same(a, b, margin):
    d = np.subtract(a, b)
    n = d.size
    half = stdtrit(n - 1, 0.95) * np.sqrt(np.var(d, ddof=1) / n)
    return bool(abs(d.mean()) + half < margin)


# %% q4: SciPy's one-sided tests
def same(a, b, margin):
    from scipy import stats

    d = np.asarray(a, float) - np.asarray(b, float)
    low = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
    high = stats.ttest_1samp(d, margin, alternative="less").pvalue
    return bool(max(low, high) < 0.05)


# %% q4: SciPy's interval
def same(a, b, margin):
    from scipy.stats import ttest_rel

    low, high = ttest_rel(a, b).confidence_interval(0.90)
    return bool(low > -margin) and bool(high < margin)


# %% q4: the distance to the nearer mark in standard errors
def same(a, b, margin):
    d = np.asarray(a, float) - np.asarray(b, float)
    room = margin - abs(d.mean())
    return bool(room * len(d) ** 0.5 / d.std(ddof=1) > stdtrit(len(d) - 1, 0.95))


# %% q5: flatten both, then compare the flat dictionaries
def confounds(a, b):
    def common(x, y, path=()):
        for key in sorted(set(x) | set(y)):
            where = (*path, key)
            if key not in x or key not in y:
                yield where
            elif type(x[key]) is dict and type(y[key]) is dict:
                yield from common(x[key], y[key], where)
            elif x[key] != y[key]:
                yield where

    return sorted(".".join(path) for path in common(a, b) if path != ("activation",))


# %% q5: a stack instead of recursion
def confounds(a, b):
    found, left = [], [("", a, b)]
    while left:
        prefix, x, y = left.pop()
        for key in {*x, *y}:
            path = prefix + key
            if path == "activation":
                continue
            if key in x and key in y:
                if isinstance(x[key], dict) and isinstance(y[key], dict):
                    left.append((path + ".", x[key], y[key]))
                elif x[key] != y[key]:
                    found.append(path)
            else:
                found.append(path)
    return sorted(found)


# %% q5: drop the activation first
def confounds(a, b):
    nothing = object()

    def walk(x, y):
        paths = []
        for key in set(x).union(y):
            u, v = x.get(key, nothing), y.get(key, nothing)
            if isinstance(u, dict) and isinstance(v, dict):
                paths.extend(f"{key}.{rest}" for rest in walk(u, v))
            elif u is nothing or v is nothing or u != v:
                paths.append(key)
        return paths

    a = {key: value for key, value in a.items() if key != "activation"}
    b = {key: value for key, value in b.items() if key != "activation"}
    return sorted(walk(a, b))


# %% q5: one pass for missing keys, one for values
def confounds(a, b, path=""):
    found = [path + key for key in a.keys() ^ b.keys()]
    for key in a.keys() & b.keys():
        if isinstance(a[key], dict) and isinstance(b[key], dict):
            found += confounds(a[key], b[key], path + key + ".")
        elif a[key] != b[key]:
            found.append(path + key)
    return sorted(name for name in found if name != "activation")


# %% q5: a set that is filled
def confounds(a, b):
    found = set()

    def visit(x, y, path):
        if isinstance(x, dict) and isinstance(y, dict):
            for key in list(x) + [k for k in y if k not in x]:
                if (key in x) != (key in y):
                    found.add(".".join([*path, key]))
                else:
                    visit(x[key], y[key], [*path, key])
        elif x != y:
            found.add(".".join(path))

    visit(a, b, [])
    found.discard("activation")
    return sorted(found)


# %% q6: where instead of nan_to_num
def pick(validation, test):
    clean = [np.where(np.isnan(scores), 0.0, scores) for scores in (validation, test)]
    best = np.argmax(np.mean(clean[0], axis=1))
    return int(best), float(np.mean(clean[1], axis=1)[best])


# %% q6: sums that leave NaN out, over the full number of seeds
def pick(validation, test):
    best = int(np.argmax(np.nansum(validation, axis=1)))
    return best, float(np.nansum(test[best]) / test.shape[1])


# %% q6: plain Python
def pick(validation, test):
    def mean(row):
        return sum(0.0 if x != x else float(x) for x in row) / len(row)

    means = [mean(row) for row in validation]
    best = means.index(max(means))
    return best, mean(test[best])


# %% q6: copies that are overwritten
def pick(validation, test):
    validation, test = validation.copy(), test.copy()
    validation[np.isnan(validation)] = 0
    test[np.isnan(test)] = 0
    best = max(range(len(validation)), key=lambda i: (validation[i].mean(), -i))
    return best, float(test[best].mean())


# %% q6: sorted by score, then by place
def pick(validation, test):
    means = np.nan_to_num(validation).mean(axis=-1)
    best = np.lexsort((np.arange(len(means)), -means))[0]
    return int(best), float(np.nan_to_num(test)[best].mean())
