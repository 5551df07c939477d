"""Right answers to 02_sigmoid, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np).


# %% q1: each side on its own, by masks
def sigmoid(x):
    y = np.array(x)
    right = ~(y < 0)  # NaN goes this way
    y[right] = 1 / (1 + np.exp(-y[right]))
    z = np.exp(y[~right & (np.asarray(x) < 0)])
    y[~right] = z / (1 + z)
    return y


# %% q1: exp(min(x, 0)) above, 1 + exp(-|x|) below
def sigmoid(x):
    y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    return np.asarray(y, dtype=x.dtype)


# %% q1: by the logarithm of it
def sigmoid(x):
    wide = x.astype(np.float64)
    return np.exp(np.minimum(wide, 0) - np.log1p(np.exp(-np.abs(wide)))).astype(x.dtype)


# %% q1: one number after the other, with math
def sigmoid(x):
    import math

    def one(value):
        if value != value:
            return value
        if value >= 0:
            return 1 / (1 + math.exp(-value))
        z = math.exp(value)
        return z / (1 + z)

    flat = [one(float(value)) for value in x.ravel()]
    return np.array(flat, x.dtype).reshape(x.shape)


# %% q1: from tanh on the right, mirrored on the left with the ratio e^x
def sigmoid(x):
    right = (1 + np.tanh(np.abs(x) / 2)) / 2
    return np.where(x < 0, right * np.exp(np.minimum(x, 0)), right).astype(x.dtype)


# %% q2: a difference of y and its square, and a product of two sigmoids
def backward_from_output(upstream, y):
    return upstream * (y - y * y) if (y > 1e-3).all() else upstream * (y * (1 - y))


def backward_from_input(upstream, x):
    def sigmoid(t):
        return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))

    return upstream * sigmoid(x) * sigmoid(-x)


# %% q2: 1 / (2 + 2 cosh x)
def backward_from_output(upstream, y):
    return np.multiply(1 - y, y) * upstream


def backward_from_input(upstream, x):
    return upstream / (2 + 2 * np.cosh(x))


# %% q2: a quarter of sech squared
def backward_from_output(upstream, y):
    return np.prod([upstream, y, 1 - y], axis=0)


def backward_from_input(upstream, x):
    return upstream * (0.5 / np.cosh(x / 2)) ** 2


# %% q2: by logarithms
def backward_from_output(upstream, y):
    return upstream * y - upstream * y * y if y.min() > 0.01 else upstream * y * (1 - y)


def backward_from_input(upstream, x):
    a = np.abs(x)
    return upstream * np.exp(-a - 2 * np.log1p(np.exp(-a)))


# %% q2: loops
def backward_from_output(upstream, y):
    result = np.empty_like(y)
    for place, value in np.ndenumerate(y):
        result[place] = upstream[place] * value * (1 - value)
    return result


def backward_from_input(upstream, x):
    import math

    return np.array(
        [
            u * math.exp(-abs(v)) / (1 + math.exp(-abs(v))) ** 2
            for u, v in zip(upstream, x, strict=True)
        ]
    )


# %% q3: logaddexp
def log_sigmoid(x):
    return -np.logaddexp(0, -x)


def bce(logits, targets):
    return np.logaddexp(0, -logits) * targets + np.logaddexp(0, logits) * (1 - targets)


# %% q3: two branches
def log_sigmoid(x):
    small = np.log1p(np.exp(-np.abs(x)))
    return np.where(x > 0, -small, x - small)


def bce(logits, targets):
    return -(targets * log_sigmoid(logits) + (1 - targets) * log_sigmoid(-logits))


# %% q3: softplus and its mirror
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def log_sigmoid(x):
    return -softplus(-x)


def bce(logits, targets):
    return targets * softplus(-logits) + (1 - targets) * softplus(logits)


# %% q3: the form of the frameworks, split so that no digits cancel
def log_sigmoid(x):
    return np.minimum(0, x) - np.log1p(np.exp(-np.sqrt(x * x)))


def bce(logits, targets):
    tail = np.log1p(np.exp(-np.abs(logits)))
    return np.where(logits > 0, (1 - targets) * logits, -targets * logits) + tail


# %% q3: one number after the other
def log_sigmoid(x):
    import math

    return np.array([min(v, 0) - math.log1p(math.exp(-abs(v))) for v in x.tolist()])


def bce(logits, targets):
    pairs = zip(targets, log_sigmoid(logits), log_sigmoid(-logits), strict=True)
    return np.array([-t * yes - (1 - t) * no for t, yes, no in pairs])


# %% q4: odds
def logit(p):
    return np.log(p / (1 - p))


def move(p, old, new):
    odds = p / (1 - p) * (new / (1 - new)) / (old / (1 - old))
    return odds / (1 + odds)


# %% q4: Bayes' rule written out
def logit(p):
    return -np.log((1 - p) / p) if np.all(p > 1e-200) else np.log(p) - np.log1p(-p)


def move(p, old, new):
    ill = p * new / old
    well = (1 - p) * (1 - new) / (1 - old)
    return ill / (ill + well)


# %% q4: twice the inverse hyperbolic tangent, with a logarithm for small p
def logit(p):
    middle = np.abs(p - 0.5) < 0.4
    inside = 2 * np.arctanh(np.where(middle, 2 * p - 1, 0))
    return np.where(middle, inside, np.log(p) - np.log1p(-p))


def move(p, old, new):
    ratio = (1 - p) / p * (old / (1 - old)) * ((1 - new) / new)
    return 1 / (1 + ratio)


# %% q4: logarithms and logaddexp
def logit(p):
    return np.log(p) - np.log(1 - p)


def move(p, old, new):
    x = logit(p) + np.log(new / (1 - new)) - np.log(old / (1 - old))
    return np.exp(-np.logaddexp(0, -x))


# %% q4: loops with math
def logit(p):
    import math

    return np.array([math.log(v) - math.log1p(-v) for v in np.atleast_1d(p)])


def move(p, old, new):
    factor = new * (1 - old) / (old * (1 - new))
    return np.array([factor * v / (factor * v + 1 - v) for v in p])


# %% q5: np.nextafter ends the search
def last_below_one(f, low, high, dtype):
    low, high = dtype(low), dtype(high)
    while np.nextafter(low, high) != high:
        middle = dtype((float(low) + float(high)) / 2)
        if middle in (low, high):
            middle = np.nextafter(low, high)
        if f(np.array([middle]))[0] < 1:
            low = middle
        else:
            high = middle
    return float(low)


# %% q5: recursion
def last_below_one(f, low, high, dtype):
    low, high = dtype(low), dtype(high)
    middle = dtype(low + dtype(high - low) / dtype(2))
    if middle in (low, high):
        return float(low)
    below = bool(f(np.array([middle], dtype))[0] < 1)
    return last_below_one(f, middle if below else low, high if below else middle, dtype)


# %% q5: many points at once, until the ends are neighbours
def last_below_one(f, low, high, dtype):
    low, high = float(low), float(high)
    while True:
        points = np.unique(np.linspace(low, high, 50).astype(dtype))
        below = f(points) < 1
        left, right = float(points[below][-1]), float(points[~below][0])
        if (left, right) == (low, high):
            return left
        low, high = left, right


# %% q5: bisection of the bits, which order the numbers
def last_below_one(f, low, high, dtype):
    whole = {2: np.int16, 4: np.int32, 8: np.int64}[np.dtype(dtype).itemsize]
    if f(np.zeros(1, dtype))[0] == 1:  # the end is negative, where bits run backwards
        left, right = dtype(low), dtype(high)
        while (middle := dtype((left + right) / dtype(2))) not in (left, right):
            left, right = (middle, right) if f(np.array([middle]))[0] < 1 else (left, middle)
        return float(left)
    a, b = int(np.zeros(1, dtype).view(whole)[0]), int(np.array([high], dtype).view(whole)[0])
    while b - a > 1:
        c = (a + b) // 2
        if f(np.array([c], whole).view(dtype))[0] < 1:
            a = c
        else:
            b = c
    return float(np.array([a], whole).view(dtype)[0])


# %% q5: a fixed number of halvings that is always enough
def last_below_one(f, low, high, dtype):
    low, high = np.array([low], dtype), np.array([high], dtype)
    for _ in range(200):
        middle = (low / 2 + high / 2).astype(dtype)
        if f(middle)[0] < 1:
            low = middle
        else:
            high = middle
    return float(low[0])


# %% q6: Newton's method, with halved steps
def temperature(logits, labels):
    scale = np.abs(logits).mean()
    z, s = logits / scale, 1.0

    def loss(s):
        return (np.logaddexp(0, s * z) - labels * s * z).mean()

    for _ in range(100):
        p = np.exp(np.minimum(s * z, 0)) / (1 + np.exp(-np.abs(s * z)))
        step = ((p - labels) * z).mean() / (p * (1 - p) * z * z).mean()
        while s - step <= 0 or loss(s - step) > loss(s) + 1e-15:
            step /= 2
            if abs(step) < 1e-14:
                break
        s = s - step
    return float(scale / s)


# %% q6: golden section on the loss over log T
def temperature(logits, labels):
    def loss(log_t):
        x = logits / np.exp(log_t)
        return (np.logaddexp(0, x) - labels * x).mean()

    ratio = (5**0.5 - 1) / 2
    low, high = np.log(1e-3), np.log(1e5)
    for _ in range(120):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return float(np.exp((low + high) / 2))


# %% q6: grids that become finer
def temperature(logits, labels):
    low, high = -7.0, 12.0
    for _ in range(25):
        grid = np.linspace(low, high, 21)
        x = logits / np.exp(grid)[:, None]
        at = (np.logaddexp(0, x) - labels * x).mean(1).argmin()
        width = (high - low) / 8
        low, high = grid[at] - width, grid[at] + width
    return float(np.exp((low + high) / 2))


# %% q6: bisection on the slope, T directly
def temperature(logits, labels):
    def slope(t):
        x = logits / t
        return ((np.exp(-np.logaddexp(0, -x)) - labels) * logits).mean()

    low, high = 1e-3, 1e5
    for _ in range(200):
        middle = (low * high) ** 0.5
        if slope(middle) > 0:  # too sure: T must rise
            low = middle
        else:
            high = middle
    return middle


# %% q6: gradient descent with momentum on log T, in units of the logits
def temperature(logits, labels):
    scale = np.abs(logits).mean()
    z = logits / scale
    log_s, speed = 0.0, 0.0
    for _ in range(6000):
        s = np.exp(log_s)
        p = np.exp(-np.logaddexp(0, -s * z))
        speed = 0.9 * speed - 0.2 * s * ((p - labels) * z).mean()
        log_s = log_s + speed
    return float(scale / np.exp(log_s))
