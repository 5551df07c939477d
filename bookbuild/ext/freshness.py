"""Build again what Sphinx would think unchanged.

Jupyter Book keeps the outputs of a notebook as long as its code cells are the same. But a chapter
also depends on the package, on its rows of the ledger and on the recorded benchmarks, and the cache
brings old cell metadata (alt texts) back. This extension writes a digest of all of these into the
notebook's kernelspec when Sphinx reads it; the cache's key contains the kernelspec.

And Sphinx copies style sheets and scripts only when it writes a page: one of them changed, so one
page is written.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bookbuild.live.browser import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

FOLDER = "notebooks/"


def imported_modules(code: str) -> set[str]:
    """The dotted names of our packages that a piece of Python imports.

    IPython's own syntax (``%timeit``, ``!ls``) and unfinished code are passed over.
    """
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in OURS}


def _files_of(root: Path, module: str) -> Iterator[Path]:
    """The files of a module, or all files of a package except the top one."""
    path = root.joinpath(*module.split("."))
    if path.with_suffix(".py").exists():
        yield path.with_suffix(".py")
    elif module not in OURS and (path / "__init__.py").exists():
        yield from path.rglob("*.py")


def reachable_files(root: Path, code: str) -> list[Path]:
    """Every file of our packages that ``code`` imports, directly or through another."""
    found: set[Path] = set()
    waiting = imported_modules(code)
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        for path in _files_of(root, module):
            if path not in found:
                found.add(path)
                waiting |= imported_modules(path.read_text(encoding="utf-8")) - seen
    return sorted(found)


def add_digest(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write the digest into the notebook, and tell Sphinx which files it came from."""
    if not docname.startswith(FOLDER):
        return
    try:
        notebook = json.loads(source[0])
        cells = notebook["cells"]
        kernelspec = notebook["metadata"]["kernelspec"]
    except (ValueError, KeyError, TypeError):
        return  # not a notebook, or one that Jupyter Book will refuse with its own words
    root = Path(app.srcdir)
    code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    digest = hashlib.sha256()
    digest.update(json.dumps([cell["metadata"] for cell in cells], sort_keys=True).encode())
    files = reachable_files(root, code)
    for path in files:
        digest.update(path.read_bytes())
    if (root / "actlab" / "claims.py") in files:
        ledger = root / "book" / "claims.csv"
        rows = ledger.read_text(encoding="utf-8").splitlines()
        chapter = docname.removeprefix(FOLDER)
        digest.update("\n".join(row for row in rows if f",{chapter}," in row).encode())
        app.env.note_dependency(str(ledger))
    if any("bench" in path.parts for path in files):
        records = sorted((root / "benchmarks").rglob("*.json"))
        for path in records:
            digest.update(path.read_bytes())
        files += records
    for path in files:
        app.env.note_dependency(str(path))
    kernelspec["inputs"] = digest.hexdigest()
    source[0] = json.dumps(notebook)


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
