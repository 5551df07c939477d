"""The retrieval set of chapters 14 and 16: 1,600 questions, their answers, and their embeddings.

A question is the first sentence of the docstring of a function of Python's standard library, its
answer the function's code without docstring and name (the recipe of CodeSearchNet). The packaged
sentence-embedding model all-MiniLM-L6-v2 embeds both sides. Two files in experiments/data come of
it: minilm_texts.json.xz (ids, questions, documents, provenance) and minilm_embeddings.npz
(float16).

The texts depend on the version of Python, so that 3.11.7 is asked for when they are drawn; the
model is not part of the course: see actlab.minilm for how to install it.

  --check    embed 64 stored texts again and compare with the file (exit 1 if they differ)
"""

from __future__ import annotations

import argparse
import ast
import json
import lzma
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import torch

from actbase.files import replace_file
from actlab import minilm

PYTHON = "3.11.7"
ROWS = 1600
SEED = 14
LONGEST = 500  # characters of a document
SKIPPED = {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "ensurepip"}
CHECKED = 64
TOLERANCE = 2e-4  # of an embedding's entries: float16 and another processor's order of summing


def first_sentence(docstring: str) -> str:
    """The first paragraph up to its first full stop, white space made single."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".")


def functions(path: Path, module: str) -> list[dict[str, str]]:
    """The rows of one file: functions and methods with a docstring and a body of some size."""
    found = []

    def visit(node: ast.AST, above: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            name = f"{above}{child.name}"
            docstring = None if isinstance(child, ast.ClassDef) else ast.get_docstring(child)
            if docstring and len(child.body) > 1:
                question = first_sentence(docstring)
                child.body, own = child.body[1:], child.name
                child.name = "function"
                document = ast.unparse(child)[:LONGEST]
                child.name = own
                if len(question.split()) >= 4 and len(document) >= 100:
                    found.append(
                        {"id": f"{module}:{name}", "question": question, "document": document}
                    )
            visit(child, f"{name}.")

    visit(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def rows(wanted: int = ROWS) -> list[dict[str, str]]:
    """Draw the retrieval set from the standard library of this Python, in the order of ids."""
    root = Path(sysconfig.get_path("stdlib"))
    eligible: list[dict[str, str]] = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if SKIPPED.isdisjoint(parts) and not parts[0].startswith(("_sysconfigdata", "config-")):
            eligible += functions(path, ".".join(part for part in parts if part != "__init__"))
    for side in ("question", "document"):  # what occurs twice has two right answers
        texts = [row[side] for row in eligible]
        counts = {text: texts.count(text) for text in set(texts)}
        eligible = [row for row in eligible if counts[row[side]] == 1]
    eligible = list({row["id"]: row for row in eligible}.values())
    eligible.sort(key=lambda row: row["id"])
    print(f"14_minilm: {len(eligible)} functions qualify", file=sys.stderr)
    chosen = np.random.default_rng(SEED).choice(len(eligible), wanted, replace=False)
    return [eligible[i] for i in sorted(chosen)]


def make(folder: Path, wanted: int) -> None:
    """Draw the rows, embed both sides and write the two files."""
    running = ".".join(map(str, sys.version_info[:3]))
    if running != PYTHON:
        sys.exit(f"14_minilm: the texts are those of Python {PYTHON}; this is {running}")
    model = minilm.load()
    drawn = rows(wanted)
    about = {
        "python": running,
        "seed": SEED,
        "package": f"{minilm.PACKAGE} {minilm.VERSION}",
        "wheel_sha256": minilm.WHEEL_SHA256,
        "weights_sha256": minilm.WEIGHTS_SHA256,
        "activation": "gelu (exact)",
        "torch": torch.__version__,
    }
    embeddings = {}
    for side in ("question", "document"):
        began = time.monotonic()
        texts = [row[side] for row in drawn]
        embeddings[f"{side}s"] = model.encode(texts).astype(np.float16)
        print(f"14_minilm: {side}s, {time.monotonic() - began:.0f} s", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"about": about, "rows": drawn}, ensure_ascii=False, indent=0)
    replace_file(folder / "minilm_texts.json.xz", lzma.compress(text.encode(), preset=9))
    np.savez_compressed(folder / "minilm_embeddings.npz", **embeddings)


def check() -> None:
    """Embed 64 stored texts again and compare."""
    stored, model = minilm.retrieval(), minilm.load()
    chosen = np.random.default_rng(0).choice(len(stored.ids), CHECKED // 2, replace=False)
    for side in ("question", "document"):
        texts = [getattr(stored, f"{side}s")[i] for i in chosen]
        error = np.abs(model.encode(texts) - getattr(stored, f"{side}_embeddings")[chosen]).max()
        print(f"14_minilm: {len(texts)} {side}s differ by at most {error:.1e}")
        if error > TOLERANCE:
            sys.exit(1)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python experiments/14_minilm.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  python experiments/14_minilm.py --check",
    )
    parser.add_argument("--quick", action="store_true", help="20 rows only; needs --out")
    parser.add_argument("--out", type=Path, default=minilm.DATA, metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="recompute 64 stored embeddings")
    given = parser.parse_args(argv)
    if given.quick and given.out == minilm.DATA:
        parser.error("--quick would overwrite the real files: name another folder with --out")
    torch.set_num_threads(1)
    try:
        if given.check:
            check()
        else:
            make(given.out, 20 if given.quick else ROWS)
    except (minilm.MissingModelError, minilm.WrongModelError) as error:
        sys.exit(f"14_minilm: {error}")


if __name__ == "__main__":
    main()
