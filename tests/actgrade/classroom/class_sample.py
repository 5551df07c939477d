"""Submissions of a made-up class for the grader's sample course, in every layout."""

from __future__ import annotations

import copy
import json
import runpy
from pathlib import Path

# The grader's sample course; not imported, since only tests/actgrade is sure to find it.
SAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "grading_sample.py"))
QUESTIONS = SAMPLE["QUESTIONS"]
CHAPTER = "90_sample"
STUB = 'def sign(x):\n    """Doc."""\n    raise NotImplementedError'
_BASE = json.loads(json.dumps(SAMPLE["submission"]({})))

# One answer to q1 after another: right ones, known mistakes, nothing, an error.
ANSWERS_Q1 = [
    QUESTIONS["q1"]["answer"],
    "def sign(x):\n    return (x > 0) * 1.0 - (x < 0) * 1.0",
    QUESTIONS["q1"]["wrong"][0][0],
    QUESTIONS["q1"]["wrong"][1][0],
    STUB,
    "def sign(x):\n    return np.sgn(x)",
]


def notebook(number: int = 0, **answers: str) -> bytes:
    """The file of learner ``number``, whose bytes are nobody else's."""
    content = copy.deepcopy(_BASE)
    answers = {"q1": ANSWERS_Q1[number % len(ANSWERS_Q1)], **answers}
    for cell in content["cells"]:
        question = cell["metadata"]["actlab"].get("question")
        if question in answers:
            cell["source"] = answers[question]
    content["metadata"]["number"] = number
    return json.dumps(content).encode()


def canvas(root: Path, count: int) -> Path:
    """``count`` submissions as Canvas exports them."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        late = "LATE_" if number % 5 == 4 else ""
        name = f"learner{number:04d}_{late}{1000 + number}_{70000 + number}_{CHAPTER}.ipynb"
        (root / name).write_bytes(notebook(number))
    return root


def write(root: Path, **files: bytes) -> Path:
    """Write ``files`` below ``root``; ``__`` in a name stands for a folder."""
    for name, data in files.items():
        put(root, name, data)
    return root


def put(root: Path, name: str, data: bytes) -> Path:
    """Write one file below ``root``, with its folders."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
