"""Single keys from a terminal, which is left as it was found, however the program ends."""

from __future__ import annotations

import _thread
import contextlib
import os
import queue
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

READ_SECONDS = 0.1


class Keyboard:
    """Keys without Enter and without echo, while used as a context manager.

    Where standard input or output is no terminal, or this process runs in the background of one,
    there are no keys and nothing is touched.

    Keys are read by a thread, so that ``urgent`` ones reach a program that is busy: while
    :attr:`is_busy` is set they interrupt it, as Ctrl-C does, and :attr:`interrupted_by` names them.

    SIGTERM and SIGHUP interrupt as Ctrl-C does, so that the terminal is restored and no process is
    left; :attr:`signal` is then the number of the signal. Ctrl-Z gives the terminal back until the
    program goes on.
    """

    def __init__(self, urgent: str = "q") -> None:
        self.is_busy = False
        self.interrupted_by = ""
        self.signal = 0
        self._urgent = urgent
        self._keys: queue.Queue[str] = queue.Queue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._saved: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self.has_keys = False

    def __enter__(self) -> Keyboard:
        self.has_keys = _has_terminal()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            self._handle(name, self._end)
        if self.has_keys:
            if os.name == "posix":
                self._handle("SIGTSTP", self._suspend)
                self._raw()
            self._thread = threading.Thread(target=self._read, name="keys", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._restore()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._thread is not None:
            self._thread.join(2)

    def wait(self, seconds: float) -> str | None:
        """The next key, in lower case; None when none was pressed in time."""
        if not self.has_keys:
            time.sleep(seconds)
            return None
        try:
            return self._keys.get(timeout=seconds)
        except queue.Empty:
            return None

    def _handle(self, name: str, handler: Any) -> None:
        number = getattr(signal, name, None)
        # Who started us with 'nohup' wants us to stay.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            self._handlers[number] = signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        raise KeyboardInterrupt

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self._restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stops here until the shell continues us
        signal.signal(number, self._suspend)
        self._raw()

    def _raw(self) -> None:
        import termios

        descriptor = sys.stdin.fileno()
        self._saved = termios.tcgetattr(descriptor)
        quiet = termios.tcgetattr(descriptor)
        # Ctrl-C keeps its meaning (ISIG), and line ends on the screen theirs (OPOST).
        quiet[3] &= ~(termios.ICANON | termios.ECHO)
        quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
        termios.tcsetattr(descriptor, termios.TCSANOW, quiet)

    def _restore(self) -> None:
        if self._saved is None:
            return
        import termios

        # The terminal itself may be gone (SIGHUP).
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._saved)
        self._saved = None

    def _read(self) -> None:
        while not self._stop.is_set():
            for key in _pressed(READ_SECONDS):
                key = key.lower()
                if self.is_busy and key in self._urgent:
                    self.interrupted_by = key
                    _interrupt_main()
                else:
                    self._keys.put(key)


def _has_terminal() -> bool:
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        # A job in the background would be stopped for touching the terminal.
        return os.name != "posix" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return False


def _pressed(seconds: float) -> str:
    """What was typed within ``seconds``."""
    if os.name != "posix":
        import msvcrt

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if msvcrt.kbhit():  # type: ignore[attr-defined]
                return msvcrt.getwch()  # type: ignore[attr-defined]
            time.sleep(0.02)
        return ""
    import select

    descriptor = sys.stdin.fileno()
    try:
        if not select.select([descriptor], [], [], seconds)[0]:
            return ""
        data = os.read(descriptor, 64)
    except OSError:
        data = b""
    if not data:
        time.sleep(seconds)  # the terminal is gone; its SIGHUP ends us
    return "" if data.startswith(b"\x1b") else data.decode(errors="ignore")


def _interrupt_main() -> None:
    if os.name == "posix":
        # A real signal, unlike interrupt_main's, also wakes a call that waits.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
