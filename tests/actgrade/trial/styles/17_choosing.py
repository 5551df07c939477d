"""Right answers to 17_choosing in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: a list by place
_LABELS = [None] + (
    "true true false false no-data no-data false true false conditions false false nothing nothing "
    "no-data conditions conditions false true nothing"
).split()


def label(number):
    return _LABELS[number].replace("-", " ")


# %% q2: a generator, with helpers called time and x
def corrections(printed, functions):
    x = np.arange(-50, 50.0005, 0.001)

    def time(name):
        y = functions[name](x)
        yield "low", float("-inf") if y.min() < -40 else round(float(y.min()), 2)
        yield "high", float("inf") if y.max() > 40 else round(float(y.max()), 2)
        yield "falls", bool((np.diff(y) < -1e-9).any() and (np.maximum.accumulate(y) - y).max() > 1e-6)

    def agrees(said, right):
        if isinstance(right, bool) or np.isinf(right) or np.isinf(said):
            return said == right
        return abs(said - right) <= 0.01

    return sorted(
        (name, column, right)
        for name, row in printed.items()
        for column, right in time(name)
        if not agrees(row[column], right)
    )


# %% q3: the sum without one seed, in place of delete
def habits(scores):
    functions, settings, seeds = scores.shape
    if seeds < 2:
        raise ValueError("one seed")
    others = scores.sum(axis=2, keepdims=True) - scores
    best = np.argmax(others, axis=0)
    chosen = np.take_along_axis(scores, best[None], axis=0)
    regret = chosen - scores
    return regret.reshape(functions, -1).mean(1), np.max(regret.mean(-1), axis=-1)


# %% q4: a table of heads
def _identity(z):
    return z


def _sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def _softmax(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


_HEADS = {
    "real": (_identity, lambda z, y: 0.5 * np.square(y - z)),
    "binary": (_sigmoid, lambda z, y: np.logaddexp(0, z) - y * z),
    "classes": (_softmax, lambda z, y: np.logaddexp.reduce(z, axis=-1) - z[range(len(z)), y]),
    "count": (np.exp, lambda z, y: np.exp(z) - z * y),
    "positive": (np.exp, lambda z, y: y / np.exp(z) + z),
}


def _head(kind):
    if kind not in _HEADS:
        raise ValueError(kind)
    return _HEADS[kind]


def predict(kind, z):
    return _head(kind)[0](z)


def loss(kind, z, y):
    return _head(kind)[1](z, y)


# %% q5: a loop from the cheapest, with a helper called mean
def choose(scores, cost, margin):
    mean = {name: float(np.mean(values)) for name, values in scores.items()}
    best = max(mean, key=mean.get)
    for name in sorted(scores, key=lambda n: (cost[n], -mean[n])):
        d = np.asarray(scores[best], float) - np.asarray(scores[name], float)
        error = d.std(ddof=1) / np.sqrt(d.size)
        if name == best or d.mean() + stdtrit(d.size - 1, 0.95) * error < margin:
            return name


# %% q6: a checker class
class Audit:
    def __init__(self):
        self.faults = set()

    def __setitem__(self, name, is_fault):
        if is_fault:
            self.faults.add(name)

    def look(self, name, function):
        x = np.linspace(-200, 200, 4001).astype(np.float32)
        kept = x.tobytes()
        y = function(x)
        self["dtype"] = y.dtype != np.float32
        self["input"] = x.tobytes() != kept
        self[f"{name} not finite"] = not np.all(np.isfinite(y))


def audit(f, df):
    check = Audit()
    with np.errstate(all="ignore"):
        check.look("value", f)
        check.look("slope", df)
        x, h = np.linspace(-5, 5, 1001), 1e-5
        right, left = (f(x + h) - f(x + 0)) / h, (f(x + 0) - f(x - h)) / h
        smooth = np.abs(right - left) <= 1e-3
        check["slope"] = bool((np.abs(df(x + 0) - (right + left) / 2)[smooth] > 1e-3).any())
    return sorted(check.faults)
