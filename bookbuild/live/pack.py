"""The archive that a page loads: what of our packages needs no PyTorch, and what that needs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bookbuild.live.browser import ROOMS, Browser, file_of, name_of
from bookbuild.paths import ROOT

MANIFEST = "manifest.json"
# What somebody may try to import in a page, and is told about when it is missing there.
LISTED = ("actgrade", "actlab")
# A fixed date, so that the same sources give the same archive.
DATE = (2020, 1, 1, 0, 0, 0)


def modules(browser: Browser) -> list[Path]:
    """The files of our packages that can be imported in the page."""
    files: set[Path] = set()
    for room in ROOMS:
        names = room.split(".")
        # A package's own module is imported with everything that it holds.
        for file in (file_of(".".join(names[: i + 1])) for i in range(len(names))):
            if file is None:
                raise FileNotFoundError(f"{room}: there is no such module")
            files.add(file)
        files |= set(ROOT.joinpath(*names).rglob("*.py"))
    return [path for path in sorted(files) if browser.cause(name_of(path)) is None]


def manifest(packages: Mapping[str, str], browser: Browser, also: Iterable[str]) -> dict[str, Any]:
    """What the page has to know about imports.

    Args:
        packages: import name -> package that Pyodide can load.
        browser: the same, asked.
        also: modules that the notebooks import.

    Returns:
        ``packages`` and ``missing``: module -> what it lacks.
    """
    ours = [name_of(path) for top in LISTED for path in sorted((ROOT / top).rglob("*.py"))]
    missing = {name: cause for name in (*ours, *also) if (cause := browser.cause(name))}
    missing |= {cause: cause for cause in missing.values()}
    return {"packages": dict(packages), "missing": dict(sorted(missing.items()))}


def archive(packages: Mapping[str, str], browser: Browser, also: Iterable[str]) -> bytes:
    """The zip file: our modules, the manifest and the ledger where they look for it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as content:

        def add(name: str, data: bytes) -> None:
            content.writestr(
                zipfile.ZipInfo(name, DATE), data, zipfile.ZIP_DEFLATED, compresslevel=9
            )

        for path in modules(browser):
            add(path.relative_to(ROOT).as_posix(), path.read_bytes())
        text = json.dumps(manifest(packages, browser, also), indent=1)
        add(f"bookbuild/live/{MANIFEST}", text.encode())
        ledger = ROOT / "book" / "claims.csv"
        add("book/claims.csv", ledger.read_bytes())
    return file.getvalue()


def read_manifest() -> dict[str, Any]:
    """The manifest of the archive that this module was loaded from."""
    return json.loads((Path(__file__).parent / MANIFEST).read_text(encoding="utf-8"))
