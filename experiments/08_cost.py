"""Is one ELU cheaper than batch normalization and a ReLU, as its paper says?

Time of the forward pass, and of forward and backward together, of ELU, ReLU, and batch
normalization in training mode followed by ReLU, on a batch of 1000 × 1000 float32 numbers, one
thread, PyTorch's own operations. In each of several rounds every operation is run a number of
times, and the least thread time is kept and divided by that of a copy in the same round.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from actlab import experiment

ROUNDS, RUNS = 7, 25


def least(call: Callable[[], object], runs: int) -> float:
    """Least thread time of some runs, in seconds."""
    times = []
    for _ in range(runs):
        began = time.thread_time()
        call()
        times.append(time.thread_time() - began)
    return min(times)


def round_of(number: int, runs: int, size: int) -> list[dict]:
    """One row for each operation."""
    torch.manual_seed(number)
    x = torch.randn(size, size)
    upstream, into, leaf = torch.randn(size, size), torch.empty(size, size), x.clone()
    leaf.requires_grad_()
    normalise = nn.BatchNorm1d(size).train()
    operations = {
        "elu": F.elu,
        "relu": F.relu,
        "batch norm, relu": lambda v: F.relu(normalise(v)),
    }

    def both(f: Callable) -> None:
        leaf.grad = None
        f(leaf).backward(upstream)

    rows = []
    for name, f in operations.items():
        copy = least(lambda: into.copy_(x), runs)
        with torch.no_grad():
            forward = least(lambda f=f: f(x), runs)
        whole = least(lambda f=f: both(f), runs)
        rows.append(
            {
                "round": number,
                "operation": name,
                "forward": round(forward / copy, 2),
                "forward_backward": round(whole / copy, 2),
            }
        )
    return rows


def main(argv: list[str] | None = None) -> None:
    """Make or continue the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    rounds, runs, size = (2, 2, 50) if options.quick else (ROUNDS, RUNS, 1000)
    with experiment.Record(options, ["round"], {"runs": runs, "size": size}) as record:
        for unit in record.todo([{"round": number} for number in range(rounds)]):
            record.add(round_of(unit["round"], runs, size))


if __name__ == "__main__":
    main()
