"""The command line: ``python -m bookbuild.forms pdf|epub|zip``."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from bookbuild.forms.contents import FormsError, load
from bookbuild.paths import ROOT

WRITERS = {
    "pdf": "bookbuild.forms.pdf",
    "epub": "bookbuild.forms.epub",
    "zip": "bookbuild.forms.site_zip",
}
EXAMPLE = """example:
  make book
  .venv/bin/python -m bookbuild.forms pdf epub zip

The files are written beside _build/html. The PDF needs Chromium.
Exit status: 0 written, 1 not possible (one sentence says why), 2 a mistake in the command."""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    result = argparse.ArgumentParser(
        prog="python -m bookbuild.forms",
        description="Write the built book as one PDF, one EPUB, or one zip for offline reading.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("form", nargs="+", choices=tuple(WRITERS), help="what to write")
    result.add_argument(
        "--root", type=Path, default=ROOT, help="folder of the book (default: this repository)"
    )
    result.add_argument(
        "--out", type=Path, help="folder for the files (default: _build of the book)"
    )
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = parser().parse_args(arguments)
    # Each form imports what it needs: a zip is possible where Playwright is not installed.
    try:
        book = load(options.root)
        out = options.out or options.root / "_build"
        out.mkdir(parents=True, exist_ok=True)
        for form in dict.fromkeys(options.form):
            path = out / f"{book.stem}.{form}"
            writer = importlib.import_module(WRITERS[form])
            told = writer.write(book, path)
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {told}")
    except FormsError as error:
        print(f"bookbuild.forms: {error}", file=sys.stderr)
        return 1
    return 0
