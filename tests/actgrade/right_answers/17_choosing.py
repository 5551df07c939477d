"""Right answers to 17_choosing, each written in another way; all get full marks."""
# ruff: noqa: B905, F811, F821, RET503
# The cells repeat names, and use what the notebook's set-up cell defines (np, ndtr and stdtrit).


# %% q1: a list, counted from 1
def label(number):
    words = [
        *("true", "true", "false", "false", "no data"),
        *("no data", "false", "true", "false", "conditions"),
        *("false", "false", "nothing", "nothing", "no data"),
        *("conditions", "conditions", "false", "true", "nothing"),
    ]
    return words[number - 1]


# %% q1: one letter for each sentence
def label(number):
    words = {"t": "true", "c": "conditions", "f": "false", "d": "no data", "n": "nothing"}
    return words["ttffddftfcffnndccftn"[number - 1]]


# %% q1: a match
def label(number):
    match number:
        case 1 | 2 | 8 | 19:
            return "true"
        case 10 | 16 | 17:
            return "conditions"
        case 5 | 6 | 15:
            return "no data"
        case 13 | 14 | 20:
            return "nothing"
    return "false"


# %% q1: a dictionary made of pairs
def label(number):
    table = dict.fromkeys(range(1, 21), "false")
    table.update(dict.fromkeys([1, 2, 8, 19], "true"))
    table |= {10: "conditions", 16: "conditions", 17: "conditions"}
    table |= {5: "no data", 6: "no data", 15: "no data"}
    table |= {13: "nothing", 14: "nothing", 20: "nothing"}
    return table[number]


# %% q1: an array of numbers into a tuple of words
def label(number):
    kinds = ("true", "conditions", "false", "no data", "nothing")
    code = np.array([0, 0, 2, 2, 3, 3, 2, 0, 2, 1, 2, 2, 4, 4, 3, 1, 1, 2, 0, 4])
    return kinds[code[int(number) - 1]]


# %% q2: name by name in sorted order, with isclose
def corrections(printed, functions):
    x = np.arange(-50_000, 50_001) / 1000
    found = []
    for name in sorted(printed):
        y = functions[name](x)
        highest = np.maximum.accumulate(y)
        falls = bool(np.any(highest - y > 1e-6))
        if printed[name]["falls"] != falls:
            found.append((name, "falls", falls))
        for column, value, infinite in (("high", max(y), np.inf), ("low", min(y), -np.inf)):
            right = infinite if abs(value) > 40 and value * infinite > 0 else round(float(value), 2)
            if not np.isclose(printed[name][column], right, rtol=0, atol=0.01 + 1e-12):
                found.append((name, column, right))
    return found


# %% q2: falling is looked for from the right
def corrections(printed, functions):
    x = np.linspace(-50, 50, 200_001)
    wrong = set()
    for name in printed:
        y = np.asarray(functions[name](x), float)
        later = np.minimum.accumulate(y[::-1])[::-1]
        truth = {
            "low": float(y.min()),
            "high": float(y.max()),
            "falls": bool(((y - later) > 1e-6).any()),
        }
        truth["low"] = float("-inf") if truth["low"] < -40 else round(truth["low"], 2)
        truth["high"] = float("inf") if truth["high"] > 40 else round(truth["high"], 2)
        for column in truth:
            a, b = printed[name][column], truth[column]
            if a != b and (column == "falls" or not abs(a - b) <= 0.01):
                wrong.add((name, column, b))
    return sorted(wrong, key=lambda entry: entry[:2])


# %% q2: helpers, one for each kind of entry
def corrections(printed, functions):
    x = np.linspace(-50, 50, 100_001)

    def number(value):
        return np.sign(value) * np.inf if abs(value) > 40 else np.round(value, 2)

    def off(a, b):
        if np.isinf(a) or np.isinf(b):
            return a != b
        return abs(a - b) > 0.01

    result = []
    for name in sorted(printed):
        y = functions[name](x)
        low = number(y.min()) if y.min() < 0 else round(float(y.min()), 2)
        high = number(y.max()) if y.max() > 0 else round(float(y.max()), 2)
        falls = bool(np.max(np.maximum.accumulate(y) - y) > 1e-6)
        row = printed[name]
        result += [(name, "falls", falls)] if row["falls"] is not falls else []
        result += [(name, "high", float(high))] if off(row["high"], high) else []
        result += [(name, "low", float(low))] if off(row["low"], low) else []
    return result


