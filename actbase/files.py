"""Write a file so that it is whole at every moment."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def replace_file(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step, or leave it as it was.

    A link stays a link. An existing file keeps its mode, a new one has what the umask allows.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    path = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
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


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as readable JSON, in one step.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    replace_file(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
