"""What a question asks to build by hand: the look at the source."""

from __future__ import annotations

from collections.abc import Sequence


def forbidden_use(answer: str, forbid: Sequence[str], setup: Sequence[str]) -> str | None:
    """Filled in by the next step."""
    return None
