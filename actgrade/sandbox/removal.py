"""Delete what a learner's code has left, whatever shape that has.

:func:`shutil.rmtree` goes down by recursion and by paths: a tree of three thousand folders ends it
with :class:`RecursionError`, and a path of more than 4,096 characters names nothing. Here a folder
that stands in another is lifted to the top before it is emptied, so that no more than two
descriptors are open and no path is longer than a name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path

_HAS_DESCRIPTORS = {os.open, os.unlink, os.rmdir, os.rename, os.stat} <= os.supports_dir_fd
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
    refused: set[str] = set()
    lifted = 0
    while True:
        with os.scandir(top) as entries:
            names = [entry.name for entry in entries if entry.name not in refused]
        if not names:
            return failed
        for name in names:
            try:
                if not _is_folder(name, top):
                    os.unlink(name, dir_fd=top)
                    continue
                lifted = _lift(name, top, lifted)
                os.rmdir(name, dir_fd=top)
            except FileNotFoundError:
                continue
            except OSError as error:
                refused.add(name)
                failed = failed or _reason(error)


def _lift(name: str, top: int, lifted: int) -> int:
    """Delete the files of one folder in ``top`` and move its folders up to ``top``."""
    inner = _open(name, top)
    try:
        with os.scandir(inner) as entries:
            names = [entry.name for entry in entries]
        for entry in names:
            if not _is_folder(entry, inner):
                os.unlink(entry, dir_fd=inner)
                continue
            with contextlib.suppress(OSError):  # moving a folder writes its link to its parent
                os.chmod(entry, 0o700, dir_fd=inner)
            while True:
                lifted += 1
                new = f"lifted-{lifted}"
                try:
                    os.stat(new, dir_fd=top, follow_symlinks=False)
                except FileNotFoundError:
                    break
            os.rename(entry, new, src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    return lifted


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
