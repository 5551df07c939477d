"""Run Python one statement at a time, where some modules are missing and output is bounded."""

from __future__ import annotations

import ast
import io
import linecache
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Write = Callable[[str, str], None]
MOST_CHARACTERS = 256 * 1024
FLUSH_CHARACTERS = 8192
FLUSH_SECONDS = 0.1

DISPLAY_NAMES = {"torch": "PyTorch", "triton": "Triton", "IPython": "IPython"}


class NotInBrowser(Exception):
    """Code uses something that does not run in a browser; the message is a clear sentence."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"this needs {sentence_for(cause)}")
        self.cause = cause


class OutputLimit(Exception):
    """A cell prints more than a page can show."""


def sentence_for(cause: str) -> str:
    """What is missing and what to do, as the end of a sentence without a full stop."""
    name = DISPLAY_NAMES.get(cause, cause)
    return f"{name}, which does not run in a browser; run it on your computer with “make lab”"


class Missing:
    """Stands for a module, function or value that is not there; every use says so."""

    def __init__(self, cause: str) -> None:
        object.__setattr__(self, "_cause", cause)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NotInBrowser(object.__getattribute__(self, "_cause"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # what libraries ask about any object
        return self._refuse()

    __call__ = __getitem__ = __setitem__ = __iter__ = __len__ = __bool__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _refuse
    __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = __pow__ = __rpow__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = __int__ = __index__ = _refuse
    __enter__ = __setattr__ = __array__ = _refuse

    def __exit__(self, *_: Any) -> None:
        """Never reached: the ``with`` statement ends when it enters."""


class Interpreter:
    """Runs code in one namespace.

    Args:
        missing: module -> what it needs that is not here, for every module that is known to be
            missing. Their import binds a :class:`Missing`; any other failed import is an error.
    """

    def __init__(self, missing: Mapping[str, str]) -> None:
        self._missing = missing
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}

    def run(self, source: str, name: str, *, lenient: bool = False) -> Any:
        """Run ``source`` and return the value of its last expression, or None.

        Args:
            source: a cell.
            name: the file name that tracebacks show.
            lenient: pass over statements that fail only because something is not here; what they
                would have defined is then missing too.

        Raises:
            Exception: whatever the code raises.
        """
        tree = ast.parse(source, name)
        lines = source.splitlines(keepends=True)
        # For tracebacks and inspect.getsource.
        linecache.cache[name] = (len(source), None, lines, name)
        value = None
        for position, node in enumerate(tree.body):
            is_last = position == len(tree.body) - 1
            try:
                value = self._statement(node, name)
            except NotInBrowser as error:
                if lenient:
                    self._mark_missing(node, error.cause)
                elif is_last or not _is_setting(node):
                    raise
            except ModuleNotFoundError as error:
                cause = self.cause(error.name or "")
                if cause is None:
                    raise
                if not lenient:
                    # A library's import of what is not here.
                    raise NotInBrowser(cause) from error
                self._mark_missing(node, cause)
        return value

    def _statement(self, node: ast.stmt, name: str) -> Any:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for part in _one_by_one(node):
                self._import(part, name)
            return None
        if isinstance(node, ast.Expr):
            code = compile(ast.Expression(node.value), name, "eval", dont_inherit=True)
            return eval(code, self.namespace)
        exec(compile(ast.Module([node], []), name, "exec", dont_inherit=True), self.namespace)
        return None

    def _import(self, node: ast.Import | ast.ImportFrom, name: str) -> None:
        code = compile(ast.Module([node], []), name, "exec", dont_inherit=True)
        try:
            exec(code, self.namespace)
        except ImportError as error:
            modules = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [self.cause(module) for module in (error.name or "", *modules)]
            cause = next((cause for cause in known if cause), None)
            if cause is None:
                raise
            self._mark_missing(node, cause)

    def cause(self, module: str) -> str | None:
        """What ``module``, or a module that it is in, lacks here; None when nothing is known."""
        while module:
            if module in self._missing:
                return self._missing[module]
            module = module.rpartition(".")[0]
        return None

    def _mark_missing(self, node: ast.stmt, cause: str) -> None:
        for name in _bound_names(node):
            self.namespace[name] = Missing(cause)


def _one_by_one(node: ast.Import | ast.ImportFrom) -> Iterator[ast.Import | ast.ImportFrom]:
    """The same imports, one name each, so that one that fails does not cost the others."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            part: ast.Import | ast.ImportFrom = ast.Import([alias])
        else:
            part = ast.ImportFrom(node.module, [alias], node.level)
        yield ast.copy_location(part, node)


def _is_setting(node: ast.stmt) -> bool:
    """Whether a statement is a bare call such as ``torch.set_num_threads(1)``."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
    )


def _bound_names(node: ast.stmt) -> Iterator[str]:
    for sub in ast.walk(node):
        if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Store):
            yield sub.id
        elif isinstance(sub, ast.alias):
            yield sub.asname or sub.name.partition(".")[0]
        elif sub is node and isinstance(sub, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield sub.name
            return


class _Stream(io.TextIOBase):
    """stdout or stderr of a cell: sends text on in pieces, and not without end."""

    encoding = "utf-8"  # type: ignore[assignment]

    def __init__(self, write: Write, name: str, budget: list[int]) -> None:
        self._write, self.name, self._budget = write, name, budget
        self._parts: list[str] = []
        self._size, self._flushed = 0, time.monotonic()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Add ``text``.

        Raises:
            OutputLimit: the cell has printed more than a page can show.
        """
        left = self._budget[0]
        self._budget[0] -= len(text)
        self._parts.append(text[: max(left, 0)])
        self._size += len(text)
        late = time.monotonic() - self._flushed > FLUSH_SECONDS
        if late or self._size > FLUSH_CHARACTERS or self._budget[0] < 0:
            self.flush()
        if self._budget[0] < 0:
            raise OutputLimit(f"it prints more than {MOST_CHARACTERS // 1024} KiB")
        return len(text)

    def flush(self) -> None:
        """Send what has been collected."""
        text = "".join(self._parts)
        self._parts, self._size, self._flushed = [], 0, time.monotonic()
        if text:
            self._write(self.name, text)


@contextmanager
def captured(write: Write) -> Iterator[None]:
    """Send what is printed inside to ``write(stream name, text)``."""
    budget = [MOST_CHARACTERS]
    streams = {name: _Stream(write, name, budget) for name in ("stdout", "stderr")}
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = streams["stdout"], streams["stderr"]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in streams.values():
            stream.flush()


def short_traceback(error: BaseException, labels: Mapping[str, str]) -> str:
    """The traceback without the frames of libraries and of this module.

    Args:
        error: what was raised.
        labels: file name of a cell -> how the reader calls it.
    """
    if isinstance(error, SyntaxError) and error.filename and error.filename in labels:
        caret = f"\n    {(error.text or '').strip()}" if error.text else ""
        return f"{labels[error.filename]}, line {error.lineno}{caret}\n{_said(error)}"
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename in labels:
            code = f"\n    {frame.line}" if frame.line else ""
            where = "" if frame.name == "<module>" else f", in {frame.name}"
            lines.append(f"{labels[frame.filename]}, line {frame.lineno}{where}{code}")
    return "\n".join([*lines, _said(error)])


def _said(error: BaseException) -> str:
    if isinstance(error, NotInBrowser):
        return str(error)[:1].upper() + str(error)[1:] + "."
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
