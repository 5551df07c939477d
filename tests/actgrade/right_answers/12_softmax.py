"""Right answers to 12_softmax, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: in float64 inside, the axis moved to the end
def softmax(z, axis=-1, temperature=1.0):
    wide = np.moveaxis(z, axis, -1).astype(np.float64) / temperature
    e = np.exp(wide - wide.max(-1)[..., None])
    return np.moveaxis(e / e.sum(-1)[..., None], -1, axis).astype(z.dtype)


# %% q1: by the logarithm of the sum
def softmax(z, axis=-1, temperature=1.0):
    wide = z.astype(np.float64) / temperature
    total = np.logaddexp.reduce(wide, axis=axis, keepdims=True)
    return np.exp(wide - total).astype(z.dtype)


# %% q1: slice by slice
def softmax(z, axis=-1, temperature=1.0):
    def one(row):
        e = np.exp((row - max(row)) / temperature)
        return e / sum(e)

    return np.apply_along_axis(one, axis, z.astype(np.float64)).astype(z.dtype)


# %% q1: each share as one over a sum of ratios
def softmax(z, axis=-1, temperature=1.0):
    rows = np.moveaxis(z.astype(np.float64), axis, -1)
    gaps = rows - rows.max(-1, keepdims=True)
    weights = np.exp(gaps * (1 / temperature))
    share = weights * np.reciprocal(weights.sum(-1, keepdims=True))
    return np.ascontiguousarray(np.moveaxis(share, -1, axis), dtype=z.dtype)


# %% q1: in place in a copy
def softmax(z, axis=-1, temperature=1.0):
    p = np.array(z, copy=True)
    p -= np.amax(p, axis=axis, keepdims=True)
    p /= z.dtype.type(temperature)
    np.exp(p, out=p)
    p /= np.sum(p, axis=axis, keepdims=True)
    return p


# %% q2: the losers picked by a mask
def log_softmax(z):
    k = z.shape[1]
    winner = np.arange(k) == z.argmax(1)[:, None]
    gap = z - z[winner][:, None]
    losers = np.where(winner, 0.0, np.exp(gap)).sum(1, keepdims=True)
    return gap - np.log1p(losers)


def cross_entropy(z, labels):
    return -log_softmax(z)[np.arange(len(z)), labels]


# %% q2: row by row, sorted
def log_softmax(z):
    out = np.empty_like(z)
    for i, row in enumerate(z):
        order = np.sort(row)[::-1]
        rest = sum(np.exp(v - order[0]) for v in order[1:])
        out[i] = (row - order[0]) - np.log1p(rest)
    return out


def cross_entropy(z, labels):
    return np.array([-row[y] for row, y in zip(log_softmax(z), labels, strict=True)])


# %% q2: from the class's own gaps where it wins
def log_softmax(z):
    n, k = z.shape
    out = np.empty((n, k))
    for j in range(k):
        others = np.delete(z, j, axis=1) - z[:, j : j + 1]
        top = np.maximum(others.max(1), 0)
        shifted = np.exp(others - top[:, None]).sum(1)
        far = top > 0
        out[~far, j] = -np.log1p(shifted[~far])
        out[far, j] = -(top[far] + np.log(shifted[far] + np.exp(-top[far])))
    return out


def cross_entropy(z, labels):
    return -(log_softmax(z) * np.eye(z.shape[1])[labels]).sum(1)


# %% q2: partition and math
def log_softmax(z):
    import math

    top = z.max(1)
    rest = np.partition(z, -2, axis=1)[:, :-1] - top[:, None]
    log_total = np.array([math.log1p(math.fsum(map(math.exp, row))) for row in rest])
    return z - top[:, None] - log_total[:, None]


def cross_entropy(z, labels):
    return -np.choose(labels, log_softmax(z).T)


# %% q2: logaddexp of zero and the losers' sum
def log_softmax(z):
    top = z.argmax(1)
    gap = z - z[np.arange(len(z)), top][:, None]
    rest = gap.copy()
    rest[np.arange(len(z)), top] = -np.inf
    return gap - np.logaddexp(0.0, np.logaddexp.reduce(rest, axis=1))[:, None]


def cross_entropy(z, labels):
    loss = np.empty(len(z))
    for i, y in enumerate(labels):
        loss[i] = -log_softmax(z[i : i + 1])[0, y]
    return loss


# %% q3: the two terms apart
def softmax_vjp(z, g, temperature=1.0):
    e = np.exp((z - z.max(-1, keepdims=True)) / temperature)
    p = e / e.sum(-1, keepdims=True)
    return (p * g - p * np.sum(p * g, axis=-1, keepdims=True)) / temperature


def cross_entropy_gradient(z, targets):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e * (targets.sum(-1, keepdims=True) / e.sum(-1, keepdims=True)) - targets


# %% q3: row by row
def softmax_vjp(z, g, temperature=1.0):
    rows = []
    for a, b in zip(z / temperature, g, strict=True):
        p = np.exp(a - a.max())
        p = p / p.sum()
        rows.append(p * (b - p @ b) / temperature)
    return np.array(rows)


def cross_entropy_gradient(z, targets):
    rows = []
    for a, t in zip(z, targets, strict=True):
        p = np.exp(a - a.max())
        rows.append(p / p.sum() * t.sum() - t)
    return np.array(rows)


# %% q3: with einsum
def softmax_vjp(z, g, temperature=1.0):
    p = np.exp(z / temperature - (z / temperature).max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    mean = np.einsum("nk,nk->n", p, g)
    return np.einsum("nk,nk->nk", p, g - mean[:, None]) / temperature


def cross_entropy_gradient(z, targets):
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return np.einsum("nk,n->nk", p, targets.sum(1)) - targets


# %% q3: the loss's gradient by way of the targets, one class after the other
def softmax_vjp(z, g, temperature=1.0):
    p = np.exp((z - z.max(1)[:, None]) / temperature)
    p = (p.T / p.sum(1)).T
    centred = g - np.average(g, axis=1, weights=p)[:, None]
    return centred * p / temperature


def cross_entropy_gradient(z, targets):
    p = np.exp(z - z.max(1)[:, None])
    p = (p.T / p.sum(1)).T
    return sum(t[:, None] * (p - e) for t, e in zip(targets.T, np.eye(z.shape[1]), strict=True))


# %% q3: log-space
def softmax_vjp(z, g, temperature=1.0):
    s = z / temperature
    p = np.exp(s - np.logaddexp.reduce(s, axis=-1, keepdims=True))
    return np.multiply(p, np.subtract(g, (p * g).sum(-1, keepdims=True))) * (1 / temperature)


def cross_entropy_gradient(z, targets):
    p = np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))
    return np.subtract(p * targets.sum(-1, keepdims=True), targets)


# %% q4: ordered, the smaller one rescaled
def merge(a, b):
    if a[0] < b[0]:
        a, b = b, a
    if b[1] == 0:
        return a
    return a[0], a[1] + b[1] * np.exp(b[0] - a[0])


def logsumexp(blocks):
    state = (-np.inf, 0.0)
    for block in blocks:
        for value in block:
            state = merge(state, (float(value), 0.0 if value == -np.inf else 1.0))
    return float(state[0] + np.log(state[1])) if state[1] > 0 else float("-inf")


# %% q4: logaddexp for the stream
def merge(a, b):
    if a[1] == 0:
        return b
    if b[1] == 0:
        return a
    top = np.maximum(a[0], b[0])
    return top, sum(total * np.exp(own - top) for own, total in (a, b))


def logsumexp(blocks):
    result = -np.inf
    for block in blocks:
        for value in block:
            result = np.logaddexp(result, value)
    return float(result)


# %% q4: with math, running maximum by hand
def merge(a, b):
    import math

    (s, x), (t, y) = a, b
    if s == t:
        return s, x + y
    if s > t:
        return s, x + y * math.exp(t - s)
    return t, y + x * math.exp(s - t)


def logsumexp(blocks):
    top, total = -np.inf, 0.0
    for block in blocks:
        block = block[block > -np.inf]
        if block.size == 0:
            continue
        new = max(top, block.max())
        total = total * np.exp(top - new) + np.exp(block - new).sum()
        top = new
    return float(top + np.log(total)) if total else -np.inf


# %% q4: states of whole blocks, folded
def merge(a, b):
    tops, totals = np.array([a, b]).T
    if not np.isfinite(tops).any():
        return (-np.inf, 0.0)
    weight = np.exp(tops - tops.max())
    return (float(tops.max()), float(totals @ weight))


def logsumexp(blocks):
    import functools

    def state(block):
        seen = block[np.isfinite(block)]
        return (seen.max(), np.exp(seen - seen.max()).sum()) if len(seen) else (-np.inf, 0.0)

    top, total = functools.reduce(merge, map(state, blocks), (-np.inf, 0.0))
    return float(top + np.log(total)) if total > 0 else -np.inf


# %% q4: through the logarithm of both
def merge(a, b):
    top = max(a[0], b[0])
    total = sum(t * np.exp(s - top) for s, t in (a, b) if t > 0)
    return (top, float(total))


def logsumexp(blocks):
    log_total = -np.inf
    for block in blocks:
        if len(block):
            log_total = np.logaddexp(log_total, np.logaddexp.reduce(block))
    return float(log_total)


# %% q5: query by query
def attend(scores, values, seen):
    out = np.zeros((len(scores), values.shape[1]))
    for i, (row, mask) in enumerate(zip(scores, seen, strict=True)):
        if mask.any():
            e = np.exp(row[mask] - row[mask].max())
            out[i] = (e / e.sum()) @ values[mask]
    return out


# %% q5: exponentials through a where argument
def attend(scores, values, seen):
    safe = np.where(seen, scores, 0.0)
    top = np.max(safe, axis=1, keepdims=True, where=seen, initial=-2000.0)
    e = np.exp(safe - top, where=seen, out=np.zeros(safe.shape))
    total = e.sum(1, keepdims=True)
    kept = np.where(seen.any(0)[:, None], values, 0)
    return np.divide(e @ kept, total, where=total > 0, out=np.zeros((len(e), values.shape[1])))


# %% q5: only the rows that see something
def attend(scores, values, seen):
    rows, places = seen.any(1), seen.any(0)
    s = np.where(seen, scores, -np.inf)[rows][:, places]
    e = np.exp(s - s.max(1, keepdims=True))
    out = np.zeros((len(scores), values.shape[1]))
    out[rows] = e @ values[places] / e.sum(1, keepdims=True)
    return out


# %% q5: a masked array for the maximum
def attend(scores, values, seen):
    clean = np.where(seen, scores, 0.0)
    top = np.ma.masked_array(clean, ~seen).max(1).filled(0.0)
    e = np.where(seen, np.exp(np.where(seen, clean - top[:, None], 0.0)), 0.0)
    total = e.sum(1)
    total[total == 0] = 1
    return np.einsum("nm,md->nd", e / total[:, None], np.where(seen.any(0)[:, None], values, 0.0))


# %% q5: by logarithms of the sums
def attend(scores, values, seen):
    masked = np.where(seen, scores, -np.inf)
    log_total = np.logaddexp.reduce(masked, axis=1, keepdims=True)
    log_total[np.isneginf(log_total)] = 0.0
    usable = np.nan_to_num(values) * seen.any(0)[:, None]
    return np.exp(masked - log_total) @ usable


# %% q6: class by class, with solve
def posterior(x, means, covariances, priors):
    logits = np.full((len(x), len(means)), -np.inf)
    for k, (mean, covariance, prior) in enumerate(zip(means, covariances, priors, strict=True)):
        if prior > 0:
            away = (x - mean).T
            squares = (away * np.linalg.solve(covariance, away)).sum(0)
            logits[:, k] = np.log(prior) - 0.5 * np.log(np.linalg.det(covariance)) - squares / 2
    logits -= logits.max(1, keepdims=True)
    p = np.exp(logits)
    return p / p.sum(1, keepdims=True)


# %% q6: whitened by Cholesky
def posterior(x, means, covariances, priors):
    columns = []
    for mean, covariance in zip(means, covariances, strict=True):
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, (x - mean).T)
        columns.append(-(white**2).sum(0) / 2 - np.log(np.diag(root)).sum())
    logits = np.stack(columns, axis=1)
    live = priors > 0
    top = logits[:, live].max(1, keepdims=True)
    e = np.where(live, np.exp(np.minimum(logits - top, 0)) * priors, 0)
    return e / e.sum(1, keepdims=True)


# %% q6: by eigenvalues
def posterior(x, means, covariances, priors):
    values, vectors = np.linalg.eigh(covariances)
    along = np.einsum("kij,nki->nkj", vectors, x[:, None, :] - means[None])
    squares = (along**2 / values).sum(-1)
    log_priors = np.full(len(priors), -np.inf)
    log_priors[priors > 0] = np.log(priors[priors > 0])
    logits = log_priors - (squares + np.log(values).sum(-1)) / 2
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


# %% q6: ratios of every class to each other
def posterior(x, means, covariances, priors):
    away = x[:, None] - means
    squares = np.sum(away * np.linalg.solve(covariances, away[..., None])[..., 0], axis=-1)
    score = -squares / 2 - np.linalg.slogdet(covariances).logabsdet / 2
    live = np.flatnonzero(priors)
    p = np.zeros(score.shape)
    for k in live:
        gaps = np.minimum(score[:, live] - score[:, [k]], 700)
        p[:, k] = priors[k] / (priors[live] * np.exp(gaps)).sum(1)
    return p


# %% q6: point by point
def posterior(x, means, covariances, priors):
    inverses = [np.linalg.inv(c) for c in covariances]
    rows = []
    for point in x:
        logits = np.array(
            [
                -0.5 * (point - m) @ i @ (point - m) + 0.5 * np.log(np.linalg.det(i))
                for m, i in zip(means, inverses, strict=True)
            ]
        )
        e = priors * np.exp(np.minimum(logits - logits[priors > 0].max(), 0))
        rows.append(e / e.sum())
    return np.array(rows)
