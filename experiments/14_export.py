"""Does a function survive the export to ONNX? PyTorch against onnxruntime on every 16-bit number.

Each function is exported from PyTorch as a float32 graph and run by onnxruntime (CPU) on every
finite float16 and bfloat16 number, widened to float32: 127,000 inputs from 6e-8 to 3e38. A row
holds the operators of the graph, the largest difference between the two engines, and for each of
them the largest error against the catalogue's value (computed in float64): in float32 ulps where
the value is at least 2^-126, and the number of inputs whose value is not finite, or 0, where it
should not be. Two rows more export the packaged sentence model with its exact GELU and with the
tanh form and embed 64 questions.

Needs onnx, onnxruntime and onnxscript, and for the last rows the packaged model:

  pip install onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2

About half a minute of one core.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from actlab import experiment, functions, minilm

NEEDED = ("onnx", "onnxruntime", "onnxscript")
# name: (PyTorch's function, the catalogue's, opset)
FUNCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable, int]] = {
    "relu": (torch.relu, functions.relu, 20),
    "leaky_relu": (F.leaky_relu, functions.leaky_relu, 20),
    "sigmoid": (torch.sigmoid, functions.sigmoid, 20),
    "tanh": (torch.tanh, functions.tanh, 20),
    "elu": (F.elu, functions.elu, 20),
    "selu": (F.selu, functions.selu, 20),
    "celu": (F.celu, functions.celu, 20),
    "softplus": (F.softplus, functions.softplus, 20),
    "gelu": (F.gelu, functions.gelu, 20),
    "gelu, opset 18": (F.gelu, functions.gelu, 18),
    "gelu_tanh": (functools.partial(F.gelu, approximate="tanh"), functions.gelu_tanh, 20),
    "silu": (F.silu, functions.silu, 20),
    "mish": (F.mish, functions.mish, 20),
    "hardswish": (F.hardswish, functions.hardswish, 20),
    "relu2": (lambda x: torch.relu(x).square(), lambda x: functions.relu(x) ** 2, 20),
}
MODELS = {"minilm, gelu": F.gelu, "minilm, gelu_tanh": FUNCTIONS["gelu_tanh"][0]}


class Wrapped(nn.Module):
    """A function as a module, which the exporter asks for."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def run(
    function: Callable[..., Tensor], inputs: tuple[Tensor, ...], opset: int
) -> tuple[np.ndarray, str]:
    """Export, run in onnxruntime; the result and the graph's operators with their numbers."""
    import onnxruntime

    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Wrapped(function), inputs, dynamo=True, opset_version=opset, verbose=False
        )
    file = io.BytesIO()
    program.save(file)
    kinds = Counter(node.op_type for node in program.model_proto.graph.node)
    setup = onnxruntime.SessionOptions()
    setup.intra_op_num_threads = setup.inter_op_num_threads = 1
    setup.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        file.getvalue(), setup, providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]
    fed = {name: x.numpy() for name, x in zip(names, inputs, strict=True)}
    operators = " ".join(f"{kind}:{number}" for kind, number in sorted(kinds.items()))
    return session.run(None, fed)[0], operators


def every() -> np.ndarray:
    """All finite float16 and bfloat16 numbers as float32, each once."""
    patterns = torch.arange(-(2**15), 2**15).to(torch.int16)
    both = torch.cat([patterns.view(kind).float() for kind in (torch.float16, torch.bfloat16)])
    return both[both.isfinite()].unique().numpy()


def errors(found: np.ndarray, exact: np.ndarray) -> dict[str, object]:
    """Largest error in float32 ulps where the value is normal, and what is not finite or 0."""
    rounded = exact.astype(np.float32)
    finite, normal = np.isfinite(rounded), np.abs(exact) >= 2.0**-126
    bad = finite & ~np.isfinite(found)
    zero = normal & finite & (found == 0)
    judged = normal & finite & ~bad & ~zero
    ulp = np.spacing(np.abs(rounded[judged])).astype(np.float64)
    off = np.abs(found[judged].astype(np.float64) - exact[judged]) / ulp
    return {"ulp": f"{off.max():.3g}", "not_finite": int(bad.sum()), "false_zeros": int(zero.sum())}


def work(unit: Mapping[str, object]) -> Iterator[dict]:
    """One row: a function, or the model."""
    name = str(unit["function"])
    if name in MODELS:
        yield from model_row(name)
        return
    ours, catalogue, opset = FUNCTIONS[name]
    x = every()
    with np.errstate(over="ignore"):
        exact = np.asarray(catalogue(x.astype(np.float64)))
        here = ours(torch.from_numpy(x)).numpy()
        there, operators = run(ours, (torch.from_numpy(x),), opset)
    both = np.isfinite(here) & np.isfinite(there)
    apart = np.abs(here[both].astype(np.float64) - there[both])
    row = {"function": name, "opset": opset, "operators": operators, "inputs": len(x)}
    small = np.abs(x[both]) <= 100
    row["difference"] = f"{apart[small].max():.2e}"  # |x| ≤ 100
    for engine, found in (("torch", here), ("ort", there)):
        row |= {f"{engine}_{key}": value for key, value in errors(found, exact).items()}
    yield row


def model_row(name: str) -> Iterator[dict]:
    """Export the sentence model, embed 64 questions, and compare."""
    model, texts = minilm.load(), minilm.retrieval().questions[:64]
    ids, mask = model.tokens(texts)

    def embed(ids: Tensor, mask: Tensor) -> Tensor:
        states = model.states(ids, mask, MODELS[name]) * mask[..., None]
        return F.normalize(states.sum(1) / mask.sum(1, keepdim=True), dim=1)

    with torch.no_grad():
        there, operators = run(embed, (ids, mask), 20)
        here = embed(ids, mask).numpy()
        exact = model.encode(texts)
    yield {
        "function": name,
        "opset": 20,
        "operators": operators,
        "inputs": len(texts),
        "difference": f"{np.abs(there - here).max():.2e}",
        "torch_ulp": f"{np.abs(here - exact).max():.2e}",  # for these rows: from the original
        "torch_not_finite": int((~np.isfinite(here)).sum()),
        "torch_false_zeros": 0,
        "ort_ulp": f"{np.abs(there - exact).max():.2e}",
        "ort_not_finite": int((~np.isfinite(there)).sum()),
        "ort_false_zeros": 0,
    }


def main(argv: list[str] | None = None) -> None:
    """Run what is missing from the record."""
    torch.set_num_threads(1)
    options = experiment.options(__file__, __doc__, argv)
    if lacking := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        sys.exit(f"14_export: not installed: {', '.join(lacking)} (see --help)")
    names = ["relu", "gelu"] if options.quick else [*FUNCTIONS, *MODELS]
    if not options.quick and (reason := minilm.missing()):
        sys.exit(f"14_export: {reason}")
    from importlib.metadata import version

    settings = {name: version(name) for name in NEEDED}
    with experiment.Record(options, ["function"], settings) as record:
        record.run([{"function": name} for name in names], work)


if __name__ == "__main__":
    main()
