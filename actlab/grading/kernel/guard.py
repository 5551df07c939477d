"""Take away what a question asks to build by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Guard:
    """Filled in by the next step."""

    def __init__(self, forbid: Sequence[str], namespace: dict[str, Any], scratch: Path) -> None:
        self._forbid = forbid

    def install(self) -> None:
        """Nothing yet."""
