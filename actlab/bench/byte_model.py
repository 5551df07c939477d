"""Count the bytes that PyTorch moves, by watching the operations it really dispatches.

A memory-bound operation takes as long as its bytes take. So count first: run a function once
under :class:`ByteCounter`, which sees every operation after autograd has split it up, and add up
what each one reads and writes. Nothing here is typed in by hand; a formula written differently
counts differently.

The rules of the count:

* an operation reads each distinct input tensor once (``x * x`` reads ``x`` once) and writes each
  output once; intermediate results are written by one operation and read again by the next;
* a view (reshape, transpose, expand, detach) moves nothing, and an expanded tensor counts only
  the elements that exist in memory;
* an in-place operation reads and writes its tensor; ``out=`` tensors and the target of ``copy_``
  are only written; ``empty_like`` moves nothing and ``zeros_like`` only writes.

Caches, write-allocate traffic and re-reads inside one kernel are not modelled: the count is what
the operations ask for, which on a large tensor is what the memory has to deliver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Names without namespace and overload: "add" for "aten::add.Tensor".
_ALLOCATES_ONLY = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_READS_NO_VALUES = {
    *("zeros_like", "ones_like", "full_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_full"),
}
_PARAMETER_BYTES = 8  # one element is a parameter such as a slope, not an activation
_OVERWRITES_SELF = {"copy_", "fill_", "zero_", "normal_", "uniform_", "bernoulli_"}


@dataclass(frozen=True)
class Operation:
    """One dispatched operation: its name and the bytes that it reads and writes."""

    name: str
    read: int
    written: int


@dataclass(frozen=True)
class Pass:
    """What one pass (forward or backward) dispatches, views and allocations left out."""

    operations: tuple[Operation, ...]

    @property
    def bytes(self) -> int:
        """Bytes read plus bytes written, summed over the operations."""
        return sum(operation.read + operation.written for operation in self.operations)

    @property
    def launches(self) -> int:
        """Number of operations that move data; on a GPU, about the number of kernels."""
        return len(self.operations)


@dataclass(frozen=True)
class Traffic:
    """Bytes moved and bytes kept for one call of a function.

    Attributes:
        elements: elements of the output.
        itemsize: bytes per element of the output.
        forward: the forward pass, recorded with gradients enabled.
        backward: the backward pass for a dense upstream gradient; None without gradients.
        algorithmic_forward: the fewest bytes a forward pass can move: each input and the output
            once.
        algorithmic_backward: the same for a backward pass that reads the upstream gradient and one
            kept tensor for each input, and writes a gradient for each input. A pass that keeps a
            mask of one byte per element can undercut it.
        saved: bytes that autograd keeps between the passes, each region of memory counted once.
        saved_kinds: "input", "output" or "intermediate" for each region that is kept.
    """

    elements: int
    itemsize: int
    forward: Pass
    backward: Pass | None
    algorithmic_forward: int
    algorithmic_backward: int | None
    saved: int
    saved_kinds: tuple[str, ...]

    def physical(self, mode: str) -> int | None:
        """Bytes that ``mode`` ("forward", "forward_grad", "backward" or "both") moves."""
        return _by_mode(mode, self.forward.bytes, self.backward.bytes if self.backward else None)

    def algorithmic(self, mode: str) -> int | None:
        """The fewest bytes that ``mode`` could move."""
        return _by_mode(mode, self.algorithmic_forward, self.algorithmic_backward)

    def launches(self, mode: str) -> int | None:
        """Operations that ``mode`` dispatches."""
        back = self.backward.launches if self.backward else None
        return _by_mode(mode, self.forward.launches, back)

    def per_element(self, mode: str) -> float | None:
        """Physical traffic of ``mode`` in units of the item size, per output element.

        A copy is 2, so half of this number is how many copies the pass costs.
        """
        moved = self.physical(mode)
        return None if moved is None else moved / (self.elements * self.itemsize)


def _by_mode(mode: str, forward: int, backward: int | None) -> int | None:
    if mode in ("forward", "forward_grad"):
        return forward
    if mode not in ("backward", "both"):
        raise ValueError(f"unknown mode {mode!r}: use forward, forward_grad, backward or both")
    if backward is None:
        return None
    return backward if mode == "backward" else forward + backward


def stored_bytes(tensor: torch.Tensor) -> int:
    """Bytes of memory that ``tensor`` refers to; an expanded dimension counts once."""
    elements = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        elements *= size if stride != 0 or size == 0 else 1
    return elements * tensor.element_size()


def _place(tensor: torch.Tensor) -> tuple:
    """What makes two tensors the same region of memory."""
    return (tensor.untyped_storage()._cdata, tensor.storage_offset(), tensor.shape, tensor.stride())


def _tensors(value: object) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def _untouched(name: str, arguments: dict[str, object]) -> list[torch.Tensor]:
    """Arguments that an operation is given but does not use."""
    if name.startswith("rrelu_with_noise") and not arguments.get("training"):
        return _tensors(arguments.get("noise"))  # evaluation is a leaky ReLU
    return []


class ByteCounter(TorchDispatchMode):
    """Context manager that records every operation dispatched inside it.

    A custom operator (``torch.library.custom_op``), such as a Triton kernel, counts as one
    operation: what runs inside it is not seen, which is what fusion means here.

    Example:
        >>> with ByteCounter() as counter:
        ...     _ = torch.ones(1000).neg_()
        >>> [(op.name, op.read, op.written) for op in counter.operations]
        [('ones', 0, 4000), ('neg_', 4000, 4000)]
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # True would import the compiler, two seconds of work that a count does not need.
        return False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = function._schema.name.split("::")[-1]
        if function.is_view or name in _ALLOCATES_ONLY or name == "_unsafe_view":
            return result
        read, written = self._regions(function, name, args, kwargs, result)
        if read or written:
            self.operations.append(Operation(name, sum(read.values()), sum(written.values())))
        return result

    @staticmethod
    def _regions(function, name, args, kwargs, result) -> tuple[dict, dict]:
        """Distinct regions read and written, each with its size in bytes."""
        schema = function._schema
        by_name = dict(zip((argument.name for argument in schema.arguments), args, strict=False))
        by_name.update(kwargs)
        skipped = {_place(tensor) for tensor in _untouched(name, by_name)}
        read: dict[tuple, int] = {}
        written: dict[tuple, int] = {}
        for argument in schema.arguments:
            changed = argument.alias_info is not None and argument.alias_info.is_write
            for tensor in _tensors(by_name.get(argument.name)):
                place, size = _place(tensor), stored_bytes(tensor)
                if place in skipped:
                    continue
                write_only = changed and (
                    argument.is_out or name in _OVERWRITES_SELF or argument.name == "noise"
                )
                if not write_only and name not in _READS_NO_VALUES:
                    read[place] = size
                if changed:
                    written[place] = size
        given = {_place(t) for value in by_name.values() for t in _tensors(value)}
        for tensor in _tensors(result):
            place = _place(tensor)
            if place not in given:  # an in-place result is already counted
                written[place] = stored_bytes(tensor)
        return read, written

    def recorded(self) -> Pass:
        """The operations so far, as an immutable pass."""
        return Pass(tuple(self.operations))


