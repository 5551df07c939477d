"""Right answers to 09_squared_relu in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: np.select and a name called time
def leaky_square(x, slope):
    time = np.select([x > 0], [x], slope * x)
    return np.square(time).astype(x.dtype)


def leaky_square_backward(upstream, x, slope):
    time = np.select([x > 0], [2 * x], 2 * slope**2 * x)
    return upstream * time


# %% q1: in place on a copy
def leaky_square(x, slope):
    y = np.array(x)
    y[~(y > 0)] *= slope
    y *= y
    return y


def leaky_square_backward(upstream, x, slope):
    d = 2 * np.array(x)
    d[~(d > 0)] *= slope**2
    d *= upstream
    return d


# %% q2: vmap of grad
def signed_ratio(f, x):
    slope = torch.func.vmap(torch.func.grad(lambda t: f(t)))
    flat = x.detach().reshape(-1)
    return (slope(-flat) / slope(flat)).reshape(x.shape)


# %% q2: a jacobian by vector of ones
def signed_ratio(f, x):
    def d(t):
        return torch.autograd.functional.vjp(f, t, torch.ones_like(f(t)))[1]

    return torch.div(d(x.detach().neg()), d(x.detach()))


# %% q3: a list comprehension and a helper that forgives
def _second(f, point):
    x = torch.tensor(point, dtype=torch.double, requires_grad=True)
    first = torch.autograd.grad(f(x), x, create_graph=True)[0]
    if first.grad_fn is None:
        return 0.0
    second = torch.autograd.grad(first, x, allow_unused=True)[0]
    return 0.0 if second is None else float(second)


def curvatures(f, at, h):
    return tuple(_second(f, at + side * h) for side in (-1, 1))


# %% q4: weights as parameters, without nn.Linear
class Block(nn.Module):
    def __init__(self, d, multiple, slope):
        super().__init__()
        self.d, self.hidden, self.slope = d, multiple * d, slope
        self.up = nn.Linear(d, self.hidden, bias=False)
        self.down = nn.Linear(self.hidden, d, bias=False)
        with torch.no_grad():
            self.down.weight.mul_(0)

    def forward(self, x):
        z = self.up(x)
        z = torch.where(z > 0, z, self.slope * z)
        return self.down(z * z)


# %% q5: bisection in the bits, as a while loop
def largest_root(dtype):
    bits = {torch.float16: torch.int16, torch.bfloat16: torch.int16, torch.float32: torch.int32,
            torch.float64: torch.int64}[dtype]
    low = torch.ones((), dtype=dtype).view(bits).item()
    high = torch.full((), torch.finfo(dtype).max, dtype=dtype).view(bits).item()
    while high - low > 1:
        middle = (low + high) // 2
        value = torch.tensor(middle, dtype=bits).view(dtype)
        if torch.isfinite(value * value):
            low = middle
        else:
            high = middle
    return float(torch.tensor(low, dtype=bits).view(dtype))


def safe_relu2(x):
    top = largest_root(x.dtype)
    return torch.minimum(torch.relu(x), torch.full_like(x, top)) ** 2


# %% q6: the statistics module
import statistics


def verdict(old, new, quantile):
    d = [float(b) - float(a) for a, b in zip(old, new)]
    mean = statistics.fmean(d)
    half = math.inf if len(d) < 2 else float(quantile(len(d) - 1)) * statistics.stdev(d) / len(d) ** 0.5
    low, high = mean - half, mean + half
    return dict(mean=mean, low=low, high=high,
                says="better" if high < 0 else ("worse" if low > 0 else "not resolved"))


import math
