"""Run the cells that arrive on a descriptor, in an IPython shell (the engine ``pipe``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actgrade.sandbox import wire
from actgrade.sandbox.guard import Guard
from actgrade.sandbox.seeds import seed_everything
from actgrade.sandbox.shell import WireShell, make_shell

# A submission is at most this large in all, so one request is.
MOST_BYTES_OF_A_REQUEST = 16 * 2**20


def start(config: dict[str, Any], read_from: int, write_to: int) -> Callable[[], None]:
    """Prepare the shell; the result serves requests until the connection ends."""
    shell = WireShell.instance() if WireShell.initialized() else make_shell()
    shell.outbox.send = lambda content: wire.write_all(write_to, wire.pack(content))
    guard = Guard(config["forbid"], shell.user_ns)

    def serve() -> None:
        seed_everything()
        while True:
            try:
                body = wire.read_frame(read_from, MOST_BYTES_OF_A_REQUEST)
            except KeyboardInterrupt:
                continue  # it came between two cells
            if body is None:
                return
            request = wire.load(body)
            if request["role"] == "answer":
                guard.install()
            shell.run(request["code"], request["role"], request["id"])

    return serve
