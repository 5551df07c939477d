"""What a function costs: bytes moved and kept, which are counted, and time, which is measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from actlab.audit.subject import Subject

ELEMENTS = 1 << 20
BUFFERS = 4
COMPARED = ("relu", "gelu")


def count(subject: Subject) -> dict[str, Any]:
    """Bytes for each element of float32 that PyTorch moves and keeps; a copy moves 8."""
    if subject.framework != "torch":
        return {}
    import torch

    from actlab.bench.byte_model import count as count_bytes

    elements = 4096
    traffic = count_bytes(subject.tensor_function(), torch.linspace(-3, 3, elements))
    return {
        "forward_bytes": traffic.forward.bytes / elements,
        "backward_bytes": traffic.backward.bytes / elements if traffic.backward else None,
        "least_forward_bytes": traffic.algorithmic_forward / elements,
        "operations": [operation.name for operation in traffic.forward.operations],
        "saved_bytes": traffic.saved / elements,
        "saved": list(traffic.saved_kinds),
    }


def clock(subject: Subject, *, quick: bool) -> dict[str, Any]:
    """Times as multiples of a copy of 2²⁰ float32, on the CPU with one thread, and on a GPU."""
    from actlab.bench.protocol import CPU_EFFORT, QUICK, CpuTimer

    effort = QUICK if quick else CPU_EFFORT
    if subject.framework == "numpy":
        return {"cpu": _ratios(CpuTimer(effort=effort).measure(_numpy_members(subject)))}
    import torch

    found = {"cpu": _ratios(CpuTimer(effort=effort).measure(_members(subject, "cpu")))}
    if torch.cuda.is_available():
        from actlab.bench.protocol import CudaTimer

        timer = CudaTimer()
        with timer.stream():
            members = _members(subject, "cuda")
        found["cuda"] = _ratios(timer.measure(members)) | {"device": torch.cuda.get_device_name()}
    return found


def _ratios(timings: dict[str, Any]) -> dict[str, Any]:
    copy = timings["copy"].p50
    return {
        "copy_seconds": copy,
        "elements": ELEMENTS,
        "times_copy": {name: timing.p50 / copy for name, timing in timings.items()},
        "spread": {name: timing.spread for name, timing in timings.items()},
    }


def _members(subject: Subject, device: str) -> list[Any]:
    import torch

    from actlab.bench.protocol import Member
    from actlab.modules import torch_equivalent

    generator = torch.Generator().manual_seed(0)
    xs = [torch.randn(ELEMENTS, generator=generator).to(device) for _ in range(BUFFERS)]
    outs = [torch.empty_like(x) for x in xs]
    copies = [partial(out.copy_, x) for out, x in zip(outs, xs, strict=True)]
    members = [Member("copy", copies)]
    functions: dict[str, Callable[[Any], Any]] = {"this": subject.tensor_function()}
    functions |= {name: torch_equivalent(name) for name in COMPARED}
    for name, function in functions.items():
        forward = torch.no_grad()(function)
        members.append(Member(name, [partial(forward, x) for x in xs]))
        members.append(Member(f"{name} backward", [_backward(function, x) for x in xs]))
    return members


def _backward(function: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    import torch

    leaf = x.clone().requires_grad_()
    y, upstream = function(leaf), torch.ones_like(x)
    return lambda: torch.autograd.grad(y, leaf, upstream, retain_graph=True)


def _numpy_members(subject: Subject) -> list[Any]:
    from actlab.bench.protocol import Member

    rng = np.random.default_rng(0)
    xs = [rng.standard_normal(ELEMENTS).astype(np.float32) for _ in range(BUFFERS)]
    out = np.empty_like(xs[0])

    def call(x: np.ndarray) -> Any:
        with np.errstate(all="ignore"):
            return subject.call(x.copy() if subject.changes_input else x)

    return [
        Member("copy", [partial(np.copyto, out, x) for x in xs]),
        Member("this", [partial(call, x) for x in xs]),
        Member("relu", [partial(np.maximum, x, 0) for x in xs]),
    ]
