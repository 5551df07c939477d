"""Write what follows from the list of chapters: ``_toc.yml`` and the README's status.

::

    python -m bookbuild.pages.registry            # rewrites both
    python -m bookbuild.pages.registry --check    # exit status 1 if a file is not what it should be

A chapter is in the table of contents when its notebook exists, its exercises and solutions when
theirs do.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bookbuild.chapters import CHAPTERS, Chapter
from bookbuild.paths import ROOT

ROMAN = ("I", "II", "III", "IV", "V", "VI")
BEFORE = ("book/how_to_use",)
# Pages of the part "Reference"; one that does not exist (yet) is left out.
REFERENCE = (
    "book/property_table",
    "book/cards",
    "book/claims",
    "book/articles",
    "book/timing",
    "book/kill_table",
    "book/glossary",
    "book/bibliography",
    "book/instructor",
    "book/grading_schema",
)
HEAD = "# Written by `python -m {module}` from the list of chapters. Do not edit.\n"
STATUS = re.compile(r"(<!-- chapters -->\n).*?(<!-- /chapters -->)", re.DOTALL)
EXAMPLE = "example:\n  python -m {module} --check"


def contents(root: Path = ROOT) -> str:
    """The table of contents of the book, as YAML."""

    def exists(page: str) -> bool:
        return any((root / f"{page}{suffix}").is_file() for suffix in (".md", ".ipynb"))

    lines = [HEAD.format(module=_module()), "format: jb-book\n", "root: index\n", "parts:\n"]

    def part(caption: str, pages: Sequence[str]) -> None:
        lines.append(f"  - caption: {caption}\n    chapters:\n")
        lines.extend(f"      - file: {page}\n" for page in pages)

    part("The course", [page for page in BEFORE if exists(page)])
    parts = itertools.groupby(CHAPTERS, key=lambda chapter: chapter.part)
    for number, (name, chapters) in zip(ROMAN, parts, strict=False):
        written = [chapter for chapter in chapters if chapter.written(root)]
        if not written:
            continue
        part(f"Part {number}. {name}", [])
        for chapter in written:
            lines.append(f"      - file: notebooks/{chapter.name}\n")
            lines.append(f"        title: {chapter.label}\n")
            below = [f for f in ("exercises", "solutions") if exists(f"{f}/{chapter.name}")]
            lines.extend(["        sections:\n"] if below else [])
            for folder in below:
                lines.append(f"          - file: {folder}/{chapter.name}\n")
                lines.append(f"            title: {folder.capitalize()}\n")
    part("Reference", [page for page in REFERENCE if exists(page)])
    return "".join(lines)


def _module() -> str:
    return __spec__.name if __spec__ else "bookbuild.pages.registry"


def status(root: Path = ROOT) -> str:
    """Two sentences on what is written."""

    def listed(chapters: Sequence[Chapter]) -> str:
        names = [f"{chapter.number} ({chapter.title})" for chapter in chapters]
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

    written = [chapter for chapter in CHAPTERS if chapter.written(root)]
    planned = [chapter for chapter in CHAPTERS if not chapter.written(root)]
    if not planned:
        return f"All {len(written)} chapters are written, with their exercises.\n"
    numbers = ", ".join(str(chapter.number) for chapter in planned)
    return (
        f"{len(written)} of {len(CHAPTERS)} chapters are written, with their exercises:\n"
        f"{listed(written)}.\nPlanned: {numbers}.\n"
    )


def readme(root: Path = ROOT) -> str:
    """The README with the status between its two marks."""
    text = (root / "README.md").read_text(encoding="utf-8")
    return STATUS.sub(lambda match: f"{match[1]}{status(root)}{match[2]}", text)


GENERATED: dict[str, Callable[[Path], str]] = {"_toc.yml": contents, "README.md": readme}


def outdated(root: Path = ROOT) -> list[str]:
    """The files that are not what the list of chapters and the notebooks say."""
    return [
        name
        for name, made in GENERATED.items()
        if (root / name).read_text(encoding="utf-8") != made(root)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite or check; returns the exit status."""
    module = _module()
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description="Write the table of contents and the README's status from the chapters.",
        epilog=EXAMPLE.format(module=module),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing, only say what differs")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the book")
    options = parser.parse_args(arguments)
    files = outdated(options.root)
    for name in files:
        if options.check:
            print(f"{name} is not what the chapters say; run: python -m {module}", file=sys.stderr)
        else:
            text = GENERATED[name](options.root)
            (options.root / name).write_text(text, encoding="utf-8")
            print(f"{name}: written")
    return 1 if files and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
