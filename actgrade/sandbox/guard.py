"""Take away, from the learner's code alone, what a question does not allow.

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
import functools
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import BuiltinMethodType, FrameType, MethodType, ModuleType
from typing import Any

from actgrade.sandbox.cell_names import NESTED, role_of_file
from actgrade.sandbox.walls import absent

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
    "inspect",
    "pkgutil",
    "runpy",
    __name__,
)
_TRANSPARENT_FUNCTIONS = (
    *("vectorize.", "apply_along_axis", "piecewise"),
    *("_Masked", "_Domained"),  # what numpy.ma makes of a function
)
# The namespaces of the modules that have a stand-in; by number, so that nothing leads to them.
_BEHIND: set[int] = set()
# Where the learner's code can write; known once a guard is made.
_scratch = os.devnull


class ForbiddenUse(BaseException):
    """An answer uses what its question does not allow.

    Not an ``Exception``: ``except Exception`` in an answer does not make it disappear.
    """


def not_allowed(name: str) -> str:
    """What a learner reads who used ``name``."""
    return f"it uses {name}, which this question does not allow"


def not_there(package: str) -> str:
    """What a learner reads who imported what the course's ``package`` has beyond that."""
    return f"it uses a part of {package} that is not there for this question"


class Guard:
    """Guards the dotted names in ``forbid``, once :meth:`install` is called.

    Args:
        forbid: names such as ``torch.nn.functional.gelu`` or ``actlab.functions``.
        namespace: the names that the course's set-up cells have defined.
    """

    def __init__(self, forbid: Sequence[str], namespace: dict[str, Any]) -> None:
        global _scratch
        _scratch = str(Path.cwd()) + os.sep
        self._forbid = list(forbid)
        self._namespace = namespace

    def install(self) -> None:
        """Put the guards in place. Names that this machine does not have are skipped."""
        forbid, self._forbid = self._forbid, []
        if not forbid:
            return
        gone = absent()
        reasons = {
            name: not_allowed(name)
            for name in forbid
            if any(_is_in(name, one) for one in gone) or self._guard_one(name)
        }
        # A name that is forbidden comes before the package around it.
        reasons |= {one: not_there(one.partition(".")[0]) for one in gone if one not in reasons}
        if reasons:
            _guard_imports(reasons)

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
        for full_name, loaded in list(sys.modules.items()):
            if _is_in(full_name, name) and isinstance(loaded, ModuleType):
                _BEHIND.add(id(vars(loaded)))
                is_it = loaded is module
                sys.modules[full_name] = stand_in if is_it else _GuardedModule(loaded, name)
        for key, value in list(self._namespace.items()):
            if value is module:
                self._namespace[key] = stand_in
            elif callable(value) and _is_in(getattr(value, "__module__", None), name):
                self._namespace[key] = _Guarded(value, name)

    def _replace_everywhere(self, original: Any, stand_in: Any) -> None:
        name = stand_in._name
        package = name.partition(".")[0]
        spaces = [self._namespace]
        for module in list(sys.modules.values()):
            if not isinstance(module, ModuleType):
                continue
            spaces.append(vars(module))
            if _is_in(module.__name__, package):  # what wraps it, as numpy.ma.tanh does
                wrappers = _wrappers(module)
                spaces += [vars(one) for one in vars(module).values() if type(one) in wrappers]
        for space in spaces:
            for key, value in list(space.items()):
                if value is original:
                    space[key] = stand_in
                elif isinstance(value, BuiltinMethodType) and value.__self__ is original:
                    space[key] = _Guarded(value, name)


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


def _wrappers(module: ModuleType) -> set[type]:
    """The classes of a module whose instances keep what they were made with in a dictionary."""
    return {
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and _has_dict(value)
    }


def _has_dict(kind: type) -> bool:
    return kind.__dictoffset__ != 0 and not issubclass(kind, (type, ModuleType))


def _is_library(frame: FrameType) -> bool:
    """Whether a frame runs the code of an imported module, in that module's own namespace.

    A module that the learner's code wrote into its folder is its own.
    """
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    file = frame.f_code.co_filename
    return (
        module is not None
        and (getattr(module, "__dict__", None) is frame.f_globals or id(frame.f_globals) in _BEHIND)
        and module.__name__ != "__main__"
        and not file.startswith(("<string", _scratch))
        and (file.startswith("<") or _is_absolute(file))
    )


@functools.lru_cache(maxsize=1024)
def _is_absolute(file: str) -> bool:
    return Path(file).is_absolute()


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
        raise ForbiddenUse(not_allowed(name))


class _Guarded:
    """Stands in for a function: looks and works like it, but not for an answer."""

    __slots__ = ("__weakref__", "_name", "_original")

    def __init__(self, original: Any, name: str) -> None:
        # A closure, so that no attribute leads back to the original.
        def reach() -> Any:
            _check(name)
            return original

        self._original, self._name = reach, name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._original()(*arguments, **keywords)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._original(), attribute)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self  # like the built-in functions it stands for, it binds to nothing


def refuse_handed_on(answer: Any) -> None:
    """Refuse an answer that is itself what its question forbids, or only passes a call on to that.

    Whoever calls it is a check, which may use everything.

    Raises:
        ForbiddenUse: with the name of what it is.
    """
    for _ in range(100):  # one behind the other; an answer may make a circle of them
        if isinstance(answer, _Guarded):
            raise ForbiddenUse(not_allowed(answer._name))
        answer = _behind(answer)


def _behind(thing: Any) -> Any:
    """What a call of ``thing`` is passed on to without a line of the answer's; None for others."""
    if isinstance(thing, functools.partial):
        return thing.func
    if isinstance(thing, MethodType):
        return thing.__self__
    if isinstance(thing, functools._lru_cache_wrapper):
        return thing.__wrapped__
    if isinstance(thing, staticmethod):
        return thing.__func__
    if (type(thing).__module__, type(thing).__name__) == ("numpy", "vectorize"):
        return thing.pyfunc
    return None


class _GuardedModule(ModuleType):
    """Stands in for a module on the package that holds it, and in the answer's namespace."""

    def __init__(self, original: ModuleType, name: str) -> None:
        super().__init__(original.__name__)
        for known in ("__file__", "__path__", "__spec__"):  # asked for by whoever looks at all
            if hasattr(original, known):
                setattr(self, known, getattr(original, known))

        def reach(attribute: str) -> Any:
            value = getattr(original, attribute)
            if isinstance(value, type):
                return _guarded_class(value, name) if _by_learner() else value
            _check(name)
            return value

        self.__dict__["_reach"] = reach

    def __getattr__(self, attribute: str) -> Any:
        return self.__dict__["_reach"](attribute)


def _guarded_class(original: type, name: str) -> type:
    """A class that an answer may name, in an annotation or for ``isinstance``, and not use."""

    class Kind(type):
        def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
            raise ForbiddenUse(not_allowed(name))

        def __getattr__(cls, attribute: str) -> Any:
            raise ForbiddenUse(not_allowed(name))

        def __instancecheck__(cls, thing: Any) -> bool:
            return isinstance(thing, original)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, original)

    return Kind(original.__name__, (), {})


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


def _guard_imports(reasons: dict[str, str]) -> None:
    """Make ``import`` and ``importlib`` refuse modules to an answer, each with its reason."""
    original_import, original_import_module = builtins.__import__, importlib.import_module

    def refuse(full_names: list[str]) -> None:
        for module, reason in reasons.items():
            if any(_is_in(full_name, module) for full_name in full_names) and _by_learner():
                raise ForbiddenUse(reason)

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
