"""Train a small byte-level GPT with many activation functions, paired by seed.

    python experiments/09_gpt.py                         # the record: an hour of one CPU core
    python experiments/09_gpt.py --arms relu relu2 --seeds 2 --out /tmp/part
    python experiments/09_gpt.py --device cuda --seeds 12 --check-seeds 12 --out /tmp/more

The model: 2 blocks of width 64 (4 heads, causal; RMSNorm before each sublayer), context 64, batch
8, no biases, tied embedding. Weights start from N(0, 1/fan_in), the embeddings from N(0, .02²),
the projections back into the residual stream from zero. AdamW (.9, .95), weight decay .1 on
matrices, gradients clipped to norm 1, rate constant after 100 steps of warm-up. Float32 throughout.
The text is Python's help (see data/README.md): of its blocks of 4096 bytes 17 are held out for the
test, of which every second window is used, 8 for choosing a rate, likewise; the rest trains.

Arms are paired: the same seed gives the same starting weights, wherever shapes agree, and the
same batches. What is tested is the running average of the weights (decay .98, about the last 50
steps), because at a constant rate the weights themselves are noisy.

One row for each arm, rate, seed and number of steps: the three losses in nats per byte. All arms
run with all seeds at two rates. A GPU trains all seeds of one arm at once, as one set of batched
products; a CPU, whose caches are small, trains one after the other. Chapters 09, 11, 15 and 17 read
the record.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import math
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from actlab import experiment

TEXT = Path(__file__).resolve().parent / "data" / "python_topics.txt.xz"
LAYERS, WIDTH, HEADS, CONTEXT, BATCH, VOCABULARY = 2, 64, 4, 64, 8, 112
HIDDEN, GATED_HIDDEN = 256, 170  # 3 · 64 · 170 parameters against 2 · 64 · 256: .4 % fewer
BLOCK = 4096
WARMUP, DECAY, CLIP, AVERAGE = 100, 0.1, 1.0, 0.98
BETAS, EPSILON = (0.9, 0.95), 1e-8
CHECKPOINTS = (200, 400, 800)
RATES = (0.005, 0.01)
SEEDS = (12, 12)  # at each rate


# --- arms -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arm:
    """A feed-forward layer: its function, whether it multiplies by a gate, how it starts.

    Attributes:
        function: of the pre-activation (the gate, where there is one).
        gated: True for function(xW) · xV with hidden width 170 in place of 256.
        std: standard deviation of the input weights; None is 1/√fan_in = .125.
    """

    function: Callable[[Tensor], Tensor]
    gated: bool = False
    std: float | None = None


def leaky_square(slope: float) -> Callable[[Tensor], Tensor]:
    """LeakyReLU(x, slope)²."""
    return lambda x: F.leaky_relu(x, slope).square()


def signed_leaky_square(slope: float) -> Callable[[Tensor], Tensor]:
    """The same size as :func:`leaky_square`, with the sign of x kept."""

    def function(x: Tensor) -> Tensor:
        y = F.leaky_relu(x, slope)
        return y * y.abs()

    return function


relu, gelu, silu = F.relu, F.gelu, F.silu
ARMS = {
    "relu": Arm(relu),
    "relu2": Arm(leaky_square(0.0)),
    "square": Arm(torch.square),
    "leaky_relu2": Arm(leaky_square(0.5)),
    "gelu": Arm(gelu),
    "signed_square": Arm(signed_leaky_square(1.0)),
    "swiglu": Arm(silu, gated=True),
    "relu_scaled": Arm(lambda x: math.sqrt(3) * F.relu(x)),  # the mean square of ReLU²
    "relu.std.02": Arm(relu, std=0.02),
    "relu2.std.02": Arm(leaky_square(0.0), std=0.02),
    "gelu.std.02": Arm(gelu, std=0.02),
    # The arms of the record end here; the others are there for whoever has a GPU.
    "silu": Arm(silu),
    "reglu": Arm(relu, gated=True),
    "geglu": Arm(gelu, gated=True),
    "bilinear": Arm(lambda x: x, gated=True),
    "leaky_relu2.25": Arm(leaky_square(0.25)),
    "signed_leaky_relu2": Arm(signed_leaky_square(0.5)),
    "leaky_relu": Arm(lambda x: F.leaky_relu(x, 0.01)),
    "identity": Arm(lambda x: x),
}
IN_RECORD = list(ARMS)[:7]


# --- data -----------------------------------------------------------------------------------------


def read_text() -> np.ndarray:
    """The bytes of the text, int64, numbered 0 to 106: only so many different ones occur."""
    text = np.frombuffer(lzma.decompress(TEXT.read_bytes()), dtype=np.uint8)
    return np.searchsorted(np.unique(text), text)


def split(text: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes for training, for choosing the rate, and for the test, cut by blocks."""
    part = np.arange(len(text)) // BLOCK % 11
    return text[~np.isin(part, (2, 6, 9))], text[part == 9], text[np.isin(part, (2, 6))]


