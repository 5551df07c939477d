"""The child process in which the function under audit runs, and the time that it is given.

The parent never imports what it audits. It asks a child for one step after another and waits; a
child that takes too long is killed and a new one started for the next step, and one that dies says
with which signal. What the function prints goes nowhere.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from actbase.errors import first_line
from actlab.audit.target import Target, TargetError

#: A child that the parent has forgotten ends itself so long after its time is up.
_GRACE_SECONDS = 5
#: Loading PyTorch from a cold disk.
START_SECONDS = 180.0


class StageError(RuntimeError):
    """A step did not finish.

    Attributes:
        code: ``hangs``, ``crashes``, ``not-finished`` (a mistake of the audit's own), or the code
            of what the function did.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _context() -> Any:
    """Children come from a server that has PyTorch loaded, where there are such servers."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["actlab.audit.preloaded"])
        return context
    return multiprocessing.get_context("spawn")


class Worker:
    """A child for one target; start it with the first :meth:`ask`, end it with :meth:`close`."""

    def __init__(self, target: Target, *, quick: bool) -> None:
        self.target, self.quick = target, quick
        self._process: Any = None
        self._pipe: Any = None
        #: Processor time of the last step that was done: what a busy machine does not stretch.
        self.cpu_seconds = 0.0

    def _start(self) -> None:
        context = _context()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self.target, self.quick), daemon=True
        )
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START_SECONDS):
            self.close()
            raise StageError("not-finished", "the child process did not start")
        with contextlib.suppress(EOFError):
            self._pipe.recv()  # it is ready

    def ask(
        self,
        stage: str,
        seconds: float,
        options: dict[str, Any] | None = None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> dict[str, Any]:
        """Have one step done.

        Raises:
            TargetError: the function cannot be imported.
            StageError: the step took longer than ``seconds``, its process died, or it failed.
        """
        if self._process is None:
            self._start()
        deadline = time.monotonic() + seconds
        try:
            self._pipe.send((stage, options or {}, seconds))
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not self._pipe.poll(left):
                    self.close()
                    raise StageError("hangs", f"it did not come back within {seconds:g} seconds")
                kind, content = self._pipe.recv()
                if kind == "progress":
                    progress(content)
                    continue
                break
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise StageError("crashes", self._how_it_died()) from None
        if kind == "done":
            result, self.cpu_seconds = content
            return result
        code, message = content
        if code == "target":
            raise TargetError(message)
        raise StageError(code, message)

    def _how_it_died(self) -> str:
        process = self._process
        process.join(5)
        code = process.exitcode
        self.close()
        if code is not None and code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"its process was killed by {name}"
        return f"its process ended with exit code {code}"

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._process is None:
            return
        self._process.kill()
        self._process.join(10)
        self._pipe.close()
        self._process = None


# --- the child ------------------------------------------------------------------------------------


def _serve(pipe: Any, target: Target, quick: bool) -> None:
    """Do steps until the parent goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and ends us
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    _one_thread()
    from actlab.audit.stages import STAGES, State

    state = State(target, quick, lambda text: pipe.send(("progress", text)))
    pipe.send(("ready", None))
    while True:
        try:
            stage, options, seconds = pipe.recv()
        except EOFError:
            return
        _alarm(seconds)
        answer: tuple[str, Any]
        start = time.process_time()
        try:
            result = STAGES[stage](state, options)
            answer = ("done", (result, time.process_time() - start))
        except BaseException as error:  # also SystemExit: the function may want to leave
            answer = ("failed", _reason(error))
        _alarm(0)
        pipe.send(answer)


def _reason(error: BaseException) -> tuple[str, str]:
    from actlab.audit.subject import SubjectError

    if isinstance(error, TargetError):
        return "target", str(error)
    if isinstance(error, SubjectError):
        return error.code, str(error)
    why = first_line(error)
    message = f"{type(error).__name__}{': ' if why else ''}{why}"
    if isinstance(error, SystemExit):
        return "raises", f"it ends the program ({message})"
    return "not-finished", message


def _one_thread() -> None:
    """Sums come out the same on every machine, and times can be compared."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    with contextlib.suppress(ImportError):
        import torch

        torch.set_num_threads(1)


def _alarm(seconds: float) -> None:
    """Let the system end this process, should nobody else be there to do it."""
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds) + _GRACE_SECONDS if seconds else 0)
