"""What the activation's kernel is worth in a whole transformer block.

  python benchmarks/gpu_block.py --out block.json          on an NVIDIA GPU, bfloat16
  python benchmarks/gpu_block.py --tiny --out block.json   a rehearsal on the CPU

One pre-norm block (RMSNorm, causal attention, RMSNorm, feed-forward) of a model of width 4096 on
8,192 tokens, forward and forward plus backward. Only the activation between the two matrices of the
feed-forward changes: PyTorch's operators one by one, the same compiled, our kernel, and `none`, in
which it is left out (for a gate: its first half is passed on, as a view). The time of a variant
minus that of `none` is what the activation adds to the block.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from actlab import kernels  # noqa: E402
from actlab.bench import provenance  # noqa: E402
from actlab.bench.protocol import CpuTimer, CudaTimer, Effort, Member  # noqa: E402

PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu2": lambda x: F.relu(x).square(),
    "leaky_relu2": lambda x: F.leaky_relu(x, 0.5).square(),
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
}


def swiglu(packed: Tensor) -> Tensor:
    """SiLU of the first half times the second."""
    gate, value = packed.chunk(2, dim=-1)
    return F.silu(gate) * value


def variants(name: str, kernel: bool) -> dict[str, Callable[[Tensor], Tensor]]:
    """How the activation is computed, by name."""
    gated = name == "swiglu"
    eager = swiglu if gated else PLAIN[name]
    found: dict[str, Callable[[Tensor], Tensor]] = {
        "none": (lambda x: x[..., : x.shape[-1] // 2]) if gated else (lambda x: x),
        "eager": eager,
    }
    if kernel:
        found["compiled"] = torch.compile(eager, dynamic=False)
        found["triton"] = lambda x: kernels.apply(name, x)
    return found


class Block(nn.Module):
    """A pre-norm transformer block whose activation is given from outside."""

    def __init__(self, width: int, heads: int, hidden: int, gated: bool) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.RMSNorm(width), nn.RMSNorm(width)])
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, hidden * (2 if gated else 1), bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.activation: Callable[[Tensor], Tensor] = lambda x: x

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (batch, length, width) to the same shape."""
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(self.norms[0](x)).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(self.activation(self.up(self.norms[1](x))))


def measure(name: str, shape: dict[str, int], device: str, timer: CpuTimer | CudaTimer) -> list:
    """Rows of one activation: variant, mode, seconds."""
    gated = name == "swiglu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    hidden = shape["gated_hidden"] if gated else shape["hidden"]
    torch.manual_seed(0)
    block = Block(shape["width"], shape["heads"], hidden, gated).to(device, dtype)
    x = torch.randn(
        shape["batch"], shape["length"], shape["width"], device=device, dtype=dtype
    ).requires_grad_()
    upstream = torch.randn_like(x)
    parameters = [x, *block.parameters()]

    def forward(activation: Callable) -> Callable[[], object]:
        def call() -> object:
            block.activation = activation
            with torch.no_grad():
                return block(x)

        return call

    def both(activation: Callable) -> Callable[[], object]:
        def call() -> object:
            block.activation = activation
            return torch.autograd.grad(block(x), parameters, upstream)

        return call

    rows = []
    found = variants(name, device == "cuda")
    for mode, make in (("forward", forward), ("both", both)):
        members = [Member(variant, [make(call)]) for variant, call in found.items()]
        for variant, timing in timer.measure(members).items():
            rows.append(
                {
                    "function": name, "variant": variant, "mode": mode, "hidden": hidden,
                    "p50_ms": timing.p50 * 1e3, "p20_ms": timing.quantile(0.2) * 1e3,
                    "p80_ms": timing.quantile(0.8) * 1e3, "spread": timing.spread,
                    "samples": len(timing.samples),
                }
            )  # fmt: skip
    return rows


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--tiny", action="store_true", help="a rehearsal on the CPU")
    options = parser.parse_args(arguments)
    device = "cpu" if options.tiny else "cuda"
    shape = {
        "width": 4096, "heads": 32, "hidden": 16384, "gated_hidden": 11008,
        "batch": 4, "length": 2048,
    }  # fmt: skip
    if options.tiny:
        shape = dict.fromkeys(shape, 8)
        torch.set_num_threads(1)
    elif not torch.cuda.is_available():
        print("PyTorch sees no NVIDIA GPU here; try --tiny.", file=sys.stderr)
        return 2
    timer = (
        CpuTimer(effort=Effort(0.01, (3, 5)))
        if options.tiny
        else CudaTimer(Effort(seconds=0.4, rounds=(20, 60)))
    )
    record = {
        "schema": "actlab-block", "version": 1, "utc": provenance.utc_now(),
        "device": provenance.device(device), "software": provenance.software(),
        "source": provenance.source(), "clocks": {"start": provenance.clocks(device)},
        "shape": shape, "dtype": "bfloat16" if device == "cuda" else "float32", "rows": [],
    }  # fmt: skip
    for name in ["swiglu", *PLAIN]:
        record["rows"] += measure(name, shape, device, timer)
        print(name, "done", file=sys.stderr, flush=True)
        record["clocks"]["end"] = provenance.clocks(device)
        options.out.write_text(json.dumps(record, indent=1) + "\n")
    for row in record["rows"]:
        print(f"{row['function']:12} {row['variant']:9} {row['mode']:8} {row['p50_ms']:8.3f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