def windows(text: np.ndarray) -> np.ndarray:
    """Consecutive windows of 65 bytes, one byte shared: int64 (n, 65)."""
    n = (len(text) - 1) // CONTEXT
    return np.stack([text[i * CONTEXT : i * CONTEXT + CONTEXT + 1] for i in range(n)])


def offsets(seed: int, steps: int, length: int) -> np.ndarray:
    """Where the windows of each batch start: (steps, batch)."""
    return np.random.default_rng(9_000 + seed).integers(0, length - CONTEXT, (steps, BATCH))


# --- the model: all parameters of all models in one tensor (models, parameters) -------------------


def shapes(gated: bool) -> dict[str, tuple[int, ...]]:
    """Name and shape of each parameter of one model; matrices map from rows to columns."""
    hidden = GATED_HIDDEN if gated else HIDDEN
    found: dict[str, tuple[int, ...]] = {
        "embedding": (VOCABULARY, WIDTH),
        "position": (CONTEXT, WIDTH),
    }
    for layer in range(LAYERS):
        found[f"{layer}.attention.gain"] = (WIDTH,)
        found[f"{layer}.attention.in"] = (WIDTH, 3 * WIDTH)
        found[f"{layer}.attention.out"] = (WIDTH, WIDTH)
        found[f"{layer}.mlp.gain"] = (WIDTH,)
        found[f"{layer}.mlp.in"] = (WIDTH, hidden)
        if gated:
            found[f"{layer}.mlp.gate"] = (WIDTH, hidden)
        found[f"{layer}.mlp.out"] = (hidden, WIDTH)
    found["gain"] = (WIDTH,)
    return found


def start(arm: Arm, seed: int) -> np.ndarray:
    """The starting weights of one model as a flat float32 vector."""
    parts = []
    for name, shape in shapes(arm.gated).items():
        if name.endswith("gain"):
            value = np.ones(shape)
        elif name.endswith(".out"):
            value = np.zeros(shape)
        else:  # its own stream for each name, so that arms share what has the same shape
            own = np.random.default_rng((seed, zlib.crc32(name.encode())))
            value = own.standard_normal(shape)
            value *= 0.02 if name in ("embedding", "position") else shape[0] ** -0.5
            if arm.std is not None and ".mlp." in name:
                value *= arm.std * math.sqrt(shape[0])
        parts.append(value.ravel())
    return np.concatenate(parts).astype(np.float32)


def unpack(flat: Tensor, gated: bool) -> dict[str, Tensor]:
    """Views of ``flat`` (models, parameters) as matrices (models, rows, columns)."""
    named = shapes(gated)
    parts = flat.split([math.prod(shape) for shape in named.values()], dim=1)
    return {
        name: part.view(-1, 1, *shape) if len(shape) == 1 else part.view(-1, *shape)
        for (name, shape), part in zip(named.items(), parts, strict=True)
    }


def normalised(x: Tensor, gain: Tensor) -> Tensor:
    """RMSNorm over the last dimension."""
    return F.rms_norm(x, (WIDTH,)) * gain


