"""Right answers to 12_softmax in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: in place on a copy
def softmax(z, axis=-1, temperature=1.0):
    out = z.astype(np.float64)
    out -= out.max(axis, keepdims=True)
    out /= temperature
    np.exp(out, out=out)
    out /= out.sum(axis, keepdims=True)
    return out.astype(z.dtype)


# %% q1: logaddexp.reduce
def softmax(z, axis=-1, temperature=1.0):
    t = z.astype(float) / temperature
    return np.exp(t - np.expand_dims(np.logaddexp.reduce(t, axis=axis), axis)).astype(z.dtype)


# %% q1: apply_along_axis
def softmax(z, axis=-1, temperature=1.0):
    def one(row):
        e = np.exp((row - row.max()) / temperature)
        return e / e.sum()

    return np.apply_along_axis(one, axis, z).astype(z.dtype)


# %% q2: a sort, the largest left out
def log_softmax(z):
    order = np.argsort(-z, axis=-1, kind="stable")
    gap = z - np.take_along_axis(z, order[:, :1], -1)
    rest = np.exp(np.take_along_axis(gap, order[:, 1:], -1)).sum(-1, keepdims=True)
    return gap - np.log1p(rest)


def cross_entropy(z, labels):
    return -log_softmax(z)[np.arange(len(z)), labels]


# %% q3: einsum, partial, a name called mean
from functools import partial


def mean(p, g):
    return np.einsum("...k,...k->...", p, g)[..., None]


def shares(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return np.divide(e, np.sum(e, axis=-1, keepdims=True))


def softmax_vjp(z, g, temperature=1.0):
    p = shares(z / temperature)
    return (p * g - p * mean(p, g)) / temperature


def cross_entropy_gradient(z, targets):
    return targets.sum(-1)[..., None] * shares(z) - targets


# %% q4: reduce over a generator expression
from functools import reduce


def merge(a, b):
    (m1, s1), (m2, s2) = sorted((tuple(a), tuple(b)), reverse=True)
    if m1 == -np.inf:
        return m1, 0.0
    return m1, s1 + s2 * np.exp(m2 - m1)


def logsumexp(blocks):
    pairs = ((float(v), 1.0) for block in blocks for v in np.ravel(block))
    m, s = reduce(merge, pairs, (-np.inf, 0.0))
    return float(m + np.log(s)) if s else float("-inf")


# %% q5: a loop over the rows, with names x and time
def attend(scores, values, seen):
    rows = []
    for x, time in zip(scores, seen):
        if not time.any():
            rows.append(np.zeros(values.shape[1]))
            continue
        e = np.exp(x[time] - x[time].max())
        rows.append(e @ values[time] / e.sum())
    return np.array(rows)


# %% q6: Cholesky, one class at a time
def posterior(x, means, covariances, priors):
    columns = []
    with np.errstate(divide="ignore"):
        for m, c, p in zip(means, covariances, priors):
            L = np.linalg.cholesky(c)
            y = np.linalg.solve(L, (x - m).T)
            columns.append(np.log(p) - np.log(np.diag(L)).sum() - (y * y).sum(0) / 2)
    t = np.stack(columns, axis=1)
    return np.exp(t - np.logaddexp.reduce(t, axis=1)[:, None])
