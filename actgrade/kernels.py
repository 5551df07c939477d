"""Jupyter kernels that talk over files in a folder of their own, not over TCP ports.

Two processes that look for a free port at the same moment can find the same one: a kernel then
answers the other's client, which says "Invalid Signature". A path is nobody else's.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

#: A Unix socket's path is shorter than this on every system.
LONGEST = 90


def transport() -> dict[str, Any]:
    """Traits for a kernel manager that is to be made; none where there are no such sockets."""
    if os.name != "posix":
        return {}
    from jupyter_core.paths import jupyter_runtime_dir

    folder = Path(jupyter_runtime_dir())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"kernel-{uuid.uuid4().hex}.json"
    if len(str(file)) > LONGEST:
        return {}
    return {"transport": "ipc", "connection_file": str(file)}


def patch_nbval() -> None:
    """Let nbval's kernels use it too; nbval has no option for it."""
    import nbval.kernel
    from jupyter_client.manager import KernelManager

    def manager(**traits: Any) -> KernelManager:
        return KernelManager(**{**transport(), **traits})

    nbval.kernel.KernelManager = manager
