"""Where things lie in the repository."""

from __future__ import annotations

from pathlib import Path

#: The packages of this project.
OURS = ("actbase", "actgrade", "actlab", "bookbuild")
ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "book" / "web"
TEMPLATES = ROOT / "book" / "templates"
