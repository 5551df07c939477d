"""Delete what a learner's code has left, whatever shape that has.

:func:`shutil.rmtree` goes down by recursion and by paths: a tree of three thousand folders ends it
with :class:`RecursionError`, and a path of more than 4,096 characters names nothing. Here one
descriptor goes down into each folder and back up by ``..``, so that no more than two are open and
no path is longer than a name. Nobody moves the folders meanwhile: who made them has ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path

_HAS_DESCRIPTORS = {os.open, os.unlink, os.rmdir, os.stat} <= os.supports_dir_fd
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def remove_tree(folder: Path) -> str | None:
    """Delete ``folder`` and everything below it; links are deleted and not followed.

    Returns:
        None when nothing is left, else one reason for what is. It never raises an ``OSError``.
    """
    if not _HAS_DESCRIPTORS:
        return _by_library(folder)
    try:
        top = _open(str(folder))
    except FileNotFoundError:
        return None
    except OSError as error:
        return _reason(error)
    try:
        failed = _empty(top)
    finally:
        os.close(top)
    try:
        folder.rmdir()
    except FileNotFoundError:
        return None
    except OSError as error:
        return failed or _reason(error)
    return None


def _empty(top: int) -> str | None:
    """Delete all entries of the open folder ``top``; one reason for those that stay."""
    failed: str | None = None
    here, way = os.dup(top), [""]
    waiting = [_names(here)]
    try:
        while waiting:
            try:
                if waiting[-1]:
                    name = waiting[-1].pop()
                    if not _is_folder(name, here):
                        os.unlink(name, dir_fd=here)
                        continue
                    here = _go(here, _open(name, here))
                    way.append(name)
                    waiting.append(_names(here))
                    continue
                waiting.pop()
                name = way.pop()
                if waiting:  # back to where it stands, and away with it
                    here = _go(here, os.open("..", os.O_RDONLY | _FOLDER, dir_fd=here))
                    os.rmdir(name, dir_fd=here)
            except FileNotFoundError:
                continue
            except OSError as error:
                failed = failed or _reason(error)
    finally:
        os.close(here)
    return failed


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _go(before: int, now: int) -> int:
    os.close(before)
    return now


def _open(name: str, parent: int | None = None) -> int:
    """A descriptor of a folder, which is made accessible first where it is not."""
    try:
        opened = os.open(name, os.O_RDONLY | _FOLDER, dir_fd=parent)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        return os.open(name, os.O_RDONLY | _FOLDER, dir_fd=parent)
    with contextlib.suppress(OSError):  # somebody else's: what cannot be deleted says so itself
        os.fchmod(opened, 0o700)
    return opened


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _by_library(folder: Path) -> str | None:
    """The same where there are no descriptors of folders (Windows)."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return None
    except (OSError, RecursionError) as error:
        return _reason(error)
    return None


def _reason(error: BaseException) -> str:
    said = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {said}"
