"""Bound a kernel's memory and threads by a control group of its own, where Linux lends us a part.

A group of version 2 is used when it is ours to divide: its folder can be written to, it has the
controllers ``memory`` and ``pids``, and nobody but this process lives in it, as in a unit with
``Delegate=yes`` or in a container::

    systemd-run --user --scope -p Delegate=yes actlab class grade submissions.zip --out grades

A group that has processes cannot be divided, so this process moves into a group below it first.
Everywhere else nothing is touched, and :mod:`actgrade.sandbox.watch` looks from outside.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from pathlib import Path

from actgrade.sandbox.limits import Limits

CONTROLLERS = frozenset({"memory", "pids"})
GRADER = "actlab-grader"
_numbers = itertools.count()


class Group:
    """A control group for one kernel.

    Attributes:
        folder: its folder in the file system of control groups.
    """

    def __init__(self, base: Path, limits: Limits) -> None:
        self.folder = base / f"actlab-{os.getpid()}-{next(_numbers)}"
        self.folder.mkdir()
        try:
            # What the fork server has loaded stays on its account, not on this one's.
            _write(self.folder / "memory.max", limits.memory_bytes)
            _write(self.folder / "pids.max", limits.threads)
            for name, value in (("memory.swap.max", 0), ("memory.oom.group", 1)):
                with contextlib.suppress(OSError):  # not on every kernel
                    _write(self.folder / name, value)
        except OSError:
            self.remove()
            raise

    def take(self, pid: int) -> None:
        """Move process ``pid``, which has a single thread, into the group.

        Raises:
            OSError: it is gone, or the system refuses.
        """
        _write(self.folder / "cgroup.procs", pid)

    def excess(self) -> tuple[str, str] | None:
        """What the kernel was ended for or refused, as :meth:`.watch.Watch.excess` says it."""
        if _count(self.folder / "memory.events", "oom_kill"):
            return "memory", "it uses too much memory"
        return None

    def remove(self) -> None:
        """End whatever still lives in the group, and delete it."""
        with contextlib.suppress(OSError):
            _write(self.folder / "cgroup.kill", 1)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def group_for(pid: int, limits: Limits) -> Group | None:
    """A new group with process ``pid`` in it, or None where this process has none to divide."""
    base = delegated()
    if base is None:
        return None
    try:
        group = Group(base, limits)
    except OSError:
        return None
    try:
        group.take(pid)
    except OSError:
        group.remove()
        return None
    return group


@functools.lru_cache(maxsize=1)
def delegated() -> Path | None:
    """The folder in which groups for kernels can be made, or None."""
    own = own_group()
    try:
        return None if own is None else divide(own, os.getpid())
    except OSError:
        return None


def own_group(proc: Path = Path("/proc/self")) -> Path | None:
    """The folder of the version 2 group that this process is in, or None where there is none.

    Args:
        proc: what the kernel says about a process.
    """
    try:
        groups = (proc / "cgroup").read_text().splitlines()
        mounts = (proc / "mountinfo").read_text().splitlines()
    except OSError:
        return None
    name = next((line[3:] for line in groups if line.startswith("0::")), None)
    if name is None:
        return None
    for line in mounts:
        # 35 24 0:30 /root /mount/point options - cgroup2 source options
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        if after.startswith("cgroup2 ") and Path(name).is_relative_to(root):
            return Path(point) / Path(name).relative_to(root)
    return None


def divide(own: Path, pid: int) -> Path | None:
    """Make ``own`` ready for groups below it, if it is ours; its folder, or that of its parent.

    Args:
        own: the folder of the group that process ``pid`` is in.

    Raises:
        OSError: the system refused, and left things as they were.
    """
    if own.name.startswith(GRADER) and _enabled(own.parent) >= CONTROLLERS:
        return own.parent  # the process that started this one has done it
    if not os.access(own / "cgroup.subtree_control", os.W_OK) or not os.access(own, os.W_OK):
        return None
    if not _words(own / "cgroup.controllers") >= CONTROLLERS:
        return None
    if _words(own / "cgroup.procs") != {str(pid)}:
        return None
    leaf = own / f"{GRADER}-{pid}"
    leaf.mkdir()
    try:
        _write(leaf / "cgroup.procs", pid)
        _write(own / "cgroup.subtree_control", "+memory +pids")
    except OSError:
        with contextlib.suppress(OSError):
            _write(own / "cgroup.procs", pid)
        leaf.rmdir()
        raise
    return own


def _enabled(folder: Path) -> set[str]:
    if not os.access(folder, os.W_OK):
        return set()
    return _words(folder / "cgroup.subtree_control")


def _words(file: Path) -> set[str]:
    try:
        return set(file.read_text().split())
    except OSError:
        return set()


def _count(file: Path, name: str) -> int:
    try:
        said = dict(line.split() for line in file.read_text().splitlines())
        return int(said.get(name, 0))
    except (OSError, ValueError):
        return 0


def _write(file: Path, value: object) -> None:
    """Write to a file that the kernel reads; it has to exist."""
    with file.open("r+" if file.name != "cgroup.kill" else "w") as stream:
        stream.write(str(value))
