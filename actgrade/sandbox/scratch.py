"""The folder that kernels work in: bounded while they run, and deleted even after a kill."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

PREFIX = "actlab-"
IN_USE = ".in-use"
# How long code may write before it is looked at again; a fast disk takes 200 MB in that time.
SECONDS_BETWEEN_LOOKS = 0.2


class WorkFolder:
    """A folder in the system's temporary one that a later run deletes if this one cannot.

    Its file ``.in-use`` is locked for as long as the process lives, whatever ends it.

    Attributes:
        path: the folder; short, since a Unix socket's path may have 107 characters.
    """

    def __init__(self) -> None:
        if os.name == "posix":
            delete_abandoned(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock: IO[str] | None = None
        if os.name == "posix":
            # Locked before it has the name that others look for.
            new = self.path / f"{IN_USE}.new"
            self._lock = new.open("w")
            _try_lock(self._lock)
            new.rename(self.path / IN_USE)

    def close(self) -> None:
        """Delete the folder; again is harmless."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def delete_abandoned(parent: Path) -> None:
    """Delete the folders below ``parent`` whose process was killed."""
    for mark in parent.glob(f"{PREFIX}*/{IN_USE}"):
        # Another user's, or gone in between.
        with contextlib.suppress(OSError), mark.open("r+") as file:
            if mark.stat().st_uid == os.geteuid() and _try_lock(file):
                shutil.rmtree(mark.parent, ignore_errors=True)


def _try_lock(file: IO[str]) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def size(folder: Path, most: int) -> int:
    """Bytes on disk below ``folder``; counting stops beyond ``most``."""
    total, folders = 0, [folder]
    while folders and total <= most:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    # An empty file costs an inode, which is as scarce.
                    total += max(getattr(status, "st_blocks", 0) * 512, 4096)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                if total > most:
                    break
    return total


class Watch:
    """Ends a process that fills its folder. A single file is bounded by ``RLIMIT_FSIZE``.

    Attributes:
        is_over: whether that has happened.
    """

    def __init__(self, folder: Path, most: int, end: Callable[[], None]) -> None:
        self.is_over = False
        self._folder, self._most, self._end = folder, most, end
        self._done = threading.Event()
        threading.Thread(target=self._look, name="disk watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()

    def _look(self) -> None:
        while not self._done.wait(SECONDS_BETWEEN_LOOKS):
            if size(self._folder, self._most) > self._most:
                self.is_over = True
                self._end()
                return
