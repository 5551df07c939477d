"""The folder that kernels work in, deleted even after a kill, and how much is in it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from actgrade.sandbox.removal import remove_tree

PREFIX = "actlab-"
IN_USE = ".in-use"


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
        """Delete the folder; again is harmless. What cannot be deleted is said once, on stderr."""
        report(self.path, remove_tree(self.path))
        if self._lock is not None:
            self._lock.close()


def delete_abandoned(parent: Path) -> None:
    """Delete the folders below ``parent`` whose process was killed."""
    for mark in parent.glob(f"{PREFIX}*/{IN_USE}"):
        # Another user's, or gone in between.
        with contextlib.suppress(OSError), mark.open("r+") as file:
            if mark.stat().st_uid == os.geteuid() and _try_lock(file):
                report(mark.parent, remove_tree(mark.parent))


_reported: set[Path] = set()


def report(folder: Path, reason: str | None) -> None:
    """Say that ``folder`` is still there: once for each, and never as an exception."""
    if reason is not None and folder not in _reported:
        _reported.add(folder)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{folder} could not be deleted ({reason}); you may delete it.\n")


def _try_lock(file: IO[str]) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def size(folder: Path, most: int) -> int:
    """Bytes on disk below ``folder``; counting stops beyond ``most``.

    A folder that cannot be looked into, for its path is too long or its mode forbids it, counts as
    more than ``most``: what it holds cannot be bounded.
    """
    total, folders = 0, [str(folder)]
    while folders and total <= most:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    # An empty file costs an inode, which is as scarce.
                    total += max(getattr(status, "st_blocks", 0) * 512, 4096)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    if total > most:
                        break
        except (FileNotFoundError, NotADirectoryError):
            continue  # deleted while we looked
        except OSError:
            return most + 1
    return total
