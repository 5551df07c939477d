"""Standard output and error as a command needs them: any encoding, closed, or on a full disk.

Whatever a command prints arrives somehow, or the command ends with one sentence and an exit code
that is not 0. :func:`run_command` is the frame of every command.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from actbase.errors import CommandError

EXIT_BROKEN_PIPE = 141
EXIT_INTERRUPTED = 130


class OutputError(CommandError):
    """What a command has to say cannot be written: standard output is closed, or its disk full."""


def run_command(name: str, work: Callable[[], int]) -> int:
    """Run ``work`` and return its exit code, or the one of what went wrong, said in a sentence.

    Args:
        name: what the sentence begins with, such as ``actlab grade``.
    """
    with _steady():
        code: int | None = None
        try:
            try:
                if isinstance(sys.stdout, _Closed):
                    # Before anything is done: nobody would ever see it.
                    raise OutputError("standard output is closed; send it to a file or /dev/null")
                code = work()
            finally:
                sys.stdout.flush()  # also what argparse printed before it left
        except CommandError as error:
            _say(f"{name}: {error}")
            code = error.exit_code
        except KeyboardInterrupt:
            _say(f"\n{name}: interrupted")
            code = EXIT_INTERRUPTED
        except BrokenPipeError:
            # The reader of our pipe (head, less) went away: not an error of ours.
            _drop(sys.stdout)
            code = EXIT_BROKEN_PIPE
        return code


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(sentence, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _steady() -> Iterator[None]:
    """Streams that take every sign, and whose failure is an :class:`OutputError`."""
    before = sys.stdout, sys.stderr
    for descriptor in (0, 1, 2):
        _fill(descriptor)
    sys.stdout = _Closed() if sys.stdout is None else _Output(_lenient(sys.stdout))  # type: ignore[assignment]
    if sys.stderr is None:  # print(file=None) would go to standard output
        sys.stderr = _Closed()  # type: ignore[assignment]
    else:
        _lenient(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _fill(descriptor: int) -> None:
    """Put the null device where a descriptor is closed: the next file opened would take its place.

    What C code or another process then prints would land in that file.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)


def _lenient(stream: Any) -> Any:
    """The stream, with a sign that its encoding lacks written as an escape."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        if stream.errors in (None, "strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")
    return stream


class _Output:
    """Standard output; that it cannot be written is said in a sentence, once."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._sentence():
            return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        with self._sentence():
            self._stream.writelines(lines)

    def flush(self) -> None:
        with self._sentence():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _sentence(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            _drop(self._stream)  # or the interpreter tries once more at its end, and complains
            reason = error.strerror or str(error)
            raise OutputError(f"standard output cannot be written: {reason}") from None


class _Closed:
    """A stream that is not there: takes everything, is no terminal, and has no descriptor."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def write(self, text: str) -> int:
        return len(text)

    def writelines(self, lines: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("closed")


def _drop(stream: Any) -> None:
    """Let what is still in the buffer of ``stream`` go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
