"""Right answers to 09_squared_relu, each written in another way; all get full marks."""
# ruff: noqa: F811, F821
# The cells repeat names, and use what the notebook's set-up cell defines (np, torch, nn, F).


# %% q1: a factor of 1 or slope
def leaky_square(x, slope):
    factor = np.where(x > 0, 1, slope).astype(np.asarray(x).dtype)
    return np.square(factor * x)


def leaky_square_backward(upstream, x, slope):
    factor = np.where(x > 0, 1.0, slope)
    return 2 * factor**2 * x * upstream


# %% q1: two parts added
def leaky_square(x, slope):
    right, left = np.maximum(x, 0), np.minimum(x, 0)
    return right * right + (slope * left) * (slope * left)


def leaky_square_backward(upstream, x, slope):
    return upstream * (2 * np.maximum(x, 0) + 2 * slope**2 * np.minimum(x, 0))


# %% q1: overwrite a copy
def leaky_square(x, slope):
    y = np.array(x)
    y[y <= 0] *= slope
    return y**2


def leaky_square_backward(upstream, x, slope):
    slopes = np.array(x) * 2
    slopes[slopes < 0] *= slope**2
    return slopes * upstream


# %% q1: by PyTorch
def leaky_square(x, slope):
    return F.leaky_relu(torch.from_numpy(np.array(x)), slope).square().numpy()


def leaky_square_backward(upstream, x, slope):
    x = torch.tensor(x, requires_grad=True)
    (F.leaky_relu(x, slope).square() * torch.tensor(upstream)).sum().backward()
    return x.grad.numpy()


# %% q1: np.select and the bent value reused
def leaky_square(x, slope):
    return np.select([x > 0], [x * x], (slope * x) ** 2)


def leaky_square_backward(upstream, x, slope):
    bent = np.where(x > 0, x, slope * x)
    return 2 * bent * np.where(x > 0, 1, slope) * upstream


# %% q2: backward() on leaves
def signed_ratio(f, x):
    left, right = (-x).clone().requires_grad_(), x.clone().requires_grad_()
    f(left).sum().backward()
    f(right).sum().backward()
    return left.grad / right.grad


# %% q2: both sides in one tensor
def signed_ratio(f, x):
    both = torch.stack([-x, x]).requires_grad_()
    (slopes,) = torch.autograd.grad(f(both).sum(), both)
    return slopes[0] / slopes[1]


# %% q2: the mean instead of the sum
def signed_ratio(f, x):
    def slope(at):
        at = at.clone().requires_grad_()
        return torch.autograd.grad(f(at).mean(), at)[0]

    return slope(-x).div(slope(x))


# %% q2: a reflected function and its minus sign
def signed_ratio(f, x):
    at = x.detach().clone().requires_grad_()
    (reflected,) = torch.autograd.grad(f(-at).sum(), at)
    (right,) = torch.autograd.grad(f(at).sum(), at)
    return -reflected / right


# %% q2: one number at a time
def signed_ratio(f, x):
    def slope(value):
        at = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        f(at).backward()
        return at.grad.item()

    ratios = [slope(-value) / slope(value) for value in x.flatten().tolist()]
    return torch.tensor(ratios, dtype=torch.float64).view(x.shape)


# %% q3: a helper for one point
def curvatures(f, at, h):
    def second(point):
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        slope = torch.autograd.grad(f(x), x, create_graph=True)[0]
        if not slope.requires_grad:
            return 0.0
        bend = torch.autograd.grad(slope, x, allow_unused=True)[0]
        return 0.0 if bend is None else float(bend)

    return second(at - h), second(at + h)


# %% q3: adding nothing keeps the graph alive
def curvatures(f, at, h):
    def second(point):
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(f(x), x, create_graph=True)
        return torch.autograd.grad(slope + 0 * x, x)[0].item()

    return second(at - h), second(at + h)


# %% q3: both points in one tensor
def curvatures(f, at, h):
    x = torch.tensor([at - h, at + h], dtype=torch.float64, requires_grad=True)
    y = torch.stack([f(x[0]), f(x[1])]).sum()
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    (bend,) = torch.autograd.grad((slope + 0 * x).sum(), x)
    return tuple(bend.tolist())


