"""The warm process that kernels are forked from: libraries imported, nothing secret inside.

It never sees a notebook. A request on its control socket carries one descriptor, the kernel's end
of a connection to the grading process; the answer carries the pid and a pidfd of the new child. It
ends when the control socket does, and its children end with it.

Forking needs a process with a single thread, which is why the thread pools of BLAS and OpenMP are
switched off, and why this exists on Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
READY = b"ready"


def serve(control: socket.socket, preload: list[str], absent: list[str]) -> None:
    """Import ``preload``, wall ``absent`` off, then fork a kernel for every request."""
    # What every child needs is imported here once, whether or not this function uses it.
    import resource  # noqa: F401

    from actgrade import exercise  # noqa: F401
    from actgrade.sandbox import (
        child,  # noqa: F401
        confinement,
        ipython_kernel,
        pipe_loop,  # noqa: F401
        seeds,
        shell,
        walls,
    )

    if "ipykernel" in preload:
        ipython_kernel.preload()
        # A kernel is told the others alone, and finds what is prepared for these.
        preload = [name for name in preload if name != "ipykernel"]
    for name in preload:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # Everything below is done here once, and is there in every child.
    for unix_sockets in (False, True):
        confinement.prepare(preload, unix_sockets=unix_sockets)
    walls.put_up(absent, preload, Path.cwd())
    seeds.seed_everything()
    shell.make_shell().run("0", "other", "warm-up")
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every inherited page
    signal.signal(signal.SIGCHLD, _reap)
    libc = ctypes.CDLL(None, use_errno=True)
    control.sendall(READY)
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not request or not descriptors:
            return
        pid, pidfd = _fork(control, descriptors[0], libc)
        os.close(descriptors[0])
        socket.send_fds(control, [json.dumps({"pid": pid}).encode()], [pidfd])
        os.close(pidfd)


def _reap(*_: Any) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fork(control: socket.socket, connection: int, libc: Any) -> tuple[int, int]:
    # A child that dies at once must not be reaped before its pidfd is open.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    server = os.getpid()
    pid = os.fork()
    if pid:
        pidfd = os.pidfd_open(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return pid, pidfd
    status = 1
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(1)
        _become_kernel(control, connection)
        status = 0
    finally:
        os._exit(status)


def _become_kernel(control: socket.socket, connection: int) -> None:
    """In the child: keep the connection and nothing else of the server, then run cells."""
    from actgrade.sandbox.child import live, restore_signals

    os.setsid()
    restore_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    control.detach()  # or its end of life would close a descriptor that is somebody else's by then
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    kept = os.dup2(connection, 3, inheritable=False) if connection != 3 else 3
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    live(kept, kept, walled=True)


def main() -> None:
    """Entry point: ``forkserver CONTROL_FD ABSENT,... MODULE...``."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # Ctrl-C in a terminal goes to the whole group; the grading process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(control, sys.argv[3:], [name for name in sys.argv[2].split(",") if name])


if __name__ == "__main__":
    main()
