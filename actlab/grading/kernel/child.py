"""The life of a kernel process: close in, then run cells until the connection ends.

Forked from the fork server, or started on its own where there is none
(``python -m actlab.grading.kernel.child``, connected by its stdin and stdout). The first frame is
its configuration; everything that limits it is in place before the next one is read.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from actlab.grading.kernel import sandbox, wire
from actlab.grading.kernel.limits import Limits

# A submission is at most this large in all, so one request is.
MOST_BYTES_OF_A_REQUEST = 16 * 2**20
KEPT_VARIABLES = (
    *("PATH", "LANG", "LC_ALL", "TZ", "MPLBACKEND", "SYSTEMROOT"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED"),
)


def live(read_from: int, write_to: int) -> None:
    """Serve one question over two descriptors (which may be the same)."""
    body = wire.read_frame(read_from, MOST_BYTES_OF_A_REQUEST)
    if body is None:
        return
    config = wire.load(body)
    isolation = close_in(config)
    seed_everything()
    if config["engine"] == "jupyter":
        from actlab.grading.kernel.ipython_kernel import serve

        serve(config, lambda: _say_ready(write_to, isolation))
    else:
        serve_pipe(config, read_from, write_to, isolation)


def _say_ready(write_to: int, isolation: str) -> None:
    wire.write_all(write_to, wire.pack({"type": "ready", "isolation": isolation}))


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
    sandbox.limit_resources(limits)
    reason = sandbox.missing()
    if reason is None:
        sandbox.isolate(scratch, unix_sockets=config["engine"] == "jupyter")
        return sandbox.ISOLATED
    return f"none: {reason}"


def seed_everything() -> None:
    """Give reference and answer the same global random state."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
        sys.modules["torch"].set_num_threads(1)


def serve_pipe(config: dict[str, Any], read_from: int, write_to: int, isolation: str) -> None:
    """Run the cells that arrive, in an IPython shell, until the connection ends."""
    from actlab.grading.kernel.guard import Guard
    from actlab.grading.kernel.shell import WireShell, make_shell

    shell = WireShell.instance() if WireShell.initialized() else make_shell()
    shell.outbox.send = lambda content: wire.write_all(write_to, wire.pack(content))
    guard = Guard(config["forbid"], shell.user_ns, Path(config["scratch"]))
    _say_ready(write_to, isolation)
    while True:
        try:
            body = wire.read_frame(read_from, MOST_BYTES_OF_A_REQUEST)
        except KeyboardInterrupt:
            continue  # it came between two cells
        if body is None:
            return
        request = wire.load(body)
        if request["role"] == "answer":
            guard.install()
        shell.run(request["code"], request["role"], request["id"])


def main() -> None:
    """Entry point of a kernel that was started rather than forked."""
    read_from, write_to = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    live(read_from, write_to)


if __name__ == "__main__":
    main()