# %% q2: a loop for the running maximum, over blocks
def corrections(printed, functions):
    x = np.linspace(-50, 50, 100_001)
    out = []
    for name, row in printed.items():
        y = functions[name](x)
        falls, top = False, -np.inf
        for block in np.array_split(y, 400):
            running = np.maximum(np.maximum.accumulate(block), top)
            falls = falls or bool((running - block > 1e-6).any())
            top = running[-1]
        low, high = float(np.min(y)), float(np.max(y))
        low = -np.inf if low < -40 else round(low, 2)
        high = np.inf if high > 40 else round(high, 2)
        for column, right in zip(("falls", "high", "low"), (falls, high, low)):
            printed_value = row[column]
            if printed_value == right:
                continue
            finite = np.isfinite([printed_value, right]).all()
            if column != "falls" and finite and abs(printed_value - right) <= 0.01:
                continue
            out.append((name, column, right))
    out.sort(key=lambda t: (t[0], t[1]))
    return out


# %% q2: a generator
def corrections(printed, functions):
    x = np.linspace(-50, 50, 125_001)

    def entries():
        for name, row in printed.items():
            y = functions[name](x)
            yield name, "low", row["low"], -np.inf if y.min() < -40 else round(float(y.min()), 2)
            yield name, "high", row["high"], np.inf if y.max() > 40 else round(float(y.max()), 2)
            yield name, "falls", row["falls"], bool((np.maximum.accumulate(y) > y + 1e-6).any())

    def equal(a, b):
        return a == b or (not isinstance(b, bool) and abs(a - b) <= 0.01)

    return sorted((n, c, right) for n, c, said, right in entries() if not equal(said, right))


# %% q3: the sum of all minus this seed
def habits(scores):
    if scores.shape[-1] < 2:
        raise ValueError("one seed")
    others = (scores.sum(-1, keepdims=True) - scores) / (scores.shape[-1] - 1)
    # Ties must fall to the first function, whatever the rounding of the sum.
    best = np.round(others, 9).argmax(0)
    lost = np.take_along_axis(scores, best[None], 0) - scores
    return lost.mean((1, 2)), lost.mean(-1).max(-1)


# %% q3: three loops
def habits(scores):
    f, k, s = scores.shape
    if s == 1:
        raise ValueError("a single seed has no others")
    lost = np.zeros((f, k, s))
    for setting in range(k):
        for seed in range(s):
            rest = [i for i in range(s) if i != seed]
            means = [scores[i, setting, rest].mean() for i in range(f)]
            winner = means.index(max(means))
            for i in range(f):
                lost[i, setting, seed] = scores[winner, setting, seed] - scores[i, setting, seed]
    by_setting = lost.mean(axis=2)
    return by_setting.mean(axis=1), by_setting.max(axis=1)


# %% q3: a boolean mask, settings averaged as they come
def habits(scores):
    seeds = np.arange(scores.shape[2])
    if len(seeds) < 2:
        raise ValueError
    table = np.zeros(scores.shape[:2])
    for seed in seeds:
        best = np.mean(scores[..., seeds != seed], axis=-1).argmax(axis=0)
        now = scores[..., seed]
        table += (now[best, range(now.shape[1])] - now) / len(seeds)
    return table.mean(1), table.max(1)


# %% q3: setting by setting
def habits(scores):
    if scores.shape[2] < 2:
        raise ValueError("two seeds at least")
    columns = []
    for k in range(scores.shape[1]):
        part = scores[:, k]
        losses = []
        for s in range(part.shape[1]):
            best = int(np.argmax(np.delete(part, s, 1).mean(1)))
            losses.append(part[best, s] - part[:, s])
        columns.append(np.mean(losses, 0))
    columns = np.array(columns)
    return columns.mean(0), columns.max(0)


# %% q3: a list for each seed, stacked at the end
def habits(scores):
    count = scores.shape[2]
    if count <= 1:
        raise ValueError(count)
    parts = []
    for s in range(count):
        kept = np.concatenate([scores[:, :, :s], scores[:, :, s + 1 :]], axis=2)
        winners = np.argmax(kept.mean(2), axis=0)
        top = np.array([scores[w, k, s] for k, w in enumerate(winners)])
        parts.append(top - scores[:, :, s])
    lost = np.stack(parts, 2)
    return lost.reshape(len(scores), -1).mean(1), lost.mean(2).max(1)


