"""Build again what Sphinx would think unchanged.

Jupyter Book keeps the outputs of a notebook as long as its code cells are the same. But a chapter
also depends on the package, on its rows of the ledger and on the recorded benchmarks, and the cache
brings old cell metadata (alt texts) back. This extension writes a digest of all of these into the
notebook's kernelspec when Sphinx reads it; the cache's key contains the kernelspec.

And Sphinx copies style sheets and scripts only when it writes a page: one of them changed, so one
page is written.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bookbuild.sources import reachable_files

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

FOLDER = "notebooks/"


def with_digest(root: Path, docname: str, text: str) -> tuple[str, list[Path]]:
    """A notebook of a chapter with the digest in it, and the files that the digest is of.

    Args:
        root: of the book.
        docname: of the page, ``notebooks/04_relu``.
        text: of the file; what is no notebook comes back as it is.
    """
    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
        kernelspec = notebook["metadata"]["kernelspec"]
    except (ValueError, KeyError, TypeError):
        return text, []  # Jupyter Book will refuse it with its own words
    code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    digest = hashlib.sha256()
    # Of cells with code only: a new paragraph runs nothing again.
    about = [cell["metadata"] for cell in cells if cell["cell_type"] == "code"]
    digest.update(json.dumps(about, sort_keys=True).encode())
    modules = reachable_files(root, code)
    files = list(modules)
    if any("bench" in path.parts for path in modules):
        files += sorted((root / "benchmarks").glob("*.json"))
    for path in files:
        digest.update(path.read_bytes())
    if (root / "actlab" / "claims.py") in modules:
        ledger = root / "book" / "claims.csv"
        rows = ledger.read_text(encoding="utf-8").splitlines()
        chapter = docname.removeprefix(FOLDER)
        digest.update("\n".join(row for row in rows if f",{chapter}," in row).encode())
        files.append(ledger)
    kernelspec["inputs"] = digest.hexdigest()
    return json.dumps(notebook), files


def add_digest(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write the digest into the notebook, and tell Sphinx which files it came from."""
    if docname.startswith(FOLDER):
        source[0], files = with_digest(Path(app.srcdir), docname, source[0])
        for path in files:
            app.env.note_dependency(str(path))


def changed_files(source: Path, copied: Path) -> bool:
    """Whether a file below ``source`` is newer than its copy, or has none."""
    for path in filter(Path.is_file, source.rglob("*")):
        copy = copied / path.relative_to(source)
        if not copy.exists() or path.stat().st_mtime > copy.stat().st_mtime:
            return True
    return False


def with_static_files(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """A page to write, when a style sheet or a script has changed."""
    copied = Path(app.outdir) / "_static"
    # Extensions add folders of theirs, with whole paths.
    ours = (folder for folder in app.config.html_static_path if not Path(folder).is_absolute())
    folders = (Path(app.srcdir) / folder for folder in ours)
    if app.builder.format == "html" and any(changed_files(one, copied) for one in folders):
        return [app.config.root_doc]
    return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the handlers."""
    app.connect("source-read", add_digest)
    app.connect("env-get-outdated", with_static_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
