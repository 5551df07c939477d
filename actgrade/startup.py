"""Keep the commands quick to start."""

from __future__ import annotations

import sys

# jsonschema, which nbformat imports, tries these to check addresses and durations that no
# notebook's schema asks for. The first builds a grammar while it is imported, which takes seconds.
_UNUSED = ("rfc3987_syntax", "isoduration")


def skip_slow_imports() -> None:
    """Call before the first import of nbformat; harmless after it."""
    if "jsonschema" not in sys.modules:
        for name in _UNUSED:
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]
