"""Take away, from the learner's code alone, what a question asks to build by hand.

The guard stands before the named functions, classes, methods and modules, under every name by which
a loaded module knows the same object. A call or an access from an answer raises
:class:`ForbiddenUse`; libraries and the course's own cells pass.

Whose call it is, the stack says: the nearest frame that does more than pass a call on. That makes
this a fence and not a wall. Code that hunts for the original object in memory, or gives itself a
library's globals, gets through; so does an answer that copies a library's source. The look at the
source in :mod:`actgrade.forbid` catches plain mentions that never reach a call from here,
such as a function handed to a library.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any

from actgrade.sandbox.cell_names import NESTED, role_of_file

# Frames of these only pass a call on: it belongs to whoever is behind them.
_TRANSPARENT_MODULES = (
    "torch.nn.modules",
    "torch.nn.functional",
    "torch._functorch",
    "torch._ops",
    "functools",
    "threading",
    "concurrent.futures",
    "importlib",
    __name__,
)
_TRANSPARENT_FUNCTIONS = ("vectorize.", "apply_along_axis", "piecewise")


class ForbiddenUse(BaseException):
    """An answer uses what its question asks to build by hand.

    Not an ``Exception``: ``except Exception`` in an answer does not make it disappear.
    """

    def __init__(self, name: str) -> None:
        super().__init__(by_hand(name))


def by_hand(name: str) -> str:
    """What a learner reads who used ``name``."""
    return f"it uses {name}, which this question asks you to build by hand"


class Guard:
    """Guards the dotted names in ``forbid``, once :meth:`install` is called.

    Args:
        forbid: names such as ``torch.nn.functional.gelu`` or ``actlab.functions``.
        namespace: the names that the course's set-up cells have defined.
    """

    def __init__(self, forbid: Sequence[str], namespace: dict[str, Any]) -> None:
        self._forbid = list(forbid)
        self._namespace = namespace

    def install(self) -> None:
        """Put the guards in place. Names that this machine does not have are skipped."""
        forbid, self._forbid = self._forbid, []
        modules = [name for name in forbid if self._guard_one(name)]
        if modules:
            _guard_imports(modules)

    def _guard_one(self, name: str) -> bool:
        """Guard one name; whether it is a module."""
        try:
            owner, target = _resolve(name)
        except (ImportError, AttributeError, OSError):
            return False  # OSError: what the sandbox does not let it read
        last = name.rpartition(".")[2]
        if isinstance(target, ModuleType):
            self._guard_module(name, target, owner)
            return True
        if isinstance(owner, type):
            for attribute in (last, f"{last}_"):  # torch marks in-place twins with an underscore
                _guard_method(owner, attribute, name)
            return False
        if isinstance(target, type):
            _guard_class(target, name)
            return False
        self._replace_everywhere(target, _Guarded(target, name))
        twin = getattr(owner, f"{last}_", None)
        if callable(twin):
            self._replace_everywhere(twin, _Guarded(twin, name))
        if name.startswith("torch."):
            _guard_operator(last, name)
        return False

    def _guard_module(self, name: str, module: ModuleType, parent: Any) -> None:
        stand_in = _GuardedModule(module, name)
        if parent is not None:
            setattr(parent, name.rpartition(".")[2], stand_in)
        for key, value in list(self._namespace.items()):
            if value is module:
                self._namespace[key] = stand_in
            elif callable(value) and _is_in(getattr(value, "__module__", None), name):
                self._namespace[key] = _Guarded(value, name)

    def _replace_everywhere(self, original: Any, stand_in: Any) -> None:
        spaces = [self._namespace]
        spaces += [vars(m) for m in list(sys.modules.values()) if isinstance(m, ModuleType)]
        for space in spaces:
            for key, value in list(space.items()):
                if value is original:
                    space[key] = stand_in


def _resolve(name: str) -> tuple[Any, Any]:
    """The owner (module, class or None) and the object behind a dotted name."""
    parts = name.split(".")
    owner, target = None, importlib.import_module(parts[0])
    for index, part in enumerate(parts[1:], start=2):
        owner = target
        try:
            target = getattr(owner, part)
        except AttributeError:
            target = importlib.import_module(".".join(parts[:index]))
    return owner, target


def _is_in(module: str | None, forbidden: str) -> bool:
    return module is not None and (module == forbidden or module.startswith(f"{forbidden}."))


def _is_library(frame: FrameType) -> bool:
    """Whether a frame runs the code of an imported module, in that module's own namespace."""
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    return (
        module is not None
        and getattr(module, "__dict__", None) is frame.f_globals
        and module.__name__ != "__main__"
        and not frame.f_code.co_filename.startswith("<string")
    )


