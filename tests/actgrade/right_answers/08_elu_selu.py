"""Right answers to 08_elu_selu, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: each side on its own, by masks
def elu(x, alpha=1.0):
    y = np.array(x)
    below = np.asarray(y < 0)
    y[below] = alpha * np.expm1(y[below])
    return y


# %% q1: a sum of two sides
def elu(x, alpha=1.0):
    return np.asarray(np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)), dtype=x.dtype)


# %% q1: from sinh, where e^x - 1 = 2 e^(x/2) sinh(x/2)
def elu(x, alpha=1.0):
    half = np.maximum(np.minimum(x, 0), -100) / 2
    return np.where(x > 0, x, 2 * alpha * np.exp(half) * np.sinh(half)).astype(x.dtype)


# %% q1: one number after the other, with math
def elu(x, alpha=1.0):
    import math

    def one(v):
        return v if v > 0 or v != v else alpha * math.expm1(v)

    return np.array([one(float(v)) for v in x.ravel()], x.dtype).reshape(x.shape)


# %% q1: np.piecewise
def elu(x, alpha=1.0):
    wide = np.asarray(x, np.float64)
    parts = [lambda v: alpha * np.expm1(v), lambda v: v]
    return np.asarray(np.piecewise(wide, [wide < 0], parts)).astype(x.dtype)


# %% q2: one exponential, scaled by masks
def elu_backward(upstream, x, alpha):
    left = x <= 0
    slope = np.ones_like(x)
    slope[left] = alpha * np.exp(x[left])
    return slope * upstream


def celu_backward(upstream, x, alpha):
    left = x <= 0
    slope = np.ones_like(x)
    slope[left] = np.exp(x[left] / alpha)
    return slope * upstream


# %% q2: alpha to the power of the side
def elu_backward(upstream, x, alpha):
    return upstream * alpha ** (x <= 0) * np.exp(np.minimum(x, 0))


def celu_backward(upstream, x, alpha):
    return upstream * np.minimum(1, np.exp(np.clip(x, None, 0) / alpha))


# %% q2: -relu(-x)
def elu_backward(upstream, x, alpha):
    gate = np.exp(-np.maximum(-x, 0))
    return upstream * gate * np.where(x > 0, 1, alpha)


def celu_backward(upstream, x, alpha):
    return upstream * np.exp(-np.maximum(-x, 0) / alpha)


# %% q2: loops
def elu_backward(upstream, x, alpha):
    import math

    result = np.empty_like(x)
    for place, v in np.ndenumerate(x):
        result[place] = upstream[place] * (1 if v > 0 else alpha * math.exp(v))
    return result


def celu_backward(upstream, x, alpha):
    import math

    result = np.empty_like(x)
    for place, v in np.ndenumerate(x):
        result[place] = upstream[place] * (1 if v > 0 else math.exp(v / alpha))
    return result


# %% q2: np.exp with where and out
def elu_backward(upstream, x, alpha):
    slope = np.full_like(x, 1 / alpha)
    np.exp(x, where=x <= 0, out=slope)
    return alpha * slope * upstream


def celu_backward(upstream, x, alpha):
    slope = np.ones_like(x)
    np.exp(x / alpha, where=x <= 0, out=slope)
    return slope * upstream


# %% q3: adaptive integration of the two halves
def moments(alpha, s):
    from scipy.integrate import quad

    def density(z):
        return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    left = [
        quad(lambda z, n=n: (alpha * np.expm1(s * z)) ** n * density(z), -12, 0)[0] for n in (1, 2)
    ]
    right = [quad(lambda z, n=n: (s * z) ** n * density(z), 0, 12)[0] for n in (1, 2)]
    return left[0] + right[0], left[1] + right[1]


# %% q3: a fine grid that has the kink on a node
def moments(alpha, s):
    z = np.linspace(-12, 12, 2_400_001)
    weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    y = np.where(z > 0, s * z, alpha * np.expm1(np.minimum(s * z, 0)))
    return float(weight @ y), float(weight @ y**2)


# %% q3: Gauss-Legendre on both halves
def moments(alpha, s):
    nodes, weights = np.polynomial.legendre.leggauss(80)
    z, w = 6 * (nodes + 1), 6 * weights
    w = w * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    floor = alpha * np.expm1(-s * z)
    return float(w @ (s * z + floor)), float(w @ ((s * z) ** 2 + floor**2))


# %% q3: with erfc in place of the normal distribution
def moments(alpha, s):
    from math import erfc, exp, pi, sqrt

    def part(c):
        return exp(c * c / 2) * erfc(c / sqrt(2)) / 2

    mean = s / sqrt(2 * pi) + alpha * (part(s) - part(0))
    return mean, s * s / 2 + alpha * alpha * (part(2 * s) - 2 * part(s) + part(0))


# %% q3: with the scaled erfcx
def moments(alpha, s):
    from scipy.special import erfcx

    a, b = erfcx(s / 2**0.5) / 2, erfcx(2 * s / 2**0.5) / 2
    mean = s * (2 * np.pi) ** -0.5 - alpha * (0.5 - a)
    return float(mean), float(0.5 * s * s + alpha**2 * (b + 0.5 - 2 * a))


# %% q4: by a root finder
def constants(k):
    from scipy.optimize import brentq
    from scipy.special import erfcx

    a, b = erfcx(k / 2**0.5) / 2, erfcx(2 * k / 2**0.5) / 2

    def mean(alpha):
        return k * (2 * np.pi) ** -0.5 - alpha * (0.5 - a)

    alpha = brentq(mean, 1e-3, 100, xtol=1e-13)
    return alpha, float((0.5 * k * k + alpha**2 * (b + 0.5 - 2 * a)) ** -0.5)


# %% q4: from the means of the halves on a grid
def constants(k):
    z = np.linspace(0, 12, 1_200_001)
    weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    weight[0] /= 2
    floor = np.expm1(-k * z)
    alpha = (weight @ (k * z)) / -(weight @ floor)
    return float(alpha), float((weight @ (k * z) ** 2 + alpha**2 * (weight @ floor**2)) ** -0.5)


# %% q4: adaptive integration
def constants(k):
    from scipy.integrate import quad

    def half(f):
        return quad(lambda z: f(z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), 0, 12)[0]

    alpha = -half(lambda z: k * z) / half(lambda z: np.expm1(-k * z))
    square = half(lambda z: (k * z) ** 2) + alpha**2 * half(lambda z: np.expm1(-k * z) ** 2)
    return float(alpha), float(1 / np.sqrt(square))


# %% q4: both equations at once
def constants(k):
    from math import erfc, exp, pi, sqrt

    from scipy.optimize import fsolve

    def part(c):
        return exp(c * c / 2) * erfc(c / sqrt(2)) / 2

    def off(unknown):
        alpha, scale = unknown
        mean = k / sqrt(2 * pi) + alpha * (part(k) - 0.5)
        square = k * k / 2 + alpha**2 * (part(2 * k) - 2 * part(k) + 0.5)
        return [mean, scale**2 * square - 1]

    alpha, scale = fsolve(off, [1.7, 1.0], xtol=1e-13)
    return float(alpha), float(scale)


# %% q4: Gauss-Legendre
def constants(k):
    nodes, weights = np.polynomial.legendre.leggauss(100)
    z, w = 6 * (nodes + 1), 6 * weights
    w = w * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    floor = np.expm1(-k * z)
    alpha = -(w @ (k * z)) / (w @ floor)
    return float(alpha), float((w @ ((k * z) ** 2 + (alpha * floor) ** 2)) ** -0.5)


# %% q5: equally likely values of z
def propagate(f, k, mean, variance, depth):
    from scipy.stats import norm

    z = norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    path = np.empty((depth, 2))
    for row in path:
        y = f(np.sqrt(k * k * (mean * mean + variance)) * z)
        row[:] = mean, variance = y.mean(), y.var()
    return path


# %% q5: recursion
def propagate(f, k, mean, variance, depth):
    if depth == 0:
        return np.empty((0, 2))
    z = np.linspace(-10, 10, 40_001)
    weight = np.exp(-(z**2) / 2)
    y = f(k * (mean**2 + variance) ** 0.5 * z)
    new = np.average(y, weights=weight)
    spread = np.average((y - new) ** 2, weights=weight)
    return np.vstack([[new, spread], propagate(f, k, new, spread, depth - 1)])


# %% q5: Gauss-Legendre on both halves
def propagate(f, k, mean, variance, depth):
    nodes, weights = np.polynomial.legendre.leggauss(200)
    z = np.concatenate([-5 * (nodes + 1), 5 * (nodes + 1)])
    w = np.concatenate([weights, weights]) * 5 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    found = []
    for _ in range(depth):
        y = f(k * np.hypot(mean, np.sqrt(variance)) * z)
        mean, square = w @ y, w @ y**2
        variance = square - mean**2
        found.append([mean, variance])
    return np.array(found)


# %% q5: the mean square is carried along
def propagate(f, k, mean, variance, depth):
    z = np.linspace(-9, 9, 36_001)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    q, path = k**2 * (mean**2 + variance), []
    for _ in range(depth):
        y = f(q**0.5 * z)
        path.append((weight @ y, weight @ y**2))
        q = k**2 * path[-1][1]
    path = np.array(path)
    path[:, 1] -= path[:, 0] ** 2
    return path


# %% q5: adaptive integration
def propagate(f, k, mean, variance, depth):
    from scipy.integrate import quad

    def expect(g):
        return sum(
            quad(lambda z: g(z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), *ends)[0]
            for ends in ((-10, 0), (0, 10))
        )

    found = []
    for _ in range(depth):
        root = k * np.sqrt(mean**2 + variance)
        mean = expect(lambda z, r=root: float(f(np.array(r * z))))
        variance = expect(lambda z, r=root, m=mean: (float(f(np.array(r * z))) - m) ** 2)
        found.append((mean, variance))
    return np.array(found)


# %% q6: through mean squares
def repair(p, floor, mean=0.0, variance=1.0):
    first = (1 - p) * mean + p * floor
    second = (1 - p) * (variance + mean**2) + p * floor**2
    a = (variance / (second - first**2)) ** 0.5
    return float(a), float(mean - a * first)


def drop(h, keep, p, floor, mean=0.0, variance=1.0):
    a, b = repair(p, floor, mean, variance)
    return np.where(keep, a * h + b, a * floor + b)


# %% q6: shifted so that the old mean is 0, as AlphaDropout would
def repair(p, floor, mean=0.0, variance=1.0):
    f = (floor - mean) / np.sqrt(variance)
    a = ((1 - p) * (1 + p * f * f)) ** -0.5
    return float(a), float(mean * (1 - a) - a * p * f * np.sqrt(variance))


def drop(h, keep, p, floor, mean=0.0, variance=1.0):
    a, b = repair(p, floor, mean, variance)
    mixed = floor + keep * (h - floor)
    return a * mixed + b


# %% q6: NumPy's own mean and covariance of two points with weights
def repair(p, floor, mean=0.0, variance=1.0):
    points, weights = np.array([mean, floor]), np.array([1 - p, p])
    middle = np.average(points, weights=weights)
    total = np.average((points - middle) ** 2 + np.array([variance, 0.0]), weights=weights)
    a = np.sqrt(variance / total)
    return float(a), float(mean - a * middle)


def drop(h, keep, p, floor, mean=0.0, variance=1.0):
    a, b = repair(p, floor, mean, variance)
    mixed = np.full(h.shape, float(floor))
    mixed[keep] = h[keep]
    return a * mixed + b


# %% q6: standardise and put back
def repair(p, floor, mean=0.0, variance=1.0):
    middle = mean + p * (floor - mean)
    spread = (1 - p) * (variance + p * (mean - floor) ** 2)
    a = np.exp(0.5 * (np.log(variance) - np.log(spread)))
    return float(a), float(mean - a * middle)


def drop(h, keep, p, floor, mean=0.0, variance=1.0):
    a, b = repair(p, floor, mean, variance)
    return a * (h * keep + floor * ~keep) + b


# %% q6: loops
def repair(p, floor, mean=0.0, variance=1.0):
    import math

    q = 1 - p
    a = math.sqrt(variance) / math.sqrt(q * variance + q * p * (mean - floor) ** 2)
    return a, mean - a * (q * mean + p * floor)


def drop(h, keep, p, floor, mean=0.0, variance=1.0):
    a, b = repair(p, floor, mean, variance)
    result = np.empty(h.shape)
    for place, value in np.ndenumerate(h):
        result[place] = a * (value if keep[place] else floor) + b
    return result
