"""The kill table: that the grader catches every known wrong answer, shown and not asserted.

`actgrade.verify` hands in the empty stub, the reference and each wrong answer of every
question. Its verdicts are kept in a JSON file a chapter, whose name contains a digest of the grader
and of the notebook.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from actbase.files import write_json
from actgrade.fingerprint import grader_digest
from bookbuild.pages.ledger import escape
from bookbuild.paths import ROOT
from bookbuild.sources import reachable_files

#: Of the hidden inputs: two builds of the book show the same table.
SEED = 20_260_101


def digest(path: Path) -> str:
    """What the verdicts for the source notebook at ``path`` depend on.

    These are the notebook, the grader, what the notebook imports of ours, and two libraries.
    """
    text = path.read_text(encoding="utf-8")
    found = hashlib.sha256(text.encode() + grader_digest().encode())
    cells = json.loads(text)["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for file in reachable_files(ROOT, code):
        found.update(file.read_bytes())
    for package in ("numpy", "torch"):
        found.update(f"{package} {importlib.metadata.version(package)}".encode())
    return found.hexdigest()[:16]


def chapter(path: Path, cache: Path) -> dict[str, Any]:
    """What the grader says about the questions of one source notebook.

    Args:
        path: a notebook in ``solutions/``.
        cache: a folder for kept verdicts.

    Returns:
        ``title``; ``problems`` (sentences; empty when all is well); and ``questions``, each with
        ``title``, ``points``, what the ``reference`` and the empty ``stub`` earn, and ``wrongs``:
        why each is wrong, whether it is ``caught``, its ``points`` and the grader's ``reason``.
    """
    kept = cache / f"kills-{path.stem}-{digest(path)}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    from actgrade.source import load
    from actgrade.verify import verify

    exercise = load(path)
    proofs = verify([exercise], seed=SEED)
    table = {
        "title": exercise.title,
        "problems": [problem for proof in proofs for problem in proof.problems()],
        "questions": [
            {
                "title": proof.question.title,
                "points": proof.question.points,
                "reference": proof.reference.points,
                "stub": proof.stub.points,
                "wrongs": [
                    {
                        "because": kill.because,
                        "caught": kill.is_caught,
                        "points": kill.result.points,
                        "reason": kill.result.reason,
                    }
                    for kill in proof.kills
                ],
            }
            for proof in proofs
        ],
    }
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob(f"kills-{path.stem}-*.json"):
        old.unlink()
    write_json(kept, table)
    return table


def summary(tables: list[dict[str, Any]]) -> str:
    """One sentence with the counts over all chapters."""
    questions = [question for table in tables for question in table["questions"]]
    wrongs = [wrong for question in questions for wrong in question["wrongs"]]
    full = sum(question["reference"] == question["points"] for question in questions)
    empty = sum(question["stub"] == 0 for question in questions)
    caught = sum(wrong["caught"] for wrong in wrongs)
    return (
        f"Of {len(questions)} questions, the reference answer earns full marks in {full} and the "
        f"empty stub earns nothing in {empty}. Of {len(wrongs)} known wrong answers, "
        f"{caught} lose points."
    )


def markdown(question: dict[str, Any]) -> str:
    """One question: what a wrong answer earns, why it is wrong, and what the learner is told."""
    lines = [
        "| Why the answer is wrong | Points | What the grader says |",
        "|:--|--:|:--|",
    ]
    for wrong in question["wrongs"]:
        points = f"{wrong['points']:g} of {question['points']:g}"
        reason = escape(" ".join(wrong["reason"].split()))
        lines.append(f"| {escape(wrong['because'])} | {points} | {reason} |")
    return "\n".join(lines)
