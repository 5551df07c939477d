"""A real ipykernel inside a kernel process (the engine ``jupyter``)."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Any

ROLE_KEY = "actlab_role"
_IMPORTED_ON_START = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "tornado.queues",
)


def preload() -> None:
    """Import what an ipykernel imports while it starts; without its debugger, the larger part."""
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]
    for name in _IMPORTED_ON_START:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def start(config: dict[str, Any], read_from: int, write_to: int) -> Callable[[], None]:
    """Bind the sockets that the file ``config["connection"]`` names; the result serves them."""
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    preload()
    from IPython.core.interactiveshell import InteractiveShell

    from actgrade.sandbox.cell_names import CellNames
    from actgrade.sandbox.guard import Guard
    from actgrade.sandbox.seeds import seed_everything
    from actgrade.sandbox.shell import WireShell

    # The fork server's shell is of the other engine; both want to be the only one.
    with contextlib.suppress(Exception):
        WireShell.clear_instance()
    InteractiveShell._instance = None

    class RoleKernel(IPythonKernel):
        """Told by each request which role its cell has."""

        guard: Guard
        shell: Any
        cell_names: CellNames | None = None

        async def do_execute(self, code: str, *arguments: Any, **keywords: Any) -> Any:
            role = str((keywords.get("cell_meta") or {}).get(ROLE_KEY, "other"))
            if self.cell_names is None:
                self.cell_names = CellNames(self.shell)
                self.guard = Guard(config["forbid"], self.shell.user_ns)
                seed_everything()
            if role == "answer":
                self.guard.install()
            self.cell_names.announce(role)
            return await super().do_execute(code, *arguments, **keywords)

    app = IPKernelApp.instance(kernel_class=RoleKernel)
    app.connection_file = config["connection"]
    app.parent_handle = 0  # its own watch on its parent: death of the parent ends us anyway
    app.quiet = True
    app.capture_fd_output = False  # prints of C code are not compared, and the watch costs threads
    app.initialize(["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"])
    return app.start
