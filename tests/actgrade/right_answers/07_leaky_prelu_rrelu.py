"""Right answers to 07_leaky_prelu_rrelu, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: two halves added, and a mask
def leaky(x, slope):
    y = np.maximum(x, 0)
    return y if slope == 0 else y + (np.minimum(x, 0) * x.dtype.type(slope))


def leaky_backward(upstream, x, slope):
    return np.where(x > 0, upstream, upstream * slope)


# %% q1: a copy with the negatives overwritten
def leaky(x, slope):
    y = np.array(x)
    left = y <= 0
    y[left] = y[left] * slope if slope else 0
    return y


def leaky_backward(upstream, x, slope):
    gradient = upstream.copy()
    gradient[x <= 0] *= slope
    return gradient


# %% q1: np.select, heaviside
def leaky(x, slope):
    with np.errstate(invalid="ignore"):
        left = slope * x if slope else np.zeros_like(x)
    return np.select([np.isnan(x), x > 0], [x, x], left).astype(x.dtype)


def leaky_backward(upstream, x, slope):
    step = np.heaviside(x, 0.0)
    return upstream * (step + slope * (1 - step))


# %% q1: the upper or the lower of two lines
def leaky(x, slope):
    if slope == 0:
        return np.clip(x, 0, None)
    pick = np.maximum if slope <= 1 else np.minimum
    return pick(x, (slope * x).astype(x.dtype))


def leaky_backward(upstream, x, slope):
    return upstream * (slope + (1 - slope) * (x > 0))


# %% q1: multiply in place, where negative
def leaky(x, slope):
    y = x.copy()
    if slope == 0:
        return np.maximum(y, 0, out=y)
    return np.multiply(y, x.dtype.type(slope), out=y, where=x < 0)


def leaky_backward(upstream, x, slope):
    return upstream * np.array([slope, 1.0])[(x > 0).astype(int)]


# %% q2: move the channels to the end
def prelu_backward(upstream, x, a):
    x, upstream = np.moveaxis(x, 1, -1), np.moveaxis(upstream, 1, -1)
    for_x = np.where(x > 0, upstream, upstream * a)
    each = (upstream * np.minimum(x, 0)).reshape(-1, x.shape[-1]).sum(0)
    return np.moveaxis(for_x, -1, 1), each if a.size > 1 else each.sum(keepdims=True)


# %% q2: a loop over the channels
def prelu_backward(upstream, x, a):
    for_x, for_a = np.empty_like(x), np.zeros_like(a)
    for channel in range(x.shape[1]):
        own = channel if len(a) > 1 else 0
        z, g = x[:, channel], upstream[:, channel]
        for_x[:, channel] = g * np.where(z > 0, 1, a[own])
        for_a[own] += (g * z)[z < 0].sum()
    return for_x, for_a


# %% q2: einsum on flattened positions
def prelu_backward(upstream, x, a):
    shape = x.shape
    z, g = (v.reshape(shape[0], shape[1], -1) for v in (x, upstream))
    wide = np.broadcast_to(a, shape[1])[None, :, None]
    each = np.einsum("ncp,ncp->c", g, np.minimum(z, 0))
    for_x = g * np.where(z > 0, 1.0, wide)
    return for_x.reshape(shape), each if len(a) == shape[1] else np.array([each.sum()])


# %% q2: broadcast, then undo the broadcast by summing
def prelu_backward(upstream, x, a):
    wide = a[(None, slice(None), *[None] * (x.ndim - 2))]
    down = x <= 0
    for_x = upstream * (1 - down) + upstream * wide * down
    each = upstream * x * down
    axes = tuple(i for i in range(x.ndim) if i != 1 or wide.shape[1] == 1)
    return for_x, each.sum(axes).reshape(a.shape)


# %% q2: bincount by channel
def prelu_backward(upstream, x, a):
    index = np.arange(x.shape[1]) if len(a) > 1 else np.zeros(x.shape[1], int)
    index = np.broadcast_to(index.reshape(1, -1, *[1] * (x.ndim - 2)), x.shape)
    each = np.where(x < 0, upstream * x, 0.0)
    for_a = np.bincount(index.ravel(), each.ravel(), minlength=len(a))
    return np.where(x > 0, upstream, a[index] * upstream), for_a


# %% q3: logarithms apart, random numbers scaled by hand
def means(low, high):
    mean = (np.log(high) - np.log(low)) / (high - low)
    return 0.5 / high + 0.5 / low, 1 / np.mean([low, high]), mean


def rrelu(x, lower, upper, training, rng):
    u = rng.random(x.shape) if training else 0.5
    return np.maximum(x, 0) + (lower + (upper - lower) * u) * np.minimum(x, 0)


# %% q3: slopes only for the negative elements
def means(low, high):
    return (low + high) / (2 * low * high), 2 / (low + high), np.log(high / low) / (high - low)


def rrelu(x, lower, upper, training, rng):
    y = x.copy()
    left = x <= 0
    y[left] *= rng.uniform(lower, upper, left.sum()) if training else np.mean([lower, upper])
    return y


# %% q3: quadrature for the mean, an array of slopes
def means(low, high):
    from scipy.integrate import quad

    area = quad(lambda d: 1 / d, low, high, epsabs=0, epsrel=1e-12)[0]
    return (1 / low + 1 / high) / 2, ((low + high) / 2) ** -1, area / (high - low)


def rrelu(x, lower, upper, training, rng):
    slopes = np.full(x.shape, lower + (upper - lower) / 2)
    if training:
        slopes = rng.uniform(lower, upper, size=x.shape)
    slopes[x > 0] = 1
    return slopes * x


# %% q3: Gauss–Legendre, one element at a time
def means(low, high):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    d = (low + high) / 2 + (high - low) / 2 * nodes
    return (1 / high + 1 / low) / 2, 2 / (high + low), float((weights / d).sum() / 2)


def rrelu(x, lower, upper, training, rng):
    y = np.empty_like(x)
    for place, value in np.ndenumerate(x):
        slope = rng.uniform(lower, upper) if training else (lower + upper) / 2
        y[place] = value if value > 0 else slope * value
    return y


# %% q3: math, and a branch for each mode
def means(low, high):
    import math

    return (
        (1 / high + 1 / low) / 2,
        1 / ((low + high) / 2),
        math.log1p(high / low - 1) / (high - low),
    )


def rrelu(x, lower, upper, training, rng):
    if not training:
        return np.where(x > 0, x, x * (lower + upper) / 2)
    drawn = rng.uniform(lower, upper, x.size).reshape(x.shape)
    return np.where(x > 0, x, x * drawn)


# %% q4: a for loop that looks at the change
def depth_until_zero(slope, dtype):
    product = dtype(1)
    for depth in range(1, 100_000):
        before, product = product, np.multiply(product, dtype(slope), dtype=dtype)
        if product == 0:
            return depth
        if product == before:
            break
    return None


# %% q4: arrays of one element
def depth_until_zero(slope, dtype):
    factor, product, depth = np.array([slope], dtype), np.ones(1, dtype), 0
    while product[0] != 0:
        new = product * factor
        if new[0] == product[0]:
            return None
        product, depth = new, depth + 1
    return int(depth)


# %% q4: the smallest number decides first
def depth_until_zero(slope, dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    if dtype(smallest * dtype(slope)) > 0:
        return None
    product, depth = dtype(1), 0
    while product:
        product = dtype(product * dtype(slope))
        depth += 1
    return depth


# %% q4: accumulate, in one go
def depth_until_zero(slope, dtype):
    products = np.multiply.accumulate(np.full(5000, slope, dtype), dtype=dtype)
    zero = np.flatnonzero(products == 0)
    return int(zero[0]) + 1 if len(zero) else None


# %% q4: recursion on the list of products
def depth_until_zero(slope, dtype):
    products = [dtype(1)]
    while products[-1] > 0:
        products.append(dtype(products[-1] * dtype(slope)))
        if products[-1] == products[-2]:
            return None
    return len(products) - 1


# %% q5: signs by the extremes
def straight(W, b, V, c, slope, x):
    low, high = (x @ W + b).min(0), (x @ W + b).max(0)
    if ((low <= 0) & (high > 0)).any():
        return None
    factor = np.where(low > 0, 1.0, slope)
    return W @ (factor[:, None] * V), b @ (factor[:, None] * V) + c


# %% q5: with a diagonal matrix
def straight(W, b, V, c, slope, x):
    positive = x @ W + b > 0
    if (positive != positive[0]).any():
        return None
    D = np.diag(np.where(positive[0], 1.0, slope))
    return W @ D @ V, b @ D @ V + c


# %% q5: unit by unit
def straight(W, b, V, c, slope, x):
    M, m = np.zeros((W.shape[0], V.shape[1])), np.array(c, float)
    for unit in range(W.shape[1]):
        z = x @ W[:, unit] + b[unit]
        if z.min() <= 0 < z.max():
            return None
        factor = 1 if z.min() > 0 else slope
        M += factor * np.outer(W[:, unit], V[unit])
        m += factor * b[unit] * V[unit]
    return M, m


# %% q5: by counting positive rows
def straight(W, b, V, c, slope, x):
    count = (x @ W + b > 0).sum(0)
    if not np.isin(count, [0, len(x)]).all():
        return None
    factor = slope + (1 - slope) * (count > 0)
    return np.einsum("dh,h,hk->dk", W, factor, V), np.einsum("h,h,hk->k", b, factor, V) + c


# %% q5: evaluate the affine map at the origin and the unit vectors
def straight(W, b, V, c, slope, x):
    side = np.sign(np.where(x @ W + b > 0, 1, -1).sum(0)) * len(x)
    if not (np.where(x @ W + b > 0, 1, -1).sum(0) == side).all():
        return None
    factor = np.where(side > 0, 1.0, slope)
    m = (b * factor) @ V + c
    M = np.array([((row + b) * factor) @ V + c - m for row in W])
    return M, m


# %% q6: intervals from SciPy
def verdict(a, b, margin):
    from scipy import stats

    d = np.asarray(a) - np.asarray(b)
    t = stats.t(len(d) - 1, d.mean(), stats.sem(d))
    low, high = t.interval(0.9)
    if -margin < low and high < margin:
        return "same"
    low, high = t.interval(0.95)
    return "better" if low > 0 else "worse" if high < 0 else "not resolved"


# %% q6: two one-sided tests, then a paired test
def verdict(a, b, margin):
    from scipy import stats

    d = a - b
    lower = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
    upper = stats.ttest_1samp(d, margin, alternative="less").pvalue
    if max(lower, upper) < 0.05:
        return "same"
    if stats.ttest_rel(a, b).pvalue < 0.05:
        return ("worse", "better")[int(d.mean() > 0)]
    return "not resolved"


# %% q6: in units of the standard error
def verdict(a, b, margin):
    from scipy.special import stdtrit

    d = a - b
    error = np.sqrt(((d - d.mean()) ** 2).sum() / (len(d) - 1) / len(d))
    t, room = d.mean() / error, margin / error
    if abs(t) + stdtrit(len(d) - 1, 0.95) < room:
        return "same"
    if abs(t) > stdtrit(len(d) - 1, 0.975):
        return "better" if t > 0 else "worse"
    return "not resolved"


# %% q6: the statistics module
def verdict(a, b, margin):
    import statistics

    from scipy.stats import t

    d = [float(p - q) for p, q in zip(a, b, strict=True)]
    mean, error = statistics.mean(d), statistics.stdev(d) / len(d) ** 0.5
    narrow, wide = (t.ppf(level, len(d) - 1) * error for level in (0.95, 0.975))
    if max(mean + narrow, -(mean - narrow)) < margin:
        return "same"
    return "not resolved" if abs(mean) <= wide else ("better" if mean > 0 else "worse")


# %% q6: by p-values from the distribution function
def verdict(a, b, margin):
    from scipy import stats

    d = a - b
    n, error = d.size, d.std(ddof=1) / np.sqrt(d.size)

    def tail(value):
        return stats.t.sf(value / error, n - 1)

    if tail(margin - d.mean()) < 0.05 and tail(margin + d.mean()) < 0.05:
        return "same"
    if 2 * tail(abs(d.mean())) < 0.05:
        return "better" if d.mean() > 0 else "worse"
    return "not resolved"