def _saved_for_backward(
    function: Callable, inputs: Sequence[torch.Tensor]
) -> tuple[int, tuple[str, ...]]:
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.detach())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = function(*inputs)
    known = {tensor.untyped_storage()._cdata: "input" for tensor in inputs}
    known[output.untyped_storage()._cdata] = "output"
    regions: dict[tuple, str] = {}
    for tensor in kept:
        storage, size = tensor.untyped_storage()._cdata, stored_bytes(tensor)
        # Two halves of one storage are two regions; one half under two shapes is one.
        regions[storage, tensor.storage_offset(), size] = known.get(storage, "intermediate")
    kinds = sorted(kind for (_, _, size), kind in regions.items() if size > _PARAMETER_BYTES)
    return sum(size for _, _, size in regions), tuple(kinds)


def count(function: Callable, *inputs: torch.Tensor, backward: bool = True) -> Traffic:
    """Count what ``function(*inputs)`` moves and keeps.

    Args:
        function: takes the inputs, returns one tensor.
        inputs: tensors on any device; they are not modified, and gradients are taken of each.
        backward: also count the backward pass.

    Returns:
        The traffic; bytes grow in proportion to the number of elements, so a few thousand are
        enough to know the count of a larger tensor.
    """
    leaves = [tensor.detach().requires_grad_(backward) for tensor in inputs]
    with ByteCounter() as forward_counter:
        output = function(*leaves)
    inputs_bytes = sum(stored_bytes(tensor) for tensor in inputs)
    output_bytes = output.numel() * output.element_size()
    back, algorithmic_back, saved = None, None, 0
    kinds: tuple[str, ...] = ()
    if backward:
        upstream = torch.randn(output.shape, device=output.device).to(output.dtype)
        with ByteCounter() as backward_counter:
            torch.autograd.grad(output, leaves, upstream)
        back = backward_counter.recorded()
        algorithmic_back = output_bytes + 2 * inputs_bytes
        saved, kinds = _saved_for_backward(function, leaves)
    return Traffic(
        elements=output.numel(),
        itemsize=output.element_size(),
        forward=forward_counter.recorded(),
        backward=back,
        algorithmic_forward=inputs_bytes + output_bytes,
        algorithmic_backward=algorithmic_back,
        saved=saved,
        saved_kinds=kinds,
    )


def predict_seconds(moved: int, copied: int, copy_seconds: float) -> float:
    """Time that ``moved`` bytes take at the rate of a measured copy.

    Args:
        moved: bytes that the operation reads and writes.
        copied: bytes that the copy reads and writes (twice its tensor).
        copy_seconds: time of the copy, in seconds.
    """
    return copy_seconds * moved / copied
