"""Which activation does each model family of the transformers package declare by default?

    pip download --no-deps transformers==5.24.0
    python experiments/11_census.py transformers-5.24.0-py3-none-any.whl

The frame: every folder transformers/models/* of the wheel that has a configuration file, one family
each, whether popular or not, for text, images or sound. Files are parsed, not imported, and no code
of theirs is kept or run. A family has one row for each class and field that declares an activation
for its layers. `main` is 1 in one row of each family: the first class with "Text" in its name that
declares one, else the first class that does. A family that declares none has one row with the
value "none". Defaults are what the package would build without a checkpoint; a released model's own
configuration may say something else.

`year` is the latest year in the copyright lines of the configuration file, or else of the modeling
file; 0 where neither has one. Headers are copied from family to family, so it is a rough date.
`layers` is the largest default depth of the family, 0 where none is a number. `gated` is the line
of the modeling file where an activation is multiplied by another vector, 0 where none was found.
Rows with the field "code" are single lines that the chapter cites.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from actlab import experiment

FIELDS = (
    "hidden_act",
    "hidden_activation",
    "activation_function",
    "encoder_activation_function",
    "decoder_activation_function",
    "feed_forward_proj",
    "mlp_hidden_act",
    "mlp_activation_function",
    "ff_activation",
    "encoder_hidden_act",
    "decoder_hidden_act",
    "activation",
    "hidden_mamba_act",
    "mamba_hidden_act",
)
ASIDE = ("leaky_relu_slope",)  # kept, but never the main one
CODE = {
    "vits": "torch.sigmoid(in_act[:, num_channels:, :])",
    "gpt_oss": "torch.sigmoid(gate * self.alpha)",
    "t5": "hidden_gelu * hidden_linear",
    "llama": "self.act_fn(self.gate_proj(x)) * self.up_proj(x)",
}
_GATE = re.compile(
    r"\b(?:\w*act\w*|activation|silu|gelu)\("
    r"[^=]*(?:gate|chunked|w1\(|\b0\]|\b0, :\]|\(input\))[^=]*\) \*"
    r"|\* self\.act_fn\(self\.gate_proj|hidden_gelu \* hidden_linear|\(up \+ 1\) \* glu"
)
_DEPTH = re.compile(r"(num|n|encoder|decoder)_?(hidden_)?layers?$")
_YEAR = re.compile(r"Copyright (?:\(c\) )?((?:19|20)\d\d)", re.IGNORECASE)


def defaults(tree: ast.Module) -> Iterator[tuple[str, str, object, int]]:
    """Class, field, default and line of all constants in the classes of a configuration file."""
    for found in tree.body:
        if not isinstance(found, ast.ClassDef):
            continue
        for node in found.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
                yield found.name, ast.unparse(node.target), node.value.value, node.lineno
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                names = node.args.args[len(node.args.args) - len(node.args.defaults) :]
                for name, value in zip(names, node.args.defaults, strict=True):
                    if isinstance(value, ast.Constant):
                        yield found.name, name.arg, value.value, value.lineno


def year(*texts: str) -> int:
    """The latest year of the first text that has a copyright line in its first 25 lines."""
    for text in texts:
        if years := _YEAR.findall("\n".join(text.split("\n")[:25])):
            return max(map(int, years))
    return 0


def family(name: str, configuration: str, modeling: str) -> list[dict[str, object]]:
    """The rows of one family."""
    found = list(defaults(ast.parse(configuration)))
    lines = modeling.split("\n")
    about = {
        "year": year(configuration, modeling),
        "layers": max(
            (v for _, f, v, _ in found if _DEPTH.match(f) and isinstance(v, int)), default=0
        ),
        "gated": next((i for i, line in enumerate(lines, 1) if _GATE.search(line)), 0),
    }
    rows = [
        {"family": name, "class": c, "field": f, "value": v, "line": at, "main": 0, **about}
        for c, f, v, at in found
        if (f in FIELDS and isinstance(v, str)) or f in ASIDE
    ]
    candidates = [row for row in rows if row["field"] in FIELDS]
    text = [row for row in candidates if "Text" in str(row["class"])]
    if candidates:
        (text or candidates)[0]["main"] = 1
    else:
        none = {"class": "-", "field": "-", "value": "none", "line": 0, "main": 1}
        rows.append({"family": name, **none, **about})
    if name in CODE:
        at = next((i for i, line in enumerate(lines, 1) if CODE[name] in line), 0)
        code = {"class": "-", "field": "code", "value": CODE[name], "line": at, "main": 0}
        rows.append({"family": name, **code, **about})
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path, help="transformers-VERSION-py3-none-any.whl")
    options = experiment.options(__file__, __doc__, argv, parser)
    digest = hashlib.sha256(options.wheel.read_bytes()).hexdigest()
    settings = {"package": options.wheel.name, "sha256": digest}
    with zipfile.ZipFile(options.wheel) as wheel:
        names = [n for n in wheel.namelist() if re.match(r"transformers/models/\w+/[cm]\w+\.py", n)]
        folders: dict[str, dict[str, list[str]]] = {}
        for path in sorted(names):
            _, _, folder, file = path.split("/")
            kind = file.split("_")[0]
            if kind in ("configuration", "modeling"):
                text = wheel.read(path).decode()
                folders.setdefault(folder, {}).setdefault(kind, []).append(text)
    with experiment.Record(options, ["family"], settings) as record:
        rows: list[dict[str, object]] = []
        for name, texts in folders.items():
            if "configuration" in texts and {"family": name} not in record:
                parts = ("\n".join(texts.get(k, [])) for k in ("configuration", "modeling"))
                rows += family(name, *parts)
            if options.quick and rows:
                break
        record.add(rows)


if __name__ == "__main__":
    main()
