"""The function under audit, as numbers in and numbers out, whatever it is made of.

This runs in the child process only: it imports other people's code.
"""

from __future__ import annotations

import importlib
import importlib.util
import operator
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from actbase.errors import first_line
from actlab.audit.expression import compiled, parse
from actlab.audit.target import Target, TargetError
from actlab.functions import Activation, get
from actlab.properties import Floats

DTYPES = {
    "torch": ("bfloat16", "float16", "float32", "float64"),
    "numpy": ("float16", "float32", "float64"),
}
#: A few elements take torch's scalar path, whose last digits differ from those of real tensors.
FEWEST = 256


class SubjectError(RuntimeError):
    """The function under audit did what it must not; the message is one sentence.

    Attributes:
        code: of the finding that it becomes.
    """

    def __init__(self, message: str, code: str = "raises") -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Subject:
    """The function under audit.

    Attributes:
        target: what was asked for.
        framework: ``torch`` or ``numpy``.
        call: the function itself, on tensors or arrays.
        what: one sentence that says what is called.
        derivative: f′ of a NumPy function, where one was named.
        source: the module's file, where the function has one.
        warned: warnings that it gave, each once.
        changes_input: whether it works in place, as the contract has found.
        without_gradient: whether no gradient flows through a function of tensors.
    """

    target: Target
    framework: str
    call: Callable[[Any], Any]
    what: str
    derivative: Callable[[Any], Any] | None = None
    source: str | None = None
    warned: dict[str, str] = field(default_factory=dict)
    changes_input: bool = False
    without_gradient: bool = False

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The float formats that its framework has."""
        return DTYPES[self.framework]

    @property
    def differentiable(self) -> bool:
        """Whether there is a derivative to judge."""
        if self.framework == "torch":
            return not self.without_gradient
        return self.derivative is not None

    def _guarded(self, run: Callable[[], Any]) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return run()
            except SubjectError:
                raise
            except MemoryError as error:
                raise SubjectError("the function asks for more memory than there is") from error
            except Exception as error:  # whatever other people's code raises is a finding
                why = first_line(error)
                raise SubjectError(f"{type(error).__name__}{': ' if why else ''}{why}") from error
            finally:
                for warning in caught:
                    self.warned.setdefault(str(warning.message), warning.category.__name__)

    def _given(self, x: np.ndarray, dtype: str) -> Any:
        padded = np.resize(np.asarray(x, float), max(x.size, FEWEST))
        if self.framework == "numpy":
            with np.errstate(all="ignore"):
                return padded.astype(dtype)
        import torch

        if dtype == "bfloat16":
            # In two steps, which are exact for numbers that bfloat16 has.
            return torch.from_numpy(padded.astype(np.float32)).to(torch.bfloat16)
        return torch.from_numpy(padded).to(getattr(torch, dtype))

    def _numbers(self, result: Any, given: Any, size: int) -> np.ndarray:
        if self.framework == "torch":
            import torch

            if not isinstance(result, torch.Tensor):
                raise SubjectError(
                    f"it returns {type(result).__name__}, not a tensor", "wrong-shape"
                )
            if result.shape != given.shape:
                raise SubjectError(
                    f"a tensor of shape {tuple(given.shape)} becomes one of {tuple(result.shape)}",
                    "wrong-shape",
                )
            if result.is_complex():
                raise SubjectError("it returns complex numbers", "wrong-dtype")
            return result.detach().double().numpy().reshape(-1)[:size].copy()
        result = np.asarray(result)
        if result.shape != given.shape:
            raise SubjectError(
                f"an array of shape {given.shape} becomes one of {result.shape}", "wrong-shape"
            )
        if result.dtype.kind not in "fiub":
            raise SubjectError(f"it returns {result.dtype}", "wrong-dtype")
        return result.astype(float).reshape(-1)[:size].copy()

    def value(self, x: np.ndarray, dtype: str) -> np.ndarray:
        """f at numbers of a format: float64 (n,) in, the result as float64 (n,) out.

        Raises:
            SubjectError: it raised, or what came back has another shape.
        """
        given = self._given(x, dtype)

        def run() -> np.ndarray:
            if self.framework == "numpy":
                with np.errstate(all="ignore"):
                    return self._numbers(self.call(given.copy()), given, x.size)
            import torch

            with torch.no_grad():
                return self._numbers(self.call(given.clone()), given, x.size)

        return self._guarded(run)

    def slope(self, x: np.ndarray, dtype: str) -> np.ndarray:
        """f′ by autograd, or by the named derivative: float64 (n,) in and out.

        Raises:
            SubjectError: as :meth:`value`; or there is no gradient.
        """
        given = self._given(x, dtype)

        def run() -> np.ndarray:
            if self.framework == "numpy":
                if self.derivative is None:
                    raise SubjectError("a NumPy function has no derivative", "no-gradient")
                with np.errstate(all="ignore"):
                    return self._numbers(self.derivative(given.copy()), given, x.size)
            import torch

            leaf = given.clone().requires_grad_()
            # A copy goes in, so that what works in place can be differentiated, too.
            y = self.call(leaf.clone())
            self._numbers(y, given, x.size)
            if not y.requires_grad:
                raise SubjectError("no gradient flows back through it", "no-gradient")
            (gradient,) = torch.autograd.grad(y, leaf, torch.ones_like(y), allow_unused=True)
            if gradient is None:
                raise SubjectError("no gradient flows back through it", "no-gradient")
            return self._numbers(gradient, given, x.size)

        return self._guarded(run)

    def tensor_function(self) -> Callable[[Any], Any]:
        """f as a function of float32 tensors with a gradient, for cost and training."""
        if self.framework == "torch":
            return lambda x: self.call(x.clone()) if self.changes_input else self.call(x)
        return _numpy_in_torch(self)

    def pair(self) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
        """f and f′ of float64 arrays of any shape; f′ by differences where there is none."""

        def of(function: Callable[[np.ndarray, str], np.ndarray]) -> Callable:
            def call(x: Any) -> np.ndarray:
                x = np.asarray(x, float)
                return function(x.reshape(-1), "float64").reshape(x.shape)

            return call

        value = of(self.value)
        if self.differentiable:
            return value, of(self.slope)

        def difference(x: Any) -> np.ndarray:
            x = np.asarray(x, float)
            step = 1e-6 * np.maximum(np.abs(x), 1e-2)
            with np.errstate(all="ignore"):
                return (value(x + step) - value(x - step)) / (2 * step)

        return value, difference


def _numpy_in_torch(subject: Subject) -> Callable[[Any], Any]:
    import torch

    _, slope = subject.pair()

    class Bridge(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            y = subject.value(x.detach().double().numpy().reshape(-1), "float32")
            return torch.from_numpy(y).to(x.dtype).reshape(x.shape)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            found = slope(x.double().numpy())
            return gradient * torch.from_numpy(np.asarray(found)).to(x.dtype)

    return Bridge.apply


# --- finding it -----------------------------------------------------------------------------------


def load(target: Target) -> Subject:
    """Import and wrap what a target names.

    Raises:
        TargetError: it cannot be imported, or is nothing that can be called.
    """
    if target.kind == "catalogue":
        return _from_catalogue(target)
    if target.kind == "expression":
        framework = _usual(target.framework)
        call = compiled(parse(target.name), framework)
        return Subject(
            target, framework, call, f"The expression {target.name}, in {_name(framework)}."
        )
    call, source = imported(target.name)
    derivative = imported(target.derivative)[0] if target.derivative else None
    framework = target.framework
    if framework == "auto":
        framework = "numpy" if derivative is not None else _taken(call)
    _need(framework)
    return Subject(
        target, framework, call, f"{target.name}, called with {_name(framework)}'s arrays.",
        derivative, source,
    )  # fmt: skip


def _name(framework: str) -> str:
    return "PyTorch" if framework == "torch" else "NumPy"


def _need(framework: str) -> None:
    if framework == "torch" and importlib.util.find_spec("torch") is None:
        raise TargetError("PyTorch is not installed here; choose --framework numpy")


def _usual(framework: str) -> str:
    if framework == "auto":
        return "torch" if importlib.util.find_spec("torch") else "numpy"
    _need(framework)
    return framework


def along_x(entry: Activation) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """f and f′ of one number in NumPy: a gate along a with b = 1, softmax of the logits x and 0."""
    if entry.kind == "elementwise":
        assert entry.derivative is not None
        return entry.forward, entry.derivative
    if entry.kind == "gated":
        return (
            lambda a: entry.forward(a, np.ones_like(a)),
            lambda a: entry.partials(a, np.ones_like(a))[0],  # type: ignore[misc]
        )
    gate = get("sigmoid" if entry.name == "softmax" else "log_sigmoid")
    assert gate.derivative is not None
    return gate.forward, gate.derivative


def _from_catalogue(target: Target) -> Subject:
    entry = get(target.name)
    framework = _usual(target.framework)
    looked = {"gated": ", along a with b = 1", "vector": ", of the two logits x and 0"}
    beside = looked.get(entry.kind, "")
    if framework == "numpy":
        forward, derivative = along_x(entry)
        return Subject(
            target, framework, forward, f"actlab's own {entry.title} in NumPy{beside}.", derivative
        )
    import torch

    from actlab.modules import torch_equivalent

    function = torch_equivalent(entry.name, **entry.defaults)
    call = function
    if entry.kind == "gated":
        call = lambda x: function(x, torch.ones_like(x))  # noqa: E731
    elif entry.kind == "vector":
        call = lambda x: function(torch.stack([x, torch.zeros_like(x)], dim=-1))[..., 0]  # noqa: E731
    return Subject(target, framework, call, f"PyTorch's {entry.title}{beside}.")


def imported(name: str) -> tuple[Callable[[Any], Any], str | None]:
    """The callable behind ``module:callable``, and the file of its module.

    Raises:
        TargetError: there is none.
    """
    module_name, _, path = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # the folder in which the command was given
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise TargetError(f"there is no module {error.name!r} to import for {name!r}") from error
    except Exception as error:  # whatever other people's modules raise
        why = first_line(error)
        raise TargetError(
            f"importing {module_name!r} raises {type(error).__name__}{': ' if why else ''}{why}"
        ) from error
    return instance(module, path, name), getattr(module, "__file__", None)


def instance(module: Any, path: str, name: str) -> Callable[[Any], Any]:
    """What stands at a dotted path in a module; a class of layers is made an object.

    Raises:
        TargetError: there is nothing, or nothing that can be called.
    """
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise TargetError(f"{name.partition(':')[0]!r} has no {path!r}")
        found = getattr(found, part)
    if isinstance(found, type):
        torch = sys.modules.get("torch")
        if torch is not None and issubclass(found, torch.autograd.Function):
            apply: Callable[[Any], Any] = operator.attrgetter("apply")(found)
            return apply
        try:
            found = found()
        except Exception as error:
            raise TargetError(
                f"{name!r} is a class that cannot be made without arguments: {first_line(error)}"
            ) from error
    if not callable(found):
        raise TargetError(f"{name!r} is a {type(found).__name__} and cannot be called")
    return found


def _taken(call: Callable[[Any], Any]) -> str:
    """The framework that a callable takes: PyTorch where a gradient comes out, else NumPy."""
    if importlib.util.find_spec("torch") is None:
        return "numpy"
    import torch

    if isinstance(call, torch.nn.Module):
        return "torch"
    x = np.linspace(-1.5, 1.5, 8)
    tensor = False
    try:
        y = call(torch.from_numpy(x.copy()).requires_grad_().clone())
        tensor = isinstance(y, torch.Tensor)
        if tensor and y.requires_grad:
            return "torch"
    except Exception:
        pass
    try:
        y = call(x.copy())
    except Exception:
        return "torch"  # neither: the contract says what it raises
    if isinstance(y, torch.Tensor):
        return "torch"
    # NumPy's functions take a tensor as well, and lose its gradient.
    code = getattr(call, "__code__", None) or getattr(type(call).__call__, "__code__", None)
    names = set(code.co_names) if code else set()
    return "torch" if tensor and "torch" in names and "np" not in names else "numpy"


# --- rounding -------------------------------------------------------------------------------------


def rounded(y: np.ndarray, floats: Floats) -> np.ndarray:
    """Float64 numbers rounded once, to nearest and ties to even, to a format; as float64."""
    if floats.name == "float64":
        return y
    if floats.name != "bfloat16":
        with np.errstate(all="ignore"):
            return y.astype(floats.name).astype(float)
    with np.errstate(all="ignore"):
        exponent = np.frexp(y)[1] - 1
        quantum = np.ldexp(1.0, np.maximum(exponent, -126) - 7)
        near = np.where(np.isfinite(y), np.rint(y / quantum) * quantum, y)
        largest = float(floats.values(np.array([floats.top]))[0])
        return np.where(np.abs(near) > largest, np.copysign(np.inf, near), near)