def _is_transparent(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__") or ""
    if any(module == name or module.startswith(f"{name}.") for name in _TRANSPARENT_MODULES):
        return True
    return module.startswith("numpy") and frame.f_code.co_qualname.startswith(
        _TRANSPARENT_FUNCTIONS
    )


def _by_learner() -> bool:
    """Whether the current call was made by an answer."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        role = role_of_file(frame.f_code.co_filename)
        if role is not None:
            return role in ("answer", NESTED)
        if _is_library(frame):
            if not _is_transparent(frame):
                return False
            frame = frame.f_back
            continue
        return True  # code from exec, or with globals of its own
    return True  # the bottom of a thread that the answer started


def _check(name: str) -> None:
    if _by_learner():
        raise ForbiddenUse(name)


class _Guarded:
    """Stands in for a function: looks and works like it, but not for an answer."""

    __slots__ = ("__weakref__", "_original")

    def __init__(self, original: Any, name: str) -> None:
        # A closure, so that no attribute leads back to the original.
        def reach() -> Any:
            _check(name)
            return original

        object.__setattr__(self, "_original", reach)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._original()(*arguments, **keywords)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._original(), attribute)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self  # like the built-in functions it stands for, it binds to nothing


class _GuardedModule(ModuleType):
    """Stands in for a module on the package that holds it, and in the answer's namespace."""

    def __init__(self, original: ModuleType, name: str) -> None:
        super().__init__(original.__name__)

        def reach() -> ModuleType:
            _check(name)
            return original

        self.__dict__["_reach"] = reach

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.__dict__["_reach"](), attribute)


def _guarded_function(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    def guarded(*arguments: Any, **keywords: Any) -> Any:
        _check(name)
        return original(*arguments, **keywords)

    return guarded


def _guard_method(owner: type, attribute: str, name: str) -> None:
    original = getattr(owner, attribute, None)
    if original is None:
        return
    try:
        setattr(owner, attribute, _guarded_function(original, name))
    except TypeError:
        return  # a type of C (numpy.ndarray): the look at the source has to do


def _guard_class(target: type, name: str) -> None:
    """Forbid making instances; whoever only asks about the class may."""
    try:
        target.__init__ = _guarded_function(target.__init__, name)  # type: ignore[misc]
    except TypeError:
        return


def _guard_operator(last: str, name: str) -> None:
    """The same operator by torch's own registry."""
    torch = sys.modules.get("torch")
    operators = getattr(getattr(torch, "ops", None), "aten", None)
    operator = getattr(operators, last, None) if operators is not None else None
    if operator is not None:
        setattr(operators, last, _Guarded(operator, name))


def _guard_imports(modules: list[str]) -> None:
    """Make ``import`` and ``importlib`` refuse the modules to an answer."""
    original_import, original_import_module = builtins.__import__, importlib.import_module

    def refuse(full_names: list[str]) -> None:
        for full_name in full_names:
            for module in modules:
                if _is_in(full_name, module):
                    _check(module)

    def guarded_import(
        name: str,
        globals: Any = None,
        locals: Any = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if level == 0:
            refuse([name, *(f"{name}.{part}" for part in fromlist or ())])
        return original_import(name, globals, locals, fromlist, level)

    def guarded_import_module(name: str, package: str | None = None) -> Any:
        refuse([name])
        return original_import_module(name, package)

    builtins.__import__ = guarded_import  # type: ignore[assignment]
    importlib.import_module = guarded_import_module
