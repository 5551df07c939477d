"""When a page of the book is ready: its scripts come after its first frame."""

from __future__ import annotations

from typing import Any

READY = """
document.documentElement.dataset.scripts === 'here' || !document.querySelector('script[data-src]')
"""


def wait_for_scripts(tab: Any) -> None:
    """Wait until a page that has been opened answers its reader."""
    tab.wait_for_function(READY, polling=50)
