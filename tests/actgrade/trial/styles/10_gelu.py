"""Right answers to 10_gelu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: match, with lambdas
def gelu(x, form):
    match form:
        case "erf":
            rule = lambda t: 0.5 * t * (1 + erf(t / math.sqrt(2)))
        case "tanh":
            rule = lambda t: t / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (t + 0.044715 * t * t * t)))
        case "sigmoid":
            rule = lambda t: t * (1 / (1 + np.exp(-1.702 * t)))
        case _:
            raise ValueError(form)
    return rule(x)


# %% q1: a subclass of the error, and a table
class UnknownForm(ValueError):
    pass


_FORMS = {
    "erf": ndtr,
    "tanh": lambda x: (1 + np.tanh(np.sqrt(2 / np.pi) * x * (1 + 0.044715 * x**2))) / 2,
    "sigmoid": lambda x: 1 / (1 + np.exp(-1.702 * x)),
}


def gelu(x, form):
    try:
        return x * _FORMS[form](x)
    except (KeyError, TypeError):
        raise UnknownForm(f"no {form}") from None


# %% q2: math on scalars with np.vectorize
def gelu_tanh(x):
    def one(v):
        return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))

    return np.vectorize(one, otypes=[float])(x.astype(float)).astype(x.dtype).reshape(x.shape)


# %% q3: np.select and erfc of a helper called x2
from scipy.special import erfc, log_ndtr


def gelu_derivative(x):
    x2 = np.where(np.abs(x) < 50, x, 0.0)
    inside = 0.5 * erfc(-x2 / math.sqrt(2)) + x2 * np.exp(-0.5 * x2**2) * 0.3989422804014327
    return np.select([np.isnan(x), x <= -50, x >= 50], [np.nan, 0.0, 1.0], inside)


# %% q4: recursion, and another splitting
def lowest_point(f, slope, low, high):
    middle = low + (high - low) / 2
    if high - low < 1e-14 or middle in (low, high):
        return middle, f(middle)
    return lowest_point(f, slope, low, middle) if slope(middle) > 0 else lowest_point(f, slope, middle, high)


# %% q5: uniform numbers, and in place
def gate(x, rng):
    y = np.array(x, dtype=float)
    y[rng.random(y.shape) >= ndtr(y)] = 0
    return y


def gate_moments(x):
    mean = np.multiply(x, ndtr(x))
    return mean, mean * x * ndtr(-x)


# %% q5: a boolean product
def gate(x, rng):
    return x * (rng.normal(size=x.shape) <= x)


gate_moments = lambda x: (x * ndtr(x), x**2 * ndtr(x) * ndtr(-x))


# %% q6: a walrus and next
def name_it(box):
    points = [-2.5, -0.75, 1.25]
    values = [float(box(p)) for p in points]
    return next(
        (
            form
            for form in ("erf", "tanh", "sigmoid")
            if max(abs((gelu(p, form)) - v) for p, v in zip(points, values)) < 2e-6
        ),
        "none",
    )