# %% q4: dictionaries of functions
def predict(kind, z):
    def share(z):
        e = np.exp(z - z.max(1)[:, None])
        return e / e.sum(1)[:, None]

    heads = {"real": lambda z: +z, "binary": lambda z: 0.5 * (1 + np.tanh(z / 2)), "classes": share}
    heads |= {"count": np.exp, "positive": np.exp}
    if kind == "binary":  # tanh has no digits left in the left tail
        return np.where(z < 0, np.exp(np.minimum(z, 0)), 1) / (1 + np.exp(-abs(z)))
    if kind not in heads:
        raise ValueError(kind)
    return heads[kind](z)


def loss(kind, z, y):
    if kind == "real":
        return 0.5 * np.square(z - y)
    if kind == "binary":
        return np.maximum(z, 0) - y * z + np.log1p(np.exp(-abs(z)))
    if kind == "classes":
        return np.logaddexp.reduce(z, -1) - np.take_along_axis(z, y[:, None], 1)[:, 0]
    if kind == "count":
        return np.exp(z) - y * z
    if kind == "positive":
        return z + y / np.exp(z)
    raise ValueError(kind)


# %% q4: SciPy's special functions
def predict(kind, z):
    from scipy.special import expit, softmax

    table = {"binary": expit, "count": np.exp, "positive": np.exp, "real": np.array}
    if kind == "classes":
        return softmax(z, axis=-1)
    try:
        return table[kind](z)
    except KeyError:
        raise ValueError("unknown head") from None


def loss(kind, z, y):
    from scipy.special import log_expit, log_softmax

    if kind == "real":
        return (y - z) ** 2 / 2
    if kind == "binary":
        return -np.where(y == 1, log_expit(z), log_expit(-z))
    if kind == "classes":
        return -log_softmax(z, axis=-1)[np.arange(z.shape[0]), y]
    if kind in ("count", "positive"):
        m = predict(kind, z)
        return m - y * np.log(m) if kind == "count" else np.log(m) + y / m
    raise ValueError("unknown head")


# %% q4: match, binary as two classes
def predict(kind, z):
    match kind:
        case "real":
            return z
        case "binary":
            two = np.stack([np.zeros_like(z), z], -1)
            return predict("classes", two)[..., 1]
        case "classes":
            logs = z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
            return np.exp(logs)
        case "count" | "positive":
            return np.exp(z)
    raise ValueError(kind)


def loss(kind, z, y):
    match kind:
        case "real":
            return (z**2 - 2 * z * y + np.asarray(y, float) ** 2) / 2
        case "binary":
            return np.logaddexp(0, np.where(y == 1, -z, z))
        case "classes":
            return np.logaddexp.reduce(z, axis=-1) - z[np.arange(len(z)), y]
        case "count":
            return np.exp(z) - z * y
        case "positive":
            return np.exp(-z) * y + z
    raise ValueError(kind)


# %% q4: the known kinds are checked first
def predict(kind, z):
    if kind not in ("real", "binary", "classes", "count", "positive"):
        raise ValueError(f"unknown: {kind}")
    if kind == "classes":
        shifted = z - np.max(z, axis=1, keepdims=True)
        return np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    if kind == "binary":
        positive = 1 / (1 + np.exp(-np.maximum(z, 0)))
        negative = np.exp(np.minimum(z, 0)) / (1 + np.exp(np.minimum(z, 0)))
        return np.where(z >= 0, positive, negative)
    return z.copy() if kind == "real" else np.e**z


def loss(kind, z, y):
    if kind not in ("real", "binary", "classes", "count", "positive"):
        raise ValueError(f"unknown: {kind}")
    if kind == "classes":
        top = z.max(1)
        return top + np.log(np.exp(z - top[:, None]).sum(1)) - z[range(len(y)), y]
    if kind == "binary":
        return (1 - y) * z + np.logaddexp(-z, 0)
    if kind == "real":
        return abs(z - y) ** 2 * 0.5
    m = np.exp(z)
    return m - y * z if kind == "count" else z + y / m


