"""Making torch operators out of launches: one place for dispatch, tracing and autograd.

``torch.library.custom_op`` does the same in one call; the lower layer used here costs a fifth less
Python a call (about 20 µs without and 45 µs with a gradient on this course's CPU machine), which
counts because a kernel over 2²⁴ bfloat16 elements takes 31 µs on an H200. Below that size, capture
a CUDA graph or let ``torch.compile`` do so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.forward_ad import unpack_dual

_LIBRARY = torch.library.Library("actlab", "FRAGMENT")


class Operator:
    """A torch operator ``actlab::<name>``: opaque to ``torch.compile``, differentiable once.

    Derivatives are those of reverse mode; an argument with a forward-mode tangent is refused.

    Args:
        name: the operator's name in ``torch.ops.actlab``.
        schema: its arguments and results in torch's notation, ``(Tensor x) -> Tensor``.
        run: computes it from real tensors; must not change or return its inputs.
        fake: the same for shapes, strides and dtypes alone.
        backward: (ctx, *gradients) -> a gradient or None for each argument; None if the operator
            has no derivative.
        setup_context: (ctx, inputs, output) -> None, keeps what ``backward`` needs.
    """

    def __init__(
        self,
        name: str,
        schema: str,
        run: Callable[..., Any],
        fake: Callable[..., Any],
        backward: Callable[..., Any] | None = None,
        setup_context: Callable[..., None] | None = None,
    ) -> None:
        self.name = name
        _LIBRARY.define(f"{name}{schema}")
        for key in ("CPU", "CUDA"):  # CPU: for the interpreter
            _LIBRARY.impl(name, run, key)
        torch.library.register_fake(f"actlab::{name}", fake, lib=_LIBRARY)
        self.overload = getattr(torch.ops.actlab, name).default

        def refuse(ctx: Any, *gradients: Any) -> None:
            # Without this a second derivative would silently be zero.
            raise RuntimeError(
                f"actlab::{name} has no derivative: the kernels can be differentiated once"
            )

        torch.library.register_autograd(
            f"actlab::{name}", backward or refuse, setup_context=setup_context, lib=_LIBRARY
        )

    def __call__(self, *arguments: Any) -> Any:
        if not torch.compiler.is_compiling():
            self._refuse_tangents(arguments)
        return self.overload(*arguments)

    def _refuse_tangents(self, arguments: tuple[Any, ...]) -> None:
        # torch drops the tangents of a custom operator's arguments: the result would have none,
        # which counts as a derivative of zero.
        for argument in arguments:
            if isinstance(argument, torch.Tensor) and unpack_dual(argument).tangent is not None:
                raise RuntimeError(
                    f"actlab::{self.name} has no forward-mode derivative (jvp, jacfwd): "
                    "the kernels are differentiated backward, and torch's own functions either way"
                )
