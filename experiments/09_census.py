"""Which activation does each training script of openai/parameter-golf use, and on which line?

    git clone https://github.com/openai/parameter-golf
    python experiments/09_census.py parameter-golf
    python experiments/09_census.py parameter-golf --commit HEAD --out /tmp/newest

Every file train*.py of the commit gets one row: the activation of its feed-forward layer, the
slope where there is one, and the line to look at. Only facts are kept, no code, and no code of
theirs is run. Some scripts were compressed to fit the contest's size limit; they are decompressed
to be read, and the line counts in the decompressed text. Where a script lets you choose, the row
has its default.
"""

from __future__ import annotations

import argparse
import ast
import base64
import contextlib
import lzma
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from actlab import experiment

COMMIT = "4908dc46f21ed3fdd08d2fdca285deb2194b9599"
_LEAKY = re.compile(r"leaky_relu\(.*negative_slope=([\w.]+)")
_DEFAULT = re.compile(r"""["']ACTIVATION["'],\s*["'](\w+)["']""")


def git(folder: Path, *command: str) -> str:
    """Output of git in ``folder``."""
    done = subprocess.run(["git", "-C", folder, *command], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def find(lines: Sequence[str], pattern: str) -> int:
    """Number of the first line that matches, counted from 1; 0 if none does."""
    return next((i for i, line in enumerate(lines, 1) if re.search(pattern, line)), 0)


def unpack(text: str) -> str:
    """The source inside a script that is a compressed string and an exec; "" if there is none."""
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return ""
    strings = [c.args[0].value for c in calls if getattr(c.func, "attr", "") == "b85decode"]
    for data in map(base64.b85decode, strings):
        raw = {"format": lzma.FORMAT_RAW, "filters": [{"id": lzma.FILTER_LZMA2}]}
        for options in ({}, raw):
            with contextlib.suppress(lzma.LZMAError):
                return lzma.decompress(data, **options).decode()
    return ""


def classify(text: str) -> dict[str, object]:
    """What one script uses: the columns of the record except the path."""
    lines = text.split("\n")
    if "class " not in text:
        if source := unpack(text):
            return {**classify(source), "note": "compressed"}
        note = "runs another script" if "exec(" in text else "empty"
        return {"line": 0, "activation": "none", "slope": "", "note": note}
    chosen = _DEFAULT.search(text)
    if chosen:  # several functions, one of them the default
        line = find(lines, r"ACTIVATION")
        note = "configurable"
        if found := next((m for m in map(_LEAKY.search, lines) if m), None):
            note += f"; leaky_relu with slope {found[1]}, not squared, is an option"
        return {"line": line, "activation": chosen[1], "slope": "", "note": note}
    line = find(lines, r"F\.leaky_relu\(")
    if line:
        match = _LEAKY.search(lines[line - 1])
        slope = match[1] if match else ""
        note = "" if re.match(r"[\d.]", slope) else "configurable, this is the default"
        if find(lines, "linear_leaky_relu_square_kernel"):
            note = "fused kernel in training"
        near = " ".join(lines[line - 1 : line + 5])
        squared = "leaky_relu2" if ".square()" in near else "leaky_relu"
        number = float(slope) if re.match(r"[\d.]", slope) else 0.5
        return {"line": line, "activation": squared, "slope": f"{number:g}", "note": note}
    for line, text_line in enumerate(lines, 1):
        near = " ".join(lines[line - 1 : line + 3])
        if re.search(r"\brelu\(", text_line) and re.search(r"\.square\(\)|\bx \* x\b", near):
            return {"line": line, "activation": "relu2", "slope": "0", "note": ""}
    for name, pattern in (("swiglu", r"F\.silu\(\s*gate|silu\(.*\)\s*\*"), ("gelu", r"F\.gelu\(")):
        if line := find(lines, pattern):
            return {"line": line, "activation": name, "slope": "", "note": ""}
    return {"line": 0, "activation": "other", "slope": "", "note": ""}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("repository", type=Path, help="a clone of openai/parameter-golf")
    parser.add_argument("--commit", default=COMMIT)
    options = experiment.options(__file__, __doc__, argv, parser)
    commit = git(options.repository, "rev-parse", options.commit).strip()
    paths = git(options.repository, "ls-tree", "-r", "--name-only", commit).split("\n")
    paths = [path for path in paths if re.search(r"(^|/)train[^/]*\.py$", path)]
    with experiment.Record(options, ["path"], {"commit": commit}) as record:
        record.add(
            {"path": path, **classify(git(options.repository, "show", f"{commit}:{path}"))}
            for path in (paths[:3] if options.quick else paths)
            if {"path": path} not in record
        )


if __name__ == "__main__":
    main()
