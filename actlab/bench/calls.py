"""The calls that are timed, and the memory they work on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch

from actlab.bench.byte_model import Traffic
from actlab.bench.cases import Case, Implementation, Tensors

MOST_SETS, FEWEST_SETS = 128, 3


class Buffers:
    """Sets of random tensors of one dtype and size, made once and shared by all functions."""

    def __init__(self, elements: int, dtype: torch.dtype, device: str) -> None:
        self.elements, self.dtype, self.device = elements, dtype, device
        self._tensors: dict[tuple[str, int], torch.Tensor] = {}

    def get(self, role: str, index: int, shape: tuple[int, ...]) -> torch.Tensor:
        """The tensor for a role ("a", "b", "upstream" or "target") in one set."""
        key = (role, index)
        if key not in self._tensors:
            make = torch.empty if role.startswith("target") else torch.randn
            # bfloat16 and float16 random numbers are drawn as such; no float32 copy is kept.
            self._tensors[key] = make(self.elements, dtype=self.dtype, device=self.device)
        return self._tensors[key][: math.prod(shape)].view(shape)

    def inputs(self, arity: int, index: int, shape: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        """The inputs of one set."""
        return tuple(self.get(role, index, shape) for role in ("a", "b")[:arity])


def sets_for(elements: int, itemsize: int, to_exceed: float) -> int:
    """Sets of buffers whose inputs and outputs exceed ``to_exceed`` bytes."""
    wanted = math.ceil(to_exceed / (2 * elements * itemsize))
    return min(max(wanted, FEWEST_SETS), MOST_SETS)


def bytes_per_set(mode: str, traffics: Sequence[Traffic | None], elements: int, size: int) -> int:
    """Memory that one set of buffers takes for all members of a group, the two copies included."""
    tensor = elements * size
    needed = 3 * tensor + 2 * tensor  # two inputs and an upstream gradient; two targets of copies
    for traffic in traffics:
        saved = 3 * tensor
        if traffic is not None:
            saved = traffic.saved * elements // traffic.elements
        needed += {
            "forward": 2 * tensor,
            "forward_grad": 2 * tensor + saved,
            "backward": 4 * tensor + saved,
            "both": 4 * tensor,
        }[mode]
    return needed


def build_calls(
    item: Case,
    implementation: Implementation,
    mode: str,
    shape: tuple[int, ...],
    buffers: Buffers,
    sets: int,
) -> list[Callable[[], object]]:
    """One callable for each set of buffers.

    Each keeps its result until it runs again, so that outputs rotate through memory as inputs do;
    otherwise every call would write into the block that the call before it has just freed, which is
    still in the cache.
    """
    kept: list[object] = [None] * sets
    calls = []
    for k in range(sets):
        inputs = implementation.pack(buffers.inputs(item.arity, k, shape))
        upstream = buffers.get("upstream", k, shape) if mode in ("backward", "both") else None
        build = _numpy_call if implementation.framework == "numpy" else _torch_call
        calls.append(build(implementation, mode, inputs, upstream, kept, k))
    return calls


def copy_calls(
    buffers: Buffers, target: str, shape: tuple[int, ...], sets: int
) -> list[Callable[[], object]]:
    """The copy that everything is compared with: the first input into a buffer of its own."""
    pairs = [(buffers.get("a", k, shape), buffers.get(target, k, shape)) for k in range(sets)]
    return [partial(destination.copy_, origin) for origin, destination in pairs]


def _torch_call(
    implementation: Implementation,
    mode: str,
    inputs: Tensors,
    upstream: torch.Tensor | None,
    kept: list[object],
    k: int,
) -> Callable[[], object]:
    call = implementation.call
    if mode == "forward":  # nothing requires a gradient, so nothing is recorded

        def run() -> None:
            kept[k] = call(*inputs)

        return run
    leaves = [tensor.detach().requires_grad_() for tensor in inputs]
    if mode == "forward_grad":

        def run() -> None:
            kept[k] = call(*leaves)
    elif mode == "backward":
        output = call(*leaves)

        def run() -> None:
            kept[k] = torch.autograd.grad(output, leaves, upstream, retain_graph=True)
    else:

        def run() -> None:
            output = call(*leaves)
            kept[k] = (output.detach(), torch.autograd.grad(output, leaves, upstream))

    return run


def _numpy_call(
    implementation: Implementation,
    mode: str,
    inputs: Tensors,
    upstream: torch.Tensor | None,
    kept: list[object],
    k: int,
) -> Callable[[], object]:
    arrays = [tensor.numpy() for tensor in inputs]
    call, vjp = implementation.call, implementation.vjp
    if mode == "forward":

        def run() -> None:
            kept[k] = call(*arrays)

        return run
    gradient = upstream.numpy()
    if mode == "backward":

        def run() -> None:
            kept[k] = vjp(gradient, *arrays)
    else:

        def run() -> None:
            kept[k] = (call(*arrays), vjp(gradient, *arrays))

    return run