# %% q4: row by row
def predict(kind, z):
    if kind == "real":
        return z * 1.0
    if kind == "binary":
        return np.array(
            [1 / (1 + np.exp(-v)) if v >= 0 else np.exp(v) / (1 + np.exp(v)) for v in z]
        )
    if kind == "classes":
        return np.array([np.exp(row - max(row)) / sum(np.exp(row - max(row))) for row in z])
    if kind == "count" or kind == "positive":
        return np.array([np.exp(v) for v in z])
    raise ValueError


def loss(kind, z, y):
    if kind == "real":
        return np.array([(a - b) * (a - b) / 2 for a, b in zip(z, y)])
    if kind == "binary":
        signed = [(-v if t else v) for v, t in zip(z, y)]
        return np.array([max(v, 0) + np.log1p(np.exp(-abs(v))) for v in signed])
    if kind == "classes":
        return np.array([max(r) + np.log(sum(np.exp(r - max(r)))) - r[t] for r, t in zip(z, y)])
    if kind == "count":
        return np.array([np.exp(v) - t * v for v, t in zip(z, y)])
    if kind == "positive":
        return np.array([v + t * np.exp(-v) for v, t in zip(z, y)])
    raise ValueError


# %% q5: sorted by cost, the first that is acceptable
def choose(scores, cost, margin):
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    top = max(means, key=means.get)
    for name in sorted(scores, key=lambda n: (cost[n], -means[n])):
        if name == top:
            return name
        d = scores[top] - scores[name]
        if np.mean(d) + stdtrit(d.size - 1, 0.95) * np.std(d, ddof=1) / np.sqrt(d.size) < margin:
            return name


# %% q5: the one-sided test itself
def choose(scores, cost, margin):
    from scipy.special import stdtr

    best = max(scores, key=lambda n: scores[n].mean())
    fine = []
    for name, values in scores.items():
        d = scores[best] - values
        error = d.std(ddof=1) / len(d) ** 0.5
        if name == best:
            ok = True
        elif error == 0:
            ok = d.mean() < margin
        else:
            ok = stdtr(len(d) - 1, (margin - d.mean()) / error) > 0.95
        if ok:
            fine.append((cost[name], -values.mean(), name))
    return min(fine)[2]


# %% q5: the interval with the lower quantile and its sign
def choose(scores, cost, margin):
    names = list(scores)
    table = np.array([scores[name] for name in names])
    best = table.mean(1).argmax()
    behind = table[best] - table
    n = table.shape[1]
    high = behind.mean(1) - stdtrit(n - 1, 0.05) * behind.std(1, ddof=1) / n**0.5
    high[best] = -np.inf
    ready = [i for i in range(len(names)) if high[i] < margin]
    order = sorted(ready, key=lambda i: (cost[names[i]], -table[i].mean()))
    return names[order[0]]


# %% q5: the best stands until something cheaper is close enough
def choose(scores, cost, margin):
    mean = {n: np.mean(v) for n, v in scores.items()}
    best = max(mean, key=mean.__getitem__)
    taken = best
    for name in scores:
        d = np.subtract(scores[best], scores[name])
        n = len(d)
        spread = (((d - d.mean()) ** 2).sum() / (n - 1)) ** 0.5
        close = d.mean() + stdtrit(n - 1, 0.95) * spread / n**0.5 < margin
        cheaper = (cost[name], -mean[name]) < (cost[taken], -mean[taken])
        if close and cheaper:
            taken = name
    return taken


# %% q5: SciPy's standard error
def choose(scores, cost, margin):
    best = sorted(scores, key=lambda n: np.mean(scores[n]))[-1]
    candidates = {best}
    for name in set(scores) - {best}:
        d = np.array(scores[best]) - np.array(scores[name])
        sem = np.sqrt(np.var(d, ddof=1) / len(d))
        if np.average(d) + sem * stdtrit(len(d) - 1, 0.95) < margin:
            candidates.add(name)
    cheapest = min(cost[name] for name in candidates)
    return max((n for n in candidates if cost[n] == cheapest), key=lambda n: np.mean(scores[n]))