# %% q3: backward twice
def curvatures(f, at, h):
    found = []
    for sign in (-1, 1):
        x = torch.tensor(at + sign * h, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(f(x), x, create_graph=True)
        if slope.requires_grad:
            slope.backward()
        found.append(0.0 if x.grad is None else x.grad.item())
    return found[0], found[1]


# %% q3: a small difference of exact slopes
def curvatures(f, at, h):
    def slope(point):
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(f(x), x)[0].item()

    def second(point):
        e = h * 1e-1
        return (slope(point + e) - slope(point - e)) / (2 * e)

    def exact(point):
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        first = torch.autograd.grad(f(x), x, create_graph=True)[0]
        if not first.requires_grad:
            return second(point) * 0.0
        return torch.autograd.grad(first, x)[0].item()

    return exact(at - h), exact(at + h)


# %% q4: the weights as zeros from the start
class Block(nn.Module):
    def __init__(self, d, multiple, slope):
        super().__init__()
        self.up = nn.Linear(d, d * multiple, bias=False)
        self.down = nn.Linear(d * multiple, d, bias=False)
        self.down.weight.data.zero_()
        self.bend = nn.LeakyReLU(slope)

    def forward(self, x):
        return self.down(self.bend(self.up(x)) ** 2)


# %% q4: functional, with torch.where
class Block(nn.Module):
    def __init__(self, d, multiple, slope):
        super().__init__()
        self.slope = slope
        self.up = nn.Linear(d, multiple * d, bias=False)
        self.down = nn.Linear(multiple * d, d, bias=False)
        with torch.no_grad():
            self.down.weight.fill_(0)

    def forward(self, x):
        z = self.up(x)
        factor = torch.where(z > 0, 1.0, self.slope**2)
        return self.down(factor * z * z)


# %% q4: a factory for the layers
class Block(nn.Module):
    def __init__(self, d, multiple, slope):
        super().__init__()

        def layer(inputs, outputs):
            return nn.Linear(inputs, outputs, bias=False)

        self.up, self.down = layer(d, multiple * d), layer(multiple * d, d)
        nn.init.constant_(self.down.weight, 0.0)
        self.bend = lambda z: F.leaky_relu(z, slope).pow(2)

    def forward(self, x):
        return self.down(self.bend(self.up(x)))


# %% q4: two rectifiers in place of the leaky one
class Block(nn.Module):
    def __init__(self, d, multiple, slope):
        super().__init__()
        self.slope = slope
        self.up = nn.Linear(d, multiple * d, bias=False)
        self.down = nn.Linear(multiple * d, d, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, x):
        z = self.up(x)
        return self.down(F.relu(z).square() + self.slope**2 * F.relu(-z).square())


# %% q4: a PReLU with a fixed slope
class Block(nn.Module):
    def __init__(self, d, multiple, slope):
        super().__init__()
        self.up = nn.Linear(d, multiple * d, bias=False)
        self.slope = slope
        self.down = nn.Linear(multiple * d, d, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, x):
        bent = F.prelu(self.up(x), torch.tensor([self.slope]))
        return self.down(bent.square())


# %% q5: walk down from the rounded root
def largest_root(dtype):
    x = torch.tensor(torch.finfo(dtype).max ** 0.5, dtype=dtype)
    while not x.square().isfinite():
        x = torch.nextafter(x, torch.zeros((), dtype=dtype))
    while torch.nextafter(x, torch.full_like(x, torch.inf)).square().isfinite():
        x = torch.nextafter(x, torch.full_like(x, torch.inf))
    return float(x)


def safe_relu2(x):
    return torch.relu(x).clamp(max=largest_root(x.dtype)).square()


# %% q5: bisection between 1 and the maximum
def largest_root(dtype):
    low, high = 1.0, torch.finfo(dtype).max
    for _ in range(400):
        middle = (low * high) ** 0.5 if high / low > 2 else (low + high) / 2
        middle = torch.tensor(middle, dtype=dtype)
        value = middle.item()
        if value in (low, high):
            break
        if middle.square().isfinite():
            low = value
        else:
            high = value
    top = torch.tensor(low, dtype=dtype)
    above = torch.nextafter(top, torch.full_like(top, torch.inf))
    return above.item() if above.square().isfinite() else low


def safe_relu2(x):
    return torch.clamp(x, min=0, max=largest_root(x.dtype)) ** 2


# %% q5: enumerate the neighbourhood of the root
def largest_root(dtype):
    x = torch.tensor(torch.finfo(dtype).max ** 0.5, dtype=torch.float64).to(dtype)
    infinity = torch.full_like(x, torch.inf)
    candidates = [x]
    for _ in range(4):
        candidates.append(torch.nextafter(candidates[-1], infinity))
        candidates.insert(0, torch.nextafter(candidates[0], -infinity))
    return max(c.item() for c in candidates if c.square().isfinite())


def safe_relu2(x):
    top = torch.tensor(largest_root(x.dtype), dtype=x.dtype)
    return torch.where(x > top, top, torch.relu(x)).square()


# %% q5: known constants
def largest_root(dtype):
    x = torch.tensor({torch.float16: 255.875}.get(dtype, 1.8e19), dtype=dtype)
    step = torch.full_like(x, torch.inf)
    while True:
        jump = x * (1 + 2.0**-12)
        if dtype == torch.float32 and jump.square().isfinite():
            x = jump
            continue
        above = torch.nextafter(x, step)
        if not above.square().isfinite():
            return x.item()
        x = above


def safe_relu2(x):
    return torch.minimum(torch.relu(x), torch.full_like(x, largest_root(x.dtype))).square()


# %% q5: replace what overflowed
def largest_root(dtype):
    root = torch.tensor(torch.finfo(dtype).max, dtype=torch.float64).sqrt().to(dtype)
    while root.square().isinf():
        root = torch.nextafter(root, -root)
    while torch.nextafter(root, root * 2).square().isfinite():
        root = torch.nextafter(root, root * 2)
    return float(root)


def safe_relu2(x):
    y = torch.relu(x).square()
    top = torch.tensor(largest_root(x.dtype), dtype=x.dtype).square()
    return torch.where(y.isinf(), top, y)


# %% q6: sums of squares
def verdict(old, new, quantile):
    d = [float(b) - float(a) for a, b in zip(old, new, strict=True)]
    n = len(d)
    mean = sum(d) / n
    if n == 1:
        return {"mean": mean, "low": -np.inf, "high": np.inf, "says": "not resolved"}
    error = (sum((v - mean) ** 2 for v in d) / (n - 1) / n) ** 0.5
    low, high = mean - quantile(n - 1) * error, mean + quantile(n - 1) * error
    if high < 0:
        says = "better"
    elif low > 0:
        says = "worse"
    else:
        says = "not resolved"
    return {"says": says, "mean": mean, "high": high, "low": low}


# %% q6: np.var and a sign
def verdict(old, new, quantile):
    d = new - old
    n = d.size
    half = quantile(n - 1) * np.sqrt(np.var(d, ddof=1) / n) if n > 1 else np.inf
    mean = np.mean(d)
    certain = abs(mean) > half
    says = ("better" if mean < 0 else "worse") if certain else "not resolved"
    low, high = float(mean - half), float(mean + half)
    return {"mean": float(mean), "low": low, "high": high, "says": says}


# %% q6: torch does the sums
def verdict(old, new, quantile):
    d = torch.tensor(np.array(new) - np.array(old), dtype=torch.float64)
    mean = d.mean().item()
    half = float("inf")
    if len(d) > 1:
        half = float(quantile(len(d) - 1)) * d.std().item() / len(d) ** 0.5
    ends = (mean - half, mean + half)
    says = {(True, True): "better", (False, False): "worse"}.get(
        (ends[0] < 0, ends[1] <= 0), "not resolved"
    )
    return {"mean": mean, "low": ends[0], "high": ends[1], "says": says}


# %% q6: old minus new, turned round
def verdict(old, new, quantile):
    gain = np.subtract(old, new)
    n = len(gain)
    half = np.inf if n == 1 else quantile(n - 1) * gain.std(ddof=1) / n**0.5
    found = {"mean": -float(gain.mean())}
    found["low"], found["high"] = found["mean"] - half, found["mean"] + half
    found["says"] = "not resolved"
    if found["high"] < 0:
        found["says"] = "better"
    if found["low"] > 0:
        found["says"] = "worse"
    return found


# %% q6: with np.cov
def verdict(old, new, quantile):
    n = len(old)
    mean = float(np.mean(new) - np.mean(old))
    if n > 1:
        table = np.cov(old, new)
        variance = np.var(np.asarray(new) - np.asarray(old), ddof=1) + 0 * table[0, 0]
        half = float(quantile(n - 1) * (variance / n) ** 0.5)
    else:
        half = np.inf
    low, high = mean - half, mean + half
    says = "worse" if low > 0 else ("better" if high < 0 else "not resolved")
    return {"mean": mean, "low": low, "high": high, "says": says}
