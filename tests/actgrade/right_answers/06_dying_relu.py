"""Right answers to 06_dying_relu, each written in another way; all get full marks."""
# ruff: noqa: B905, F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: all preactivations at once
def census(batches, W, b):
    z = np.concatenate([x @ W + b for x in batches])
    return np.where(np.isnan(z).any(axis=0), 2, (np.nan_to_num(z, nan=-1.0) <= 0).all(axis=0) * 1)


# %% q1: the highest preactivation decides, and a sum carries the NaN
def census(batches, W, b):
    highest, total = np.full(W.shape[1], -np.inf), np.zeros(W.shape[1])
    for x in batches:
        z = x @ W + b
        highest = np.fmax(highest, np.fmax.reduce(z, axis=0))
        total += np.where(np.isnan(z), np.nan, 0).sum(0)
    found = np.array(highest <= 0, dtype=np.int64)
    found[np.isnan(total)] = 2
    return found


# %% q1: counting
def census(batches, W, b):
    fired = np.zeros(W.shape[1], int)
    missing = np.zeros(W.shape[1], int)
    for x in batches:
        z = np.matmul(x, W) + b
        fired += np.count_nonzero(z > 0, axis=0)
        missing += np.count_nonzero(z != z, axis=0)
    return np.select([missing > 0, fired == 0], [2, 1], 0)


# %% q1: unit by unit
def census(batches, W, b):
    batches, found = list(batches), []
    for j in range(W.shape[1]):
        z = np.hstack([x @ W[:, j] + b[j] for x in batches])
        found.append(2 if np.isnan(z).any() else 0 if (z > 0).any() else 1)
    return np.array(found)


# %% q1: sets of indices
def census(batches, W, b):
    alive, broken = set(), set()
    for x in batches:
        z = x @ W + b
        alive |= set(np.nonzero(z > 0)[1].tolist())
        broken |= set(np.nonzero(np.isnan(z))[1].tolist())
    units = range(W.shape[1])
    return np.array([2 if j in broken else 0 if j in alive else 1 for j in units], np.int64)


# %% q2: only the active rows
def step(x, w, b, upstream, rate):
    on = x @ w + b > 0
    w_new = w - rate * (upstream[on, None] * x[on]).sum(0)
    b_new = b - rate * upstream[on].sum()
    after = (x @ w_new + b_new).max() > 0
    return (
        w_new,
        b_new,
        ("alive" if after else "dies") if on.any() else "revives" if after else "dead",
    )


# %% q2: the bias as a weight of a constant input
def step(x, w, b, upstream, rate):
    x1, p = np.column_stack([x, np.ones(len(x))]), np.append(w, b)
    gate = np.heaviside(x1 @ p, 0.0)
    q = p - rate * x1.T @ (gate * upstream)
    names = [["dead", "revives"], ["dies", "alive"]]
    return q[:-1], q[-1], names[int(gate.any())][int((x1 @ q > 0).any())]


# %% q2: one example after another
def step(x, w, b, upstream, rate):
    gw, gb, before = np.zeros_like(w), 0.0, False
    for row, u in zip(x, upstream):
        if row @ w + b > 0:
            gw, gb, before = gw + u * row, gb + u, True
    w_new, b_new = w - rate * gw, b - rate * gb
    after = any(row @ w_new + b_new > 0 for row in x)
    if before == after:
        return w_new, b_new, "alive" if before else "dead"
    return w_new, b_new, "dies" if before else "revives"


# %% q2: by autograd
def step(x, w, b, upstream, rate):
    import torch

    p = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (w, b)]
    y = torch.relu(torch.tensor(x) @ p[0] + p[1])
    gw, gb = torch.autograd.grad((y * torch.tensor(upstream)).sum(), p)
    w_new, b_new = w - rate * gw.numpy(), b - rate * gb.item()
    before, after = bool((y > 0).any()), bool((x @ w_new + b_new > 0).any())
    return (
        w_new,
        b_new,
        {2: "alive", 0: "dead"}.get(before + after, "dies" if before else "revives"),
    )


# %% q2: einsum and where
def step(x, w, b, upstream, rate):
    z = np.einsum("ij,j->i", x, w) + b
    delta = np.where(z > 0, upstream, 0.0)
    w_new = w - rate * np.einsum("i,ij->j", delta, x)
    b_new = b - rate * np.add.reduce(delta)
    pair = bool(np.any(z > 0)), bool(np.any(np.einsum("ij,j->i", x, w_new) + b_new > 0))
    fates = {(True, True): "alive", (True, False): "dies", (False, True): "revives"}
    return w_new, b_new, fates.get(pair, "dead")


