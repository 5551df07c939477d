"""What is compared: for each function of the catalogue, the ways in which people compute it.

``builtin``
    The single PyTorch function, where PyTorch has one: ``F.gelu(x)``.
``composed``
    The formula as a paper writes it, out of elementary tensor operations, under autograd.
``builtin_packed``, ``composed_packed``
    Gated functions on one tensor that holds both halves side by side, as one wide projection leaves
    them: the halves are strided views.
``compiled``, ``compiled_max``, ``compiled_packed``
    ``torch.compile`` of the composed formula: in its default mode, with ``max-autotune``, and on a
    packed tensor.
``triton``, ``triton_packed``
    The kernels of :mod:`actlab.kernels`; they need a GPU. So do the next two.
``triton_output``
    The same kernel keeping its output for the backward pass instead of its input.
``triton_plain``
    The formula with Triton's own ``erf``, ``sigmoid`` and ``log``, as most kernels are written.
``liger``
    The kernels of Liger-Kernel, where that is installed; needs a GPU.
``numpy``
    The catalogue's NumPy functions: they compute in float64 and round once.
``fused``
    One operator that reads each input once and writes each result once. Counted, never timed: it is
    the target that a fused kernel has to reach.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from types import ModuleType
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from actlab.bench.names import CPU_ONLY, GPU_ONLY, IMPLEMENTATIONS
from actlab.functions import CATALOGUE, Activation, get
from actlab.modules import torch_equivalent

Tensors = tuple[torch.Tensor, ...]


class Unavailable(Exception):
    """An implementation cannot run here; the message is one sentence that says why."""


@dataclass(frozen=True)
class Implementation:
    """One way to compute a function.

    Attributes:
        name: one of :data:`IMPLEMENTATIONS`, or a name given by the caller.
        call: takes the packed inputs, returns the output.
        pack: turns the case's inputs into what ``call`` takes; runs before the clock does.
        unpack: turns gradients of the packed inputs into gradients of the case's inputs.
        vjp: gradients of the inputs from (upstream, *inputs), for a framework without autograd.
        framework: "torch" or "numpy".
        overwrites: its backward pass destroys its inputs, so that no pass can be repeated.
    """

    name: str
    call: Callable
    pack: Callable[[Tensors], Tensors] = lambda inputs: inputs
    unpack: Callable[[Sequence[torch.Tensor]], Tensors] = tuple
    vjp: Callable | None = None
    framework: Literal["torch", "numpy"] = "torch"
    overwrites: bool = False


# PyTorch's own function, and the formula in elementary operations. Parameters are the catalogue's
# defaults. The formulas are those of the papers, not the numerically soundest form: the correctness
# check decides whether they are right on the inputs that are timed.
_SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _value(name: str, parameter: str) -> float:
    return get(name).defaults[parameter]


def _rrelu_mean() -> float:
    defaults = get("rrelu").defaults
    return (defaults["lower"] + defaults["upper"]) / 2


def _slope_like(x: torch.Tensor, slope: float) -> torch.Tensor:
    return torch.full((1,), slope, dtype=x.dtype, device=x.device)


def _softmax_formula(x: torch.Tensor) -> torch.Tensor:
    e = torch.exp(x - x.amax(dim=-1, keepdim=True))
    return e / e.sum(dim=-1, keepdim=True)


def _log_softmax_formula(x: torch.Tensor) -> torch.Tensor:
    shifted = x - x.amax(dim=-1, keepdim=True)
    return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))


BUILTIN: dict[str, Callable] = {
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
    "log_sigmoid": F.logsigmoid,
    "tanh": torch.tanh,
    "hardtanh": F.hardtanh,
    "softsign": F.softsign,
    "softplus": F.softplus,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, _value("leaky_relu", "slope")),
    "prelu": lambda x: F.prelu(x, _slope_like(x, _value("prelu", "slope"))),
    "rrelu": lambda x: F.rrelu(x, training=False),
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "log_softmax": lambda x: torch.log_softmax(x, dim=-1),
    "bilinear": torch.mul,
}

# One that is not here is composed as :func:`actlab.modules.torch_equivalent` has it.
_PAPERS: dict[str, Callable] = {
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
    "log_sigmoid": lambda x: torch.log(1 / (1 + torch.exp(-x))),
    "tanh": lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
    "hardtanh": lambda x: torch.clamp(x, -1, 1),
    "softsign": lambda x: x / (1 + torch.abs(x)),
    "softplus": lambda x: torch.log(1 + torch.exp(x)),
    "relu": lambda x: x * (x > 0),
    "relu6": lambda x: torch.clamp(F.relu(x), max=6),
    "leaky_relu": lambda x: torch.where(x > 0, x, _value("leaky_relu", "slope") * x),
    "prelu": lambda x: torch.where(x > 0, x, _value("prelu", "slope") * x),
    "rrelu": lambda x: torch.where(x > 0, x, _rrelu_mean() * x),
    "elu": lambda x: torch.where(x > 0, x, torch.exp(x) - 1),
    "selu": lambda x: _SELU_SCALE * torch.where(x > 0, x, _SELU_ALPHA * (torch.exp(x) - 1)),
    "celu": lambda x: torch.where(x > 0, x, torch.exp(x) - 1),
    "gelu": lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + torch.tanh(_SQRT_2_OVER_PI * (x + 0.044715 * x**3))),
    "silu": lambda x: x * torch.sigmoid(x),
    "mish": lambda x: x * torch.tanh(F.softplus(x)),
    "hardswish": lambda x: x * F.relu6(x + 3) / 6,
    "softmax": _softmax_formula,
    "log_softmax": _log_softmax_formula,
    "glu": lambda a, b: torch.sigmoid(a) * b,
    "bilinear": lambda a, b: a * b,
}
COMPOSED: dict[str, Callable] = {
    name: _PAPERS.get(name) or torch_equivalent(name) for name in CATALOGUE
}


@dataclass(frozen=True)
class Case:
    """One function of the catalogue, ready to be counted, checked and timed."""

    activation: Activation

    @property
    def name(self) -> str:
        """The catalogue's name of the function."""
        return self.activation.name

    @property
    def arity(self) -> int:
        """Number of input tensors: 2 for a gated function, otherwise 1."""
        return 2 if self.activation.kind == "gated" else 1

    def shape(self, elements: int, columns: int = 1024) -> tuple[int, ...]:
        """Shape of each input and of the output, for about ``elements`` elements.

        Softmax works on rows, and a packed gate needs them: rows have ``columns`` columns, or the
        largest smaller number down to half of it that divides ``elements``. Without one, the last
        elements that fill no row are dropped. Everything else is flat.
        """
        if self.activation.kind == "elementwise":
            return (elements,)
        columns = min(columns, elements)
        for fitting in range(columns, columns // 2, -1):
            if elements % fitting == 0:
                return (elements // fitting, fitting)
        return (elements // columns, columns)

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        """The output in float64, from the NumPy catalogue."""
        return self.activation.forward(*(np.asarray(value, np.float64) for value in inputs))

    def reference_vjp(self, upstream: np.ndarray, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """Gradients of each input in float64, from the NumPy catalogue."""
        inputs = tuple(np.asarray(value, np.float64) for value in inputs)
        upstream = np.asarray(upstream, np.float64)
        if self.activation.kind == "elementwise":
            return (upstream * self.activation.derivative(*inputs),)
        if self.activation.kind == "vector":
            return (self.activation.vjp(*inputs, upstream),)
        return tuple(upstream * partial for partial in self.activation.partials(*inputs))

    def implementations(self) -> tuple[str, ...]:
        """Names of the implementations that exist for this function, wherever they can run."""
        return tuple(name for name in IMPLEMENTATIONS if self._exists(name))

    def _exists(self, implementation: str) -> bool:
        gated = self.activation.kind == "gated"
        if implementation == "builtin":
            return self.name in BUILTIN
        if implementation == "builtin_packed":
            return self.name == "glu"
        if implementation in ("composed_packed", "compiled_packed", "triton_packed"):
            return gated
        if implementation == "triton_output":
            return self.name in ("relu2", "leaky_relu2")
        if implementation == "triton_plain":
            return self.name in _PLAIN
        if implementation == "liger":
            return self.name in _LIGER
        return True

    def implementation(self, name: str, device: str = "cpu") -> Implementation:
        """Build one implementation.

        Raises:
            Unavailable: it does not exist for this function, or cannot run on ``device`` here.
        """
        if name not in IMPLEMENTATIONS:
            raise ValueError(
                f"unknown implementation {name!r}: choose from {_join(IMPLEMENTATIONS)}"
            )
        if not self._exists(name):
            raise Unavailable(f"{self.name} has no {name} implementation")
        if name in GPU_ONLY and device != "cuda":
            raise Unavailable(f"{name} kernels run on a GPU only")
        if name in CPU_ONLY and device != "cpu":
            raise Unavailable("the NumPy functions run on a CPU only")
        return _BUILDERS[name](self)


def _join(names: Sequence[str]) -> str:
    return ", ".join(names)


def _pack_halves(inputs: Tensors) -> Tensors:
    return (torch.cat(inputs, dim=-1),)


def _unpack_halves(gradients: Sequence[torch.Tensor]) -> Tensors:
    return gradients[0].chunk(2, dim=-1)


def _builtin(case: Case) -> Implementation:
    return Implementation("builtin", BUILTIN[case.name])


def _composed(case: Case) -> Implementation:
    return Implementation("composed", COMPOSED[case.name])


def _builtin_packed(case: Case) -> Implementation:
    # F.glu multiplies the first half by the sigmoid of the second: the halves change places.
    return Implementation(
        "builtin_packed",
        lambda packed: F.glu(packed, dim=-1),
        pack=lambda inputs: (torch.cat(inputs[::-1], dim=-1),),
        unpack=lambda gradients: gradients[0].chunk(2, dim=-1)[::-1],
    )


def _composed_packed(case: Case) -> Implementation:
    formula = COMPOSED[case.name]
    return Implementation(
        "composed_packed",
        lambda packed: formula(*packed.chunk(2, dim=-1)),
        pack=_pack_halves,
        unpack=_unpack_halves,
    )


def _allow_many_compilations() -> None:
    import torch._dynamo.config as dynamo_config
    import torch._functorch.config as functorch_config

    # A backward pass that is timed alone runs many times on one graph.
    functorch_config.donated_buffer = False
    # Each size and dtype is compiled for itself; the usual limits would then fall back to eager.
    dynamo_config.recompile_limit = 512
    dynamo_config.accumulated_recompile_limit = 1 << 16


def _compiled(case: Case, mode: str | None = None) -> Implementation:
    _allow_many_compilations()
    name = "compiled" if mode is None else "compiled_max"
    compiled = torch.compile(COMPOSED[case.name], dynamic=False, mode=mode)
    return Implementation(name, compiled)


def _compiled_packed(case: Case) -> Implementation:
    whole = _composed_packed(case)
    _allow_many_compilations()
    compiled = torch.compile(whole.call, dynamic=False)
    return replace(whole, name="compiled_packed", call=compiled)


_PLAIN = {"gelu": "gelu_by_erf", "silu": "silu_by_sigmoid", "mish": "mish_by_log"}


def _kernels() -> ModuleType:
    try:
        kernels = importlib.import_module("actlab.kernels")
        able, why_not = kernels.available()
    except (ImportError, AttributeError) as error:
        raise Unavailable(f"the Triton kernels cannot be loaded here: {error}") from error
    if not able:
        raise Unavailable(why_not)
    return kernels


def _triton(case: Case) -> Implementation:
    return Implementation("triton", partial(_kernels().apply, case.name))


def _triton_packed(case: Case) -> Implementation:
    call = partial(_kernels().apply, case.name)
    return Implementation("triton_packed", call, pack=_pack_halves, unpack=_unpack_halves)


def _triton_output(case: Case) -> Implementation:
    return Implementation("triton_output", partial(getattr(_kernels(), case.name), save="output"))


def _triton_plain(case: Case) -> Implementation:
    return Implementation("triton_plain", partial(_kernels().apply, _PLAIN[case.name]))


# module, autograd function, whether its backward pass writes into its inputs
_LIGER = {
    "relu2": ("relu_squared", "LigerReLUSquaredFunction", False),
    "softmax": ("softmax", "LigerSoftmaxFunction", False),
    "swiglu": ("swiglu", "LigerSiLUMulFunction", True),
}


_LIGER_LONGEST_ROW = 1 << 16  # Liger gives a whole row to one program and refuses longer ones


def _in_rows(call: Callable) -> Callable:
    """Hand a long flat tensor on as rows of a layer's usual width; both are views, free of cost."""

    def on_rows(x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] <= _LIGER_LONGEST_ROW:
            return call(x)
        return call(x.view(-1, math.gcd(x.shape[-1], 4096))).view(x.shape)

    return on_rows


def _liger(case: Case) -> Implementation:
    module, function, overwrites = _LIGER[case.name]
    try:
        found = getattr(importlib.import_module(f"liger_kernel.ops.{module}"), function)
    except (ImportError, AttributeError) as error:
        raise Unavailable(f"Liger-Kernel is not installed or has no {function}") from error
    call = _in_rows(found.apply) if case.activation.kind == "elementwise" else found.apply
    return Implementation("liger", call, overwrites=overwrites)


def _numpy(case: Case) -> Implementation:
    activation = case.activation
    if activation.kind == "elementwise":

        def vjp(upstream: np.ndarray, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
            (x,) = inputs
            return (upstream * activation.derivative(x),)
    elif activation.kind == "vector":

        def vjp(upstream: np.ndarray, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
            return (activation.vjp(*inputs, upstream),)
    else:

        def vjp(upstream: np.ndarray, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
            return tuple(upstream * partial for partial in activation.partials(*inputs))

    return Implementation("numpy", activation.forward, vjp=vjp, framework="numpy")


@cache
def _fused_operators() -> tuple[Callable, Callable]:
    """The two operators that stand for a fused kernel, one operation each."""

    def to_numpy(tensor: torch.Tensor) -> np.ndarray:
        return tensor.detach().to("cpu", torch.float64).numpy()

    def like(array: np.ndarray, tensor: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(tensor.device, tensor.dtype)

    def fused_forward(name: str, inputs: list[torch.Tensor]) -> torch.Tensor:
        return like(case(name).reference(*map(to_numpy, inputs)), inputs[0])

    def fused_backward(
        name: str, upstream: torch.Tensor, inputs: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        gradients = case(name).reference_vjp(to_numpy(upstream), *map(to_numpy, inputs))
        return [like(gradient, upstream) for gradient in gradients]

    # Schemas are given in words because annotations are strings in this module.
    forward = torch.library.custom_op(
        "actlab_bench::fused_forward",
        fused_forward,
        mutates_args=(),
        schema="(str name, Tensor[] inputs) -> Tensor",
    )
    backward = torch.library.custom_op(
        "actlab_bench::fused_backward",
        fused_backward,
        mutates_args=(),
        schema="(str name, Tensor upstream, Tensor[] inputs) -> Tensor[]",
    )
    return forward, backward


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx, name: str, *inputs: torch.Tensor) -> torch.Tensor:
        ctx.name = name
        ctx.save_for_backward(*inputs)
        return _fused_operators()[0](name, list(inputs))

    @staticmethod
    def backward(ctx, upstream: torch.Tensor):
        gradients = _fused_operators()[1](ctx.name, upstream, list(ctx.saved_tensors))
        return (None, *gradients)


def _fused(case: Case) -> Implementation:
    return Implementation("fused", lambda *inputs: _Fused.apply(case.name, *inputs))


_BUILDERS: dict[str, Callable[[Case], Implementation]] = {
    "builtin": _builtin,
    "composed": _composed,
    "builtin_packed": _builtin_packed,
    "composed_packed": _composed_packed,
    "compiled": _compiled,
    "compiled_max": lambda case: _compiled(case, "max-autotune-no-cudagraphs"),
    "compiled_packed": _compiled_packed,
    "triton": _triton,
    "triton_packed": _triton_packed,
    "triton_output": _triton_output,
    "triton_plain": _triton_plain,
    "liger": _liger,
    "numpy": _numpy,
    "fused": _fused,
}


def case(name: str) -> Case:
    """The case of one catalogue function, by name or alias.

    Raises:
        ValueError: no such function; the message names near matches.
    """
    return Case(get(name))


def all_cases() -> tuple[Case, ...]:
    """Every function of the catalogue, in the order of the course."""
    return tuple(Case(activation) for activation in CATALOGUE.values())
