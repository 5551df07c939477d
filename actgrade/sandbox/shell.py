"""An IPython shell that sends what a cell prints, shows and raises over a pipe."""

from __future__ import annotations

import io
import pdb  # noqa: F401  imported once, in the fork server: actgrade.apart ends its set_trace
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from actgrade.sandbox.cell_names import CellNames

Send = Callable[[dict[str, Any]], None]
CHUNK = 32768
MOST_TEXT_OF_AN_ERROR = 4000
MOST_FRAMES = 12


class Outbox:
    """Where the shell puts its messages. Nothing is sent before ``send`` is set."""

    def __init__(self) -> None:
        self.send: Send = lambda content: None
        self.parent = ""
        self._lock = threading.RLock()

    def put(self, kind: str, **content: Any) -> None:
        """Send one message about the running cell."""
        with self._lock:
            self.send({"type": kind, "parent": self.parent, **content})


class WireStream(io.TextIOBase):
    """stdout or stderr of a cell: collects text and sends it in pieces."""

    encoding = "utf-8"  # type: ignore[assignment]
    errors = "backslashreplace"  # type: ignore[assignment]

    def __init__(self, outbox: Outbox, name: str) -> None:
        self._outbox, self.name = outbox, name
        self._parts: list[str] = []
        self._size = 0
        self._lock = threading.RLock()

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """Never: libraries print no colours and no progress bars."""
        return False

    def write(self, text: str) -> int:
        """Add ``text``; it goes out when there is enough of it, or on :meth:`flush`."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self._parts.append(text)
            self._size += len(text)
            if self._size >= CHUNK:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what has been collected."""
        with self._lock:
            text = "".join(self._parts)
            self._parts, self._size = [], 0
            for start in range(0, len(text), CHUNK):
                self._outbox.put("stream", name=self.name, text=text[start : start + CHUNK])


class _Publisher(DisplayPublisher):
    shell: WireShell

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        self.shell.flush_streams()
        self.shell.outbox.put("display_data", data={k: _text(v) for k, v in data.items()})

    def clear_output(self, wait=False) -> None:
        pass


class _Hook(DisplayHook):
    shell: WireShell

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        self.shell.flush_streams()
        data = {k: _text(v) for k, v in format_dict.items()}
        self.shell.outbox.put("execute_result", data=data)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


class WireShell(InteractiveShell):
    """IPython as a notebook has it (magics, top-level await, display), without a Jupyter kernel."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    def __init__(self, **keywords: Any) -> None:
        self.outbox = Outbox()
        self.streams = {name: WireStream(self.outbox, name) for name in ("stdout", "stderr")}
        super().__init__(**keywords)
        self.cell_names = CellNames(self)
        # Read by libraries that ask whether they run in a notebook.
        self.ast_node_interactivity = "last_expr"

    def flush_streams(self) -> None:
        """Send what cells have printed so far, so that order is kept."""
        for stream in self.streams.values():
            stream.flush()

    def run(self, code: str, role: str, request: str) -> None:
        """Run one cell and send everything that comes of it, then ``reply``."""
        self.outbox.parent = request
        self.cell_names.announce(role)
        # Between cells there is nowhere to print to: what a thread says then is in no cell.
        between = sys.__stdout__, sys.__stderr__
        sys.stdout, sys.stderr = self.streams["stdout"], self.streams["stderr"]
        try:
            self.run_cell(code, store_history=False, silent=False)
        except KeyboardInterrupt:
            self.showtraceback()
        finally:
            sys.stdout, sys.stderr = between
        self.flush_streams()
        self.outbox.put("reply")

    def showtraceback(self, exc_tuple=None, *_: Any, **__: Any) -> None:
        """Send the exception at once; IPython's coloured form of it costs tens of milliseconds."""
        try:
            kind, value, tb = self._get_exc_info(exc_tuple)
        except ValueError:
            return
        self._send_error(kind, value, tb)

    def showsyntaxerror(self, *_: Any, **__: Any) -> None:
        """The same for code that does not compile."""
        kind, value, _ = self._get_exc_info(None)
        self._send_error(kind, value, None)

    def _send_error(self, kind: type, value: BaseException, tb: Any) -> None:
        self.flush_streams()
        try:
            message = str(value)[:MOST_TEXT_OF_AN_ERROR]
        except Exception:
            message = "(its message cannot be shown)"
        try:
            lines = traceback.format_list(traceback.extract_tb(tb)[-MOST_FRAMES:])
            if isinstance(value, SyntaxError):
                lines = traceback.format_exception_only(kind, value)
        except Exception:
            lines = []
        lines = [line[:MOST_TEXT_OF_AN_ERROR] for line in lines]
        self.outbox.put("error", ename=kind.__name__, evalue=message, traceback=lines)

    def ask_exit(self) -> None:
        """``quit`` and ``exit`` do not end a kernel in the middle of its cells."""

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window system."""

    def init_virtualenv(self) -> None:
        """The interpreter is chosen already."""


def make_shell() -> WireShell:
    """The shell of this process; without history files, threads or start-up scripts."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.automagic = False
    config.InteractiveShell.autocall = 0
    return WireShell.instance(config=config)
