"""Which of the names that an article uses does its package have?

    pip download --no-deps ai-evaluation==1.1.0
    python experiments/16_names.py ai_evaluation-1.1.0-py3-none-any.whl

The wheel is parsed, not imported, and no code of it is kept or run. A row says for one name in
which module a class of that name is defined ("-" for none), whether `from fi.evals import NAME`
finds it, and whether the class, or a base class in the same file, has a method `evaluate`.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from actlab import experiment

PACKAGE = "fi/evals/__init__.py"
NAMES = ("RegressionEval", "GroundTruthMatch", "RecallAtK", "RecallScore")


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """The classes at the top level of a module."""
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def has_method(name: str, method: str, known: dict[str, ast.ClassDef]) -> bool:
    """Whether a class or one of its bases in ``known`` defines a method."""
    if name not in known:
        return False
    own = known[name]
    if any(isinstance(node, ast.FunctionDef) and node.name == method for node in own.body):
        return True
    return any(has_method(ast.unparse(base), method, known) for base in own.bases)


def exported(files: dict[str, ast.Module]) -> set[str]:
    """What ``fi.evals`` imports from its own modules; of a star, the module's classes."""
    found: set[str] = set()
    for node in ast.walk(files[PACKAGE]):
        if not isinstance(node, ast.ImportFrom):
            continue
        names = {alias.asname or alias.name for alias in node.names}
        if "*" in names:
            names = set(classes(files[f"fi/evals/{node.module}.py"]))
        found |= names
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Write the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path, help="the wheel of ai-evaluation")
    options = experiment.options(__file__, __doc__, argv, parser)
    # The folder of the wheel is no part of what was done.
    options.command = f"python experiments/16_names.py {options.wheel.name}"
    with zipfile.ZipFile(options.wheel) as wheel:
        files = {
            name: ast.parse(wheel.read(name)) for name in wheel.namelist() if name.endswith(".py")
        }
    settings = {
        "wheel": options.wheel.name,
        "sha256": hashlib.sha256(options.wheel.read_bytes()).hexdigest(),
    }
    known = exported(files)
    with experiment.Record(options, ["name"], settings) as record:
        for unit in record.todo([{"name": name} for name in NAMES]):
            name = unit["name"]
            places = [file for file, tree in files.items() if name in classes(tree)]
            record.add(
                {
                    **unit,
                    "module": places[0].removesuffix(".py").replace("/", ".") if places else "-",
                    "exported": int(name in known),
                    "evaluate": int(
                        any(has_method(name, "evaluate", classes(files[file])) for file in places)
                    ),
                }
            )


if __name__ == "__main__":
    main()