def logits(flat: Tensor, tokens: Tensor, arm: Arm) -> Tensor:
    """Logits (models, batch · context, 112) for tokens (models, batch, context)."""
    weight = unpack(flat, arm.gated)
    models, batch, context = tokens.shape
    first = torch.arange(models, device=tokens.device).view(-1, 1, 1) * VOCABULARY
    x = F.embedding(tokens + first, weight["embedding"].reshape(models * VOCABULARY, WIDTH))
    x = (x + weight["position"][:, None, :context]).view(models, batch * context, WIDTH)
    for layer in range(LAYERS):
        h = normalised(x, weight[f"{layer}.attention.gain"])
        qkv = torch.bmm(h, weight[f"{layer}.attention.in"])
        q, k, v = qkv.view(models * batch, context, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h.transpose(1, 2).reshape(models, batch * context, WIDTH)
        x = torch.baddbmm(x, h, weight[f"{layer}.attention.out"])
        h = normalised(x, weight[f"{layer}.mlp.gain"])
        hidden = arm.function(torch.bmm(h, weight[f"{layer}.mlp.in"]))
        if arm.gated:
            hidden = hidden * torch.bmm(h, weight[f"{layer}.mlp.gate"])
        x = torch.baddbmm(x, hidden, weight[f"{layer}.mlp.out"])
    return torch.bmm(normalised(x, weight["gain"]), weight["embedding"].transpose(1, 2))


def losses(flat: Tensor, tokens: Tensor, arm: Arm) -> Tensor:
    """Mean cross-entropy of each model in nats per byte, (models,), for (models, batch, 65)."""
    out = logits(flat, tokens[..., :-1], arm)
    wanted = tokens[..., 1:].reshape(-1)
    return F.cross_entropy(out.flatten(0, 1), wanted, reduction="none").view(len(flat), -1).mean(1)


@torch.no_grad()
def evaluate(flat: Tensor, held_out: Tensor, arm: Arm) -> np.ndarray:
    """Loss of each model on all windows of ``held_out``, float64 (models,)."""
    total = np.zeros(len(flat))
    for part in held_out.split(16):
        loss = losses(flat, part.expand(len(flat), -1, -1), arm)
        total += loss.double().cpu().numpy() * len(part)
    return total / len(held_out)


# --- training -------------------------------------------------------------------------------------


class OutOfTime(Exception):
    """The limit of --seconds was reached inside an arm."""


def train(
    arm: Arm,
    seeds: Sequence[int],
    rates: Sequence[float],
    checkpoints: Sequence[int] = CHECKPOINTS,
    device: str = "cpu",
    deadline: float = math.inf,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    held_out: int | None = None,
) -> list[dict[str, float]]:
    """Train every seed at every rate together and return the rows of the record, without the arm.

    Args:
        arm: what to train.
        seeds: start and order of batches.
        rates: learning rates.
        checkpoints: numbers of steps after which to test, ascending.
        device: "cpu" or "cuda".
        deadline: value of ``time.monotonic()`` after which to give up.
        on_step: called before each step with its number and how many there are.
        held_out: test on the first so many windows only; None takes all.

    Raises:
        OutOfTime: past the deadline.
    """
    text, tune, test = split(read_text())
    tune_windows, test_windows = (
        torch.as_tensor(windows(part)[::2][:held_out], device=device) for part in (tune, test)
    )
    data = torch.as_tensor(text, device=device)
    steps = checkpoints[-1]
    begin = np.stack([offsets(seed, steps, len(text)) for seed in seeds], 1)
    begin = torch.as_tensor(begin, device=device)  # (steps, seeds, batch)
    reach = torch.arange(CONTEXT + 1, device=device)
    models = len(seeds) * len(rates)  # rate by rate, each with all seeds

    flat = np.tile(np.stack([start(arm, seed) for seed in seeds]), (len(rates), 1))
    flat = torch.as_tensor(flat, device=device).requires_grad_()
    rate = torch.tensor(np.repeat(rates, len(seeds)), dtype=torch.float32, device=device)[:, None]
    named = shapes(arm.gated)
    decayed = [np.full(math.prod(s), float(".in" in n or ".out" in n or ".gate" in n))
               for n, s in named.items()]  # fmt: skip
    decay = torch.as_tensor(np.concatenate(decayed), dtype=torch.float32, device=device) * DECAY
    first, second = torch.zeros_like(flat.detach()), torch.zeros_like(flat.detach())
    average, mean_loss, rows = flat.detach().clone(), None, []

    for step in range(1, steps + 1):
        on_step(step, steps)
        tokens = data[begin[step - 1][:, :, None] + reach].repeat(len(rates), 1, 1)
        loss = losses(flat, tokens, arm)
        (gradient,) = torch.autograd.grad(loss.sum(), flat)
        with torch.no_grad():
            norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient *= (CLIP / (norm + 1e-6)).clamp(max=1)
            first.lerp_(gradient, 1 - BETAS[0])
            second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            now = rate * min(1.0, step / WARMUP)
            flat.mul_(1 - now * decay)
            scale = (second / (1 - BETAS[1] ** step)).sqrt_().add_(EPSILON)
            flat.sub_((first / scale).mul_(now / (1 - BETAS[0] ** step)))
            # Early on the average forgets faster, so that the starting weights do not linger.
            average.lerp_(flat, max(1 - AVERAGE, 1 / step))
            loss = loss.detach()
            mean_loss = loss.clone() if step == 1 else mean_loss.lerp_(loss, 0.02)
        if step % 50 == 0 and time.monotonic() > deadline:
            raise OutOfTime
        if step in checkpoints:
            found = zip(
                evaluate(average, tune_windows, arm),
                evaluate(average, test_windows, arm),
                mean_loss.cpu().tolist(),
                strict=True,
            )
            for model, (on_tune, on_test, on_train) in enumerate(found):
                rows.append({
                    "rate": rates[model // len(seeds)], "seed": seeds[model % len(seeds)],
                    "steps": step, "tune": round(on_tune, 5), "test": round(on_test, 5),
                    "train": round(on_train, 5),
                })  # fmt: skip
    assert len(rows) == models * len(checkpoints)
    return rows


# --- the record -----------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=IN_RECORD, metavar="ARM",
                        help=f"of {', '.join(ARMS)}")  # fmt: skip
    parser.add_argument("--seeds", type=int, default=SEEDS[0], help="how many, at the first rate")
    parser.add_argument("--check-seeds", type=int, default=SEEDS[1], help="at the second rate")
    parser.add_argument("--checkpoints", type=int, nargs="+", default=list(CHECKPOINTS))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end before so many")
    options = experiment.options(__file__, __doc__, argv, parser)
    held_out = None
    if options.quick:
        options.arms, options.seeds, options.check_seeds = ["relu", "swiglu"], 1, 1
        options.checkpoints, held_out = [2, 4], 8
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(1)
    # Not the number of seeds: a record may get more of them later.
    settings: dict[str, object] = {"checkpoints": options.checkpoints}
    settings["text"] = hashlib.sha256(TEXT.read_bytes()).hexdigest()
    # Seed by seed: a run that is stopped has whole pairs.
    rounds = [(RATES[0], seed) for seed in range(options.seeds)]
    rounds += [(RATES[1], seed) for seed in range(options.check_seeds)]
    units = [
        {"arm": arm, "rate": rate, "seed": seed} for rate, seed in rounds for arm in options.arms
    ]
    begun = time.monotonic()
    deadline = begun + options.seconds
    try:
        with experiment.Record(options, ["arm", "rate", "seed"], settings) as record:
            for unit in record.todo(units):
                if time.monotonic() > deadline:
                    raise OutOfTime
                together = [
                    other["seed"]
                    for other in units
                    if other not in record
                    and (other["arm"], other["rate"]) == (unit["arm"], unit["rate"])
                ]
                if options.device == "cpu":
                    together = [unit["seed"]]
                rows = train(
                    ARMS[unit["arm"]], together, [unit["rate"]], options.checkpoints,
                    options.device, deadline, held_out=held_out,
                )  # fmt: skip
                record.add({"arm": unit["arm"], **row} for row in rows)
    except OutOfTime:
        print("09_gpt: no time left; what is finished is in the record", file=sys.stderr)


if __name__ == "__main__":
    main()