# %% q3: bounds of an interval, example by example
def killing_rate(x, w, b, upstream):
    z = x @ w + b
    delta = np.where(z > 0, upstream, 0)
    low, high = 0.0, np.inf
    for i in range(len(x)):
        fall = sum(delta[j] * (x[j] @ x[i] + 1) for j in range(len(x)))
        if z[i] > 0:
            low = max(low, z[i] / fall) if fall > 0 else np.inf
        elif fall < 0:
            high = min(high, z[i] / fall)
    return float(low) if low <= high else float("inf")


# %% q3: the Gram matrix
def killing_rate(x, w, b, upstream):
    z = x @ w + b
    fall = (x @ x.T + 1) @ (upstream * (z > 0))
    need = np.where(z > 0, np.where(fall > 0, z / np.where(fall == 0, 1, fall), np.inf), 0)
    limit = np.where((z <= 0) & (fall < 0), z / np.where(fall == 0, 1, fall), np.inf)
    return float(need.max()) if need.max() <= limit.min() else np.inf


# %% q3: try every candidate
def killing_rate(x, w, b, upstream):
    z = x @ w + b
    on = z > 0
    fall = x @ (x[on].T @ upstream[on]) + upstream[on].sum()
    for rate in sorted(z[i] / fall[i] for i in np.flatnonzero(on) if fall[i] > 0):
        left = z - rate * fall
        if (left <= 1e-12 * (np.abs(z) + rate * np.abs(fall))).all():
            return float(rate)
    return float("inf")


# %% q3: a constant input for the bias
def killing_rate(x, w, b, upstream):
    x1 = np.c_[x, np.ones(len(x))]
    z = x1 @ np.r_[w, b]
    direction = x1[z > 0].T @ upstream[z > 0]
    fall = x1 @ direction
    if np.any(fall[z > 0] <= 0):
        return np.inf
    least = max(z[z > 0] / fall[z > 0])
    up = (z <= 0) & (fall < 0)
    return np.inf if up.any() and min(z[up] / fall[up]) < least else float(least)


# %% q3: the change at rate 1 as a difference of preactivations
def killing_rate(x, w, b, upstream):
    z = x @ w + b
    delta = upstream * (z > 0)
    change = x @ (w - x.T @ delta) + (b - delta.sum()) - z
    active, silent = z > 0, z <= 0
    if not (change[active] < 0).all():
        return np.inf
    least = (-z[active] / change[active]).max()
    rising = silent & (change > 1e-13)
    return float(least) if (z[rising] + least * change[rising] <= 0).all() else np.inf


# %% q4: differences with a life before the record
def dead_spells(alive):
    change = np.diff(np.concatenate([[1], np.asarray(alive, int)]))
    starts, ends = np.flatnonzero(change < 0).tolist(), np.flatnonzero(change > 0).tolist()
    return list(zip(starts, ends + [None] * (len(starts) - len(ends))))


# %% q4: groupby
def dead_spells(alive):
    from itertools import groupby

    found, at = [], 0
    for lives, run in groupby(bool(v) for v in alive):
        length = len(list(run))
        if not lives:
            found.append((at, at + length if at + length < len(alive) else None))
        at += length
    return found


# %% q4: a regular expression
def dead_spells(alive):
    import re

    text = "".join("a" if v else "d" for v in alive)
    return [(m.start(), m.end() if m.end() < len(text) else None) for m in re.finditer("d+", text)]


# %% q4: searching forward
def dead_spells(alive):
    line, found, at = [bool(v) for v in alive], [], 0
    while False in line[at:]:
        start = line.index(False, at)
        if True not in line[start:]:
            return [*found, (start, None)]
        at = line.index(True, start)
        found.append((start, at))
    return found


# %% q4: shifted copies
def dead_spells(alive):
    dead = ~np.asarray(alive, bool)
    before = np.r_[False, dead[:-1]]
    starts = np.flatnonzero(dead & ~before)
    ends = np.flatnonzero(~dead & before)
    spells = [(int(s), int(e)) for s, e in zip(starts, ends)]
    return [*spells, (int(starts[-1]), None)] if dead[-1] else spells