# %% q6: a list of conditions
def audit(f, df):
    x = np.linspace(-200, 200, 4001).astype(np.float32)
    a, b = x.copy(), x.copy()
    with np.errstate(all="ignore"):
        y, s = f(a), df(b)
        t = np.linspace(-5, 5, 1001)
        low, mid, high = f(t - 1e-5), f(t + 0), f(t + 1e-5)
        central = (high - low) / 2e-5
        kink = np.abs((high - mid) - (mid - low)) / 1e-5 > 1e-3
        wrong = np.abs(df(t + 0) - central) > 1e-3
    faults = []
    if y.dtype != x.dtype or s.dtype != x.dtype:
        faults.append("dtype")
    if (a != x).any() or (b != x).any():
        faults.append("input")
    if (wrong & ~kink).any():
        faults.append("slope")
    if not np.isfinite(s).all():
        faults.append("slope not finite")
    if not np.isfinite(y).all():
        faults.append("value not finite")
    return faults


# %% q6: one helper for float32, one for the slope
def audit(f, df):
    x = np.linspace(-200, 200, 4001, dtype="float32")

    def half(function):
        mine = np.array(x)
        out = function(mine)
        bad = np.isnan(out).any() or np.isinf(out).any()
        return str(out.dtype) != "float32", not (mine == x).all(), bool(bad)

    def slope():
        h, t = 1e-5, np.linspace(-5, 5, 1001)
        right = (f(t + h) - f(t.copy())) / h
        left = (f(t.copy()) - f(t - h)) / h
        error = np.where(abs(right - left) > 1e-3, 0, df(t.copy()) - 0.5 * (right + left))
        return bool((abs(error) > 1e-3).any())

    with np.errstate(all="ignore"):
        (d1, i1, v), (d2, i2, s) = half(f), half(df)
        found = {"dtype": d1 or d2, "input": i1 or i2, "slope": slope()}
    found |= {"slope not finite": s, "value not finite": v}
    return [name for name in sorted(found) if found[name]]


# %% q6: warnings switched off by the module
def audit(f, df):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = np.linspace(-200, 200, 4001, dtype=np.float32)
        words = []
        for word, g in (("value not finite", f), ("slope not finite", df)):
            copy = np.copy(x)
            out = g(copy)
            words += ["dtype"] * (out.dtype != np.float32)
            words += ["input"] * (not np.array_equal(copy, x))
            words += [word] * (not np.all(np.isfinite(out)))
        grid = np.linspace(-5, 5, 1001)
        step = 1e-5
        values = [f(grid + k * step) for k in (-1, 0, 1)]
        first = np.diff(values, axis=0) / step
        same = abs(first[0] - first[1]) <= 1e-3
        words += ["slope"] * bool((abs(df(grid.copy()) - first.mean(0))[same] > 1e-3).any())
    return sorted(set(words))


# %% q6: point by point for the slope
def audit(f, df):
    found = set()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        x = np.linspace(-200, 200, 4001, dtype=np.float32)
        for function, word in [(df, "slope not finite"), (f, "value not finite")]:
            before = x.tobytes()
            passed = np.frombuffer(before, np.float32).copy()
            out = function(passed)
            if out.dtype.name != "float32":
                found.add("dtype")
            if passed.tobytes() != before:
                found.add("input")
            if np.isfinite(out).sum() < out.size:
                found.add(word)
        t = np.linspace(-5, 5, 1001)
        a, b, c, d = f(t - 1e-5), f(1 * t), f(t + 1e-5), df(1 * t)
        for i in range(len(t)):
            left, right = (b[i] - a[i]) / 1e-5, (c[i] - b[i]) / 1e-5
            if abs(left - right) <= 1e-3 and abs(d[i] - (left + right) / 2) > 1e-3:
                found.add("slope")
    return sorted(found)


# %% q6: a dictionary of masks
def audit(f, df):
    x32 = np.linspace(-200, 200, 4001, dtype=np.float32)
    given = [x32.copy(), x32.copy()]
    with np.errstate(all="ignore"):
        out = [f(given[0]), df(given[1])]
        x, h = np.linspace(-5, 5, 1001), 1e-5
        y = f(np.concatenate([x - h, x, x + h])).reshape(3, -1)
        slope = df(x.copy())
    left, right = (y[1] - y[0]) / h, (y[2] - y[1]) / h
    smooth = np.abs(right - left) <= 1e-3
    checks = {
        "dtype": any(o.dtype != np.float32 for o in out),
        "input": any(not np.array_equal(g, x32) for g in given),
        "slope": np.any(np.abs(slope - (left + right) / 2)[smooth] > 1e-3),
        "slope not finite": not np.isfinite(out[1]).all(),
        "value not finite": not np.isfinite(out[0]).all(),
    }
    return [name for name, bad in checks.items() if bad]
