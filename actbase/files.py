"""Write a file so that it is whole at every moment, and nothing but files is ever replaced."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

# The name of an open descriptor of this process (``/dev/stdout`` leads there).
_DESCRIPTOR = re.compile(rf"/(?:proc/(?:self|{os.getpid()})|dev)/fd/(\d+)")


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` into ``path`` in one step, or leave it as it was.

    A link stays a link, also one to a file that is still to be made. An existing file keeps its
    mode, a new one has what the umask allows. What is no regular file (a device, a FIFO, an open
    descriptor such as ``/dev/stdout``) is written into, as the shell's ``>`` does, and stays what
    it is.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    if _is_written_into(path):
        _write_into(path, data)
        return
    try:
        path = path.resolve()
    except RuntimeError:  # what Python before 3.13 says of links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None
    descriptor, name = tempfile.mkstemp(prefix=".writing-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read.
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def why_not_written(path: Path) -> str | None:
    """Why nothing can be written to ``path``, as far as a look tells; None when it seems to do.

    For a command that works for minutes before it writes. Nothing is opened.
    """
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return None if path.resolve().parent.is_dir() else f"there is no folder {path.parent}"
    except OSError as error:  # links in a circle, a folder that may not be read
        return error.strerror or str(error)
    if stat.S_ISDIR(kind):
        return "it is a folder"
    return "it is a socket" if stat.S_ISSOCK(kind) else None


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as readable JSON, in one step.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    replace_file(path, text.encode("utf-8", "backslashreplace"))


def remove_file(path: Path) -> None:
    """Delete a regular file, if there is one; a link, a device or a FIFO stays.

    Raises:
        OSError: there is one, and it cannot be deleted.
    """
    if path.is_file() and not path.is_symlink():
        path.unlink()


def _is_written_into(path: Path) -> bool:
    try:
        kind = path.stat().st_mode
    except OSError:
        return False  # there is nothing yet, or the attempt to write says what is wrong
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return not stat.S_ISREG(kind) or _descriptor(path) is not None


def _descriptor(path: Path) -> int | None:
    """The open descriptor that ``path`` names, when links lead to one."""
    for _ in range(40):
        match = _DESCRIPTOR.fullmatch(str(path.absolute()))
        if match:
            return int(match[1])
        try:
            path = path.parent / path.readlink()
        except OSError:
            return None
    return None


def _write_into(path: Path, data: bytes) -> None:
    number = _descriptor(path)
    if number is None:
        # Neither made nor emptied: what is there stays what it is.
        number = os.open(path, os.O_WRONLY)
    else:
        # Opened anew, it would begin at its start, over what was printed before.
        with contextlib.suppress(AttributeError, ValueError):
            sys.stdout.flush()
        number = os.dup(number)
    with os.fdopen(number, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
