"""Find the kernel of a catalogue function by its name, and check what it is called with."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from actlab.functions import CATALOGUE, Activation, get
from actlab.functions.axes import checked_axes
from actlab.kernels.availability import require

if TYPE_CHECKING:
    from torch import Tensor

Axes = int | tuple[int, ...]

#: Formulas in the library's own words, to be measured beside ours, and what they compute.
_VARIANTS = {"gelu_by_erf": "gelu", "silu_by_sigmoid": "silu", "mish_by_log": "mish"}


def names() -> tuple[str, ...]:
    """The functions that have kernels: all of the catalogue, in its order."""
    return tuple(CATALOGUE)


def variants() -> dict[str, str]:
    """Other formulas of catalogue functions that :func:`apply` takes, for measurements only.

    They are written with ``tl.erf``, ``tl.sigmoid`` and ``tl.log`` as most kernels are, lose the
    tails that those lose, and cost more instructions (:mod:`actlab.kernels.sass`).
    """
    return dict(_VARIANTS)


def apply(name: str, *inputs: Tensor, **parameters: Any) -> Tensor:
    """Compute a catalogue function (or a variant) with its kernel.

    Args:
        name: a name or alias in :data:`actlab.functions.CATALOGUE`, or one of :func:`variants`.
        *inputs: one tensor; for the gated kind a packed (..., 2h) one, or a and b.
        **parameters: the entry's parameters, numbers; ``axis`` as well for the vector kind and
            ``gate_first`` for the gated one.

    Returns:
        a new tensor of the input's dtype; shape as the input's, or (..., h) for a packed one.

    Raises:
        KernelUnavailable: no kernel can run here, or not on this tensor's device.
        ValueError: an unknown name, or a value or shape that the function does not take.
        TypeError: a parameter that the function does not have, or a wrong number of inputs.
    """
    # A call that was made before with these parameters needs no look at them, which is most of
    # what a call costs; the tracer of torch.compile takes the long way once.
    call = _call(name, parameters) if len(inputs) == 1 and not _is_compiling() else None
    if call is not None:
        known = _KNOWN.get(call)
        if known is not None:
            require(*inputs)
            operator, p, q = known
            return operator(*inputs, p, q)
    if name in _VARIANTS:
        entry, formula = get(_VARIANTS[name]), name
        if parameters and parameters != {"beta": 1.0}:
            raise TypeError(f"{name} has no parameters")
        parameters = {}
    else:
        entry, formula = entry_of(name), None
    if entry.kind == "gated":
        return apply_gated(entry.name, inputs, **parameters)
    if len(inputs) != 1:
        raise TypeError(f"{entry.name} takes one tensor, got {len(inputs)}")
    if entry.kind == "vector":
        return apply_rows(entry.name, inputs[0], **parameters)
    return apply_elementwise(entry, inputs[0], parameters, formula, call)


#: Operator and scalars of elementwise calls, by name and parameters.
_KNOWN: dict[tuple[Any, ...], tuple[Any, float, float]] = {}
#: How many calls are remembered: a slope that is scheduled has another value in every step.
MOST_KNOWN = 256


def _call(name: Any, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    """The key of a call, or None where a value is no plain number.

    A tensor or an array would be found again by its identity, whatever it holds by then.
    """
    if type(name) is not str or any(type(v) not in (int, float) for v in parameters.values()):
        return None
    return (name, *parameters.items())


def _is_compiling() -> bool:
    try:
        from torch.compiler import is_compiling
    except ImportError:
        return False
    return is_compiling()


def entry_of(name: str) -> Activation:
    """The catalogue's entry for a name or an alias.

    Raises:
        ValueError: there is none; the message names what is near.
    """
    try:
        return get(name)
    except ValueError:
        near = get_close_matches(str(name), _VARIANTS, n=1)
        if near:
            raise ValueError(
                f"there is no kernel called {name!r}: did you mean {near[0]}?"
            ) from None
        raise


def apply_elementwise(
    entry: Activation,
    x: Tensor,
    parameters: dict[str, Any],
    formula: str | None = None,
    call: tuple[Any, ...] | None = None,
) -> Tensor:
    """Run the kernel of an elementwise function.

    Args:
        x: any shape; the result has its dtype.
        parameters: the entry's.
        formula: a variant's name, which has no parameters.
        call: under which operator and scalars are remembered.
    """
    values = entry.checked(parameters)
    require(x)
    from actlab.kernels.elementwise import OPERATORS
    from actlab.kernels.formulas import resolve

    if formula is None:
        found, (p, q) = resolve(entry.name, values)
        formula = found.name
    else:
        p = q = 0.0
    operator = OPERATORS[formula]
    if call is not None:
        if len(_KNOWN) >= MOST_KNOWN:
            # The oldest: dictionaries keep the order in which keys came.
            _KNOWN.pop(next(iter(_KNOWN), None), None)
        _KNOWN[call] = (operator, p, q)
    return operator(x, p, q)


# --- along an axis ----------------------------------------------------------------------------


def apply_rows(name: str, x: Tensor, axis: Axes = -1, temperature: float = 1.0) -> Tensor:
    """Run the kernel of a function along an axis or several, for a tensor of any shape."""
    (parameter,) = get(name).parameters
    temperature = parameter.number(temperature)
    require(x)
    from actlab.kernels.rows import OPERATORS

    axes = checked_axes(axis, x.ndim, "a tensor")
    if x.ndim == 0:
        return OPERATORS[name](x.reshape(1), temperature).reshape(())
    last = tuple(range(x.ndim - len(axes), x.ndim))
    logits = x.movedim(axes, last)
    kept = logits.shape[: x.ndim - len(axes)]
    rows = logits if len(axes) == 1 else logits.reshape(*kept, math.prod(logits.shape[len(kept) :]))
    return OPERATORS[name](rows, temperature).reshape(logits.shape).movedim(last, axes)


# --- gated ------------------------------------------------------------------------------------


def apply_gated(
    name: str, inputs: tuple[Tensor, ...], gate_first: bool = True, **parameters: float
) -> Tensor:
    """Run the kernel of a gated function: one packed (..., 2h) tensor, or a and b of one shape.

    Raises:
        TypeError: neither one tensor nor two.
        ValueError: an odd last axis, a and b that differ in shape or dtype, or parameters that
            the function does not take.
    """
    values = get(name).checked(parameters).values()
    if len(inputs) not in (1, 2):
        raise TypeError(f"{name} takes a packed tensor, or a and b; got {len(inputs)} inputs")
    require(*inputs)
    from actlab.kernels.gated import PACKED, SEPARATE

    if len(inputs) == 1:
        (packed,) = inputs
        if packed.ndim == 0 or packed.shape[-1] % 2:
            raise ValueError(
                f"the last axis of a packed input must have an even size, "
                f"got shape {tuple(packed.shape)}"
            )
        return PACKED[name](packed, bool(gate_first), *values)
    a, b = inputs
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(
            f"a and b must have one shape and dtype, got {tuple(a.shape)} {a.dtype} "
            f"and {tuple(b.shape)} {b.dtype}"
        )
    return SEPARATE[name](a, b, *values)