# %% q5: math instead of NumPy
def firing_bound(n, confidence):
    import math

    return -math.expm1(math.log1p(-confidence) / n)


def examples_needed(rate, confidence):
    import math

    return math.ceil(math.log(1 - confidence) / math.log1p(-rate))


# %% q5: decimal arithmetic
def firing_bound(n, confidence):
    from decimal import Decimal, getcontext

    getcontext().prec = 40
    return float(1 - ((1 - Decimal(float(confidence))).ln() / n).exp())


def examples_needed(rate, confidence):
    from decimal import Decimal, getcontext

    getcontext().prec = 40
    quotient = (1 - Decimal(float(confidence))).ln() / (1 - Decimal(float(rate))).ln()
    whole = int(quotient)
    return whole if whole == quotient else whole + 1


# %% q5: the chance of silence first, then its logarithm
def firing_bound(n, confidence):
    chance_of_silence = 1.0 - confidence
    return float(-np.expm1(np.divide(np.log(chance_of_silence), n)))


def examples_needed(rate, confidence):
    return -int(np.floor(-np.log1p(-confidence) / np.log1p(-rate)))


# %% q5: bisection for the whole number
def firing_bound(n, confidence):
    t = np.log1p(-confidence) / n
    return float(-2 * np.exp(t / 2) * np.sinh(t / 2))


def examples_needed(rate, confidence):
    low, high = 0, 1
    while high * np.log1p(-rate) > np.log1p(-confidence):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if middle * np.log1p(-rate) > np.log1p(-confidence):
            low = middle
        else:
            high = middle
    return high


# %% q5: Newton's method
def firing_bound(n, confidence):
    target = np.log1p(-confidence) / n
    p = min(0.5, -target)
    for _ in range(60):
        p = min(p + (np.log1p(-p) - target) * (1 - p), 1 - 1e-15)
    return float(p)


def examples_needed(rate, confidence):
    return int(-(np.log1p(-confidence) // -np.log1p(-rate)))


# %% q6: loops over resamples
def revival_share(network, ended, picks):
    count, back = [0] * picks.shape[1], [0] * picks.shape[1]
    for k, e in zip(network, ended):
        count[k] += 1
        back[k] += int(e)
    shares = []
    for row in picks:
        total = sum(count[k] for k in row)
        if total:
            shares.append(sum(back[k] for k in row) / total)
    return sum(back) / sum(count), *(float(v) for v in np.percentile(shares, (2.5, 97.5)))


# %% q6: counts of the picks times the counts of the networks
def revival_share(network, ended, picks):
    n = picks.shape[1]
    times = (picks[:, :, None] == np.arange(n)).sum(1)
    spells = (network[:, None] == np.arange(n)).sum(0)
    back = (network[ended][:, None] == np.arange(n)).sum(0)
    drawn = times @ spells
    shares = (times @ back)[drawn > 0] / drawn[drawn > 0]
    return float(ended.mean()), float(np.quantile(shares, 0.025)), float(np.quantile(shares, 0.975))


# %% q6: NaN for empty resamples
def revival_share(network, ended, picks):
    spells, back = np.zeros(picks.shape[1]), np.zeros(picks.shape[1])
    np.add.at(spells, network, 1)
    np.add.at(back, network, ended)
    with np.errstate(invalid="ignore"):
        shares = back[picks].sum(axis=1) / spells[picks].sum(axis=1)
    return (back.sum() / spells.sum(), *np.nanpercentile(shares, [2.5, 97.5]))


# %% q6: a two-way table
def revival_share(network, ended, picks):
    table = np.zeros((picks.shape[1], 2))
    for k, e in zip(network, ended):
        table[k, int(e)] += 1
    sums = table[picks].sum(1)
    sums = sums[sums.sum(1) > 0]
    low, high = np.percentile(sums[:, 1] / sums.sum(1), [2.5, 97.5])
    return table[:, 1].sum() / table.sum(), low, high


# %% q6: the data themselves are resampled, network by network
def revival_share(network, ended, picks):
    own = [ended[network == k] for k in range(picks.shape[1])]
    drawn = [np.concatenate([own[k] for k in row]) for row in picks]
    shares = [d.mean() for d in drawn if d.size]
    return ended.mean(), *np.percentile(shares, [2.5, 97.5])
