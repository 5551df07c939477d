"""Bounds that are kept from outside: looked at a few times a second, and after every cell.

A process bounds itself by resource limits, and those have holes: shared memory is no data segment,
a deleted file that is still open lies in no folder, a thread costs no memory that is counted. What
the kernel process really uses, the files below ``/proc`` say, and it cannot change them. Elsewhere
than on Linux only the folder is watched.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actgrade.sandbox.cgroup import Group
from actgrade.sandbox.limits import Limits
from actgrade.sandbox.scratch import size

# How long code may go on before it is looked at again; a fast disk takes 200 MB in that time.
SECONDS_BETWEEN_LOOKS = 0.2
_MEMORY = (b"RssAnon", b"RssShmem", b"VmSwap", b"VmPTE")
_SAID = re.compile(rb"^(%s|VmSize|Threads):\s*(\d+)" % b"|".join(_MEMORY), re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """What a process uses.

    Attributes:
        memory: bytes in memory or swapped out, shared ones and page tables among them.
        addresses: bytes that have an address, in memory or not.
        threads: how many.
    """

    memory: int = 0
    addresses: int = 0
    threads: int = 0


def use_of(pid: int) -> Use:
    """What process ``pid`` uses now; zeros when it is gone or the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return Use()
    said = {name: int(number) for name, number in _SAID.findall(status)}
    memory = 1024 * sum(said.get(name, 0) for name in _MEMORY)
    return Use(memory, 1024 * said.get(b"VmSize", 0), said.get(b"Threads", 0))


def hidden(pid: int, *, mapped: bool = True) -> int:
    """Bytes on disk of deleted files that a process holds open, each file counted once.

    Args:
        mapped: those too that it has mapped, which takes ten times as long.
    """
    files: dict[tuple[int, int], int] = {}
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                status = descriptor.stat()
                if status.st_nlink == 0:
                    files[status.st_dev, status.st_ino] = status.st_blocks * 512
    with contextlib.suppress(OSError, ValueError):
        maps = Path(f"/proc/{pid}/maps").read_bytes() if mapped else b""
        for line in maps.splitlines() if b"(deleted)\n" in maps else ():
            if not line.endswith(b"(deleted)") or b"/dev/zero" in line:
                continue
            span, _, _, device, inode = line.split(None, 5)[:5]
            low, high = (int(end, 16) for end in span.split(b"-"))
            major, minor = (int(part, 16) for part in device.split(b":"))
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
        self._hidden_before = hidden(pid)
        self._done = threading.Event()
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    @property
    def reason(self) -> tuple[str, str] | None:
        """Why it was ended: the kind of loss and a sentence; None when it was not."""
        if self._seen is None and self._group is not None:
            return self._group.excess()
        return self._seen

    def look(self, *, quickly: bool = False) -> tuple[str, str] | None:
        """Look now; the reason to end the process, if there is one.

        What a cell leaves must not count or not count by when it was looked at last.

        Args:
            quickly: look for mapped files only where enough more has an address than before.
        """
        excess = self.excess(quickly=quickly)
        if excess is not None and self._seen is None:
            self._seen = excess
        return self.reason

    def stop(self) -> None:
        """Look no more."""
        self._done.set()

    def close(self) -> None:
        """Delete the group, now that the process is gone."""
        if self._group is not None:
            self._group.remove()

    def _look(self) -> None:
        while not self._done.wait(SECONDS_BETWEEN_LOOKS):
            if self.look() is not None:
                self._end()
                return

    def excess(self, *, quickly: bool = False) -> tuple[str, str] | None:
        """The kind of loss and the sentence for what is used too much of, or None."""
        limits, use = self._limits, use_of(self._pid)
        if self._written(use.addresses if quickly else None) > limits.disk_bytes:
            return "disk", "it writes too much"
        if use.memory - self._before.memory > limits.memory_bytes:
            return "memory", "it uses too much memory"
        if use.threads > limits.threads:
            return "threads", "it starts too many threads"
        return None

    def _written(self, addresses: int | None) -> int:
        """Bytes of files in the folder, and of those that were deleted and are held.

        With what has ``addresses`` now it may be a bound of that, where one is enough.
        """
        most = self._limits.disk_bytes
        written = size(self._folder, most)
        if addresses is not None:
            mapped = max(0, addresses - self._before.addresses)
            bound = written + hidden(self._pid, mapped=False) + mapped
            if bound <= most:
                return bound
        return written + hidden(self._pid) - self._hidden_before
