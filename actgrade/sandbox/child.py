"""The life of a kernel process: close in, then run cells until the connection ends.

Forked from the fork server, or started on its own where there is none
(``python -m actgrade.sandbox.child``, connected by its stdin and stdout). The first frame is
its configuration; everything that limits it is in place before the next one is read.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from actgrade.sandbox import confinement, walls, wire
from actgrade.sandbox.limits import Limits

MOST_BYTES_OF_A_CONFIGURATION = 2**20
KEPT_VARIABLES = (
    *("PATH", "LANG", "LC_ALL", "TZ", "MPLBACKEND", "SYSTEMROOT"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED"),
)
INHERITED = ("SIGCHLD", "SIGHUP", "SIGQUIT", "SIGTERM")


def restore_signals() -> None:
    """What a signal does to an answer must not depend on how grading was started.

    A shell that starts a job in the background, and nohup, leave some of these ignored.
    """
    for name in INHERITED:
        if hasattr(signal, name):  # Windows has fewer
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def live(read_from: int, write_to: int, *, walled: bool = False) -> None:
    """Serve one question over two descriptors (which may be the same).

    Args:
        walled: modules that are to be absent are so already, and those to be preloaded are there,
            as in a child of the fork server.
    """
    body = wire.read_frame(read_from, MOST_BYTES_OF_A_CONFIGURATION)
    if body is None:
        return
    config = wire.load(body)
    try:
        if not walled:
            walls.put_up(config["absent"], config["preload"], Path(config["scratch"]))
        isolation = close_in(config)
        # The fork server has tried them all; to look again for one that is not there takes time.
        for name in () if walled else config["preload"]:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        if config["engine"] == "jupyter":
            from actgrade.sandbox.ipython_kernel import start
        else:
            from actgrade.sandbox.pipe_loop import start  # type: ignore[assignment]
        run = start(config, read_from, write_to)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:500]
        wire.write_all(write_to, wire.pack({"type": "failed", "reason": reason}))
        return
    wire.write_all(write_to, wire.pack({"type": "ready", "isolation": isolation}))
    run()


def close_in(config: dict[str, Any]) -> str:
    """Apply everything that limits this process.

    Returns:
        ``landlock+seccomp+rlimits``, or ``"none: "`` and the reason.
    """
    scratch, limits = Path(config["scratch"]), Limits(**config["limits"])
    os.chdir(scratch)
    tempfile.tempdir = str(scratch)
    for name in list(os.environ):
        if name not in KEPT_VARIABLES:
            del os.environ[name]
    for name in ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "XDG_CACHE_HOME"):
        os.environ[name] = str(scratch)
    sys.path[:] = [entry for entry in sys.path if entry]
    confinement.limit_resources(limits)
    reason = confinement.missing()
    if reason is None:
        confinement.isolate(scratch, config["preload"], unix_sockets=config["engine"] == "jupyter")
        return confinement.ISOLATED
    return f"none: {reason}"


def main() -> None:
    """Entry point of a kernel that was started rather than forked."""
    read_from, write_to = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    restore_signals()
    live(read_from, write_to)


if __name__ == "__main__":
    main()
