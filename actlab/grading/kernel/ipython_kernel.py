"""A real ipykernel inside a kernel process (the engine ``jupyter``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def serve(config: dict[str, Any], ready: Callable[[], None]) -> None:
    """Run an ipykernel until it is told to stop."""
    raise NotImplementedError
