"""Bounds that are kept from outside: looked at a few times a second, while code runs.

A process bounds itself by resource limits, and those have holes: shared memory is no data segment,
a deleted file that is still open lies in no folder, a thread costs no memory that is counted. What
the kernel process really uses, the files below ``/proc`` say, and it cannot change them. Elsewhere
than on Linux only the folder is watched.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actgrade.sandbox.cgroup import Group
from actgrade.sandbox.limits import Limits
from actgrade.sandbox.scratch import size

# How long code may go on before it is looked at again; a fast disk takes 200 MB in that time.
SECONDS_BETWEEN_LOOKS = 0.2
_KILOBYTES = ("RssAnon", "RssShmem", "VmSwap", "VmPTE")


@dataclass(frozen=True)
class Use:
    """What a process uses.

    Attributes:
        memory: bytes in memory or swapped out, shared ones and page tables among them.
        threads: how many.
        hidden: bytes on disk of files that it has deleted and still holds open or mapped.
    """

    memory: int = 0
    threads: int = 0
    hidden: int = 0


def use_of(pid: int) -> Use:
    """What process ``pid`` uses now; zeros when it is gone or the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return Use()
    said = dict(line.split(":", 1) for line in lines if ":" in line)
    memory = sum(1024 * int(said[name].split()[0]) for name in _KILOBYTES if name in said)
    return Use(memory, int(said.get("Threads", "0")), _hidden(pid))


def _hidden(pid: int) -> int:
    """Bytes of deleted files that are open or mapped, each file counted once."""
    files: dict[tuple[int, int], int] = {}
    with contextlib.suppress(OSError):
        for opened in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                status = opened.stat()
                if status.st_nlink == 0:
                    files[status.st_dev, status.st_ino] = status.st_blocks * 512
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
            if not line.endswith("(deleted)") or "/dev/zero" in line:
                continue
            span, _, _, device, inode = line.split(None, 5)[:5]
            low, high = (int(end, 16) for end in span.split("-"))
            major, minor = (int(part, 16) for part in device.split(":"))
            files.setdefault((os.makedev(major, minor), int(inode)), high - low)
    return sum(files.values())


class Watch:
    """Ends a process that fills its folder, the memory or the table of threads.

    Args:
        folder: where it writes.
        end: ends it.
        group: the control group that it is in, if there is one.
    """

    def __init__(
        self,
        folder: Path,
        pid: int,
        limits: Limits,
        end: Callable[[], None],
        group: Group | None = None,
    ) -> None:
        self._seen: tuple[str, str] | None = None
        self._group = group
        self._folder, self._pid, self._limits, self._end = folder, pid, limits, end
        # What the fork server has loaded is not the learner's.
        self._before = use_of(pid)
        self._done = threading.Event()
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    @property
    def reason(self) -> tuple[str, str] | None:
        """Why it was ended: the kind of loss and a sentence; None when it was not."""
        if self._seen is None and self._group is not None:
            return self._group.excess()
        return self._seen

    def stop(self) -> None:
        """Look no more."""
        self._done.set()

    def close(self) -> None:
        """Delete the group, now that the process is gone."""
        if self._group is not None:
            self._group.remove()

    def _look(self) -> None:
        while not self._done.wait(SECONDS_BETWEEN_LOOKS):
            self._seen = self.excess()
            if self._seen is not None:
                self._end()
                return

    def excess(self) -> tuple[str, str] | None:
        """The kind of loss and the sentence for what is used too much of, or None."""
        limits, use = self._limits, use_of(self._pid)
        written = size(self._folder, limits.disk_bytes) + use.hidden - self._before.hidden
        if written > limits.disk_bytes:
            return "disk", "it writes too much"
        if use.memory - self._before.memory > limits.memory_bytes:
            return "memory", "it uses too much memory"
        if use.threads > limits.threads:
            return "threads", "it starts too many threads"
        return None
