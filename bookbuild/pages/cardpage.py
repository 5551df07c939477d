"""The page of all function cards: pictures drawn once and then kept, and a few words for each.

To draw all cards takes about a minute. The files are kept under names that hold a digest of what
they depend on, so a change of that draws again and nothing else does.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import lru_cache, partial
from pathlib import Path

from actbase.files import replace_file
from actlab import cards, claims
from actlab.bench.records import folder
from actlab.cards import draw, measured, words
from actlab.functions import CATALOGUE
from actlab.functions.shown import SHOWN
from actlab.showing import svgs
from bookbuild.pages import ledger

PACKAGE = Path(measured.__file__).resolve().parents[1]


def groups() -> dict[str, list[str]]:
    """Which functions stand together, by the name of their family."""
    found: dict[str, list[str]] = {}
    for name, shown in SHOWN.items():
        found.setdefault(shown.family, []).append(name)
    return found


def sources() -> list[Path]:
    """The files on which a card depends."""
    rooms = ("cards", "functions")
    files = [path for room in rooms for path in sorted((PACKAGE / room).rglob("*.py"))]
    modules = ("palette", "plotting", "properties", "showing", "style")
    files += [PACKAGE / f"{name}.py" for name in modules]
    return [*files, measured.REFERENCES, *sorted(folder().glob("*.json"))]


@lru_cache(maxsize=1)
def digest() -> str:
    """What a card depends on: code, records, references, versions."""
    found = hashlib.sha256()
    for path in sources():
        found.update(path.read_bytes())
    for package in ("numpy", "torch", "matplotlib"):
        found.update(f"{package} {importlib.metadata.version(package)}".encode())
    return found.hexdigest()[:16]


def pictures(name: str, kept: Path) -> tuple[Path, Path, str]:
    """The wide and the narrow card of a function as files, and their alternative text.

    Args:
        name: in the catalogue.
        kept: a folder, made if it does not exist; cards of other digests in it are removed.
    """
    stem = f"card-{name}-{digest()}"
    wide, narrow = kept / f"{stem}-wide.svg", kept / f"{stem}-narrow.svg"
    said = kept / f"{stem}.txt"
    if not said.exists():
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob(f"card-{name}-*"):
            if old.name.removeprefix(f"card-{name}-").split("-")[0].split(".")[0] != digest():
                old.unlink()
        card = cards.measure(name)
        drawn = svgs(partial(draw.draw, card), draw.WIDE, draw.NARROW, f"card-{name}")
        for file, variant in ((wide, "wide"), (narrow, "narrow"), (said, None)):
            text = drawn[variant] if variant else words.alternative(card)
            replace_file(file, text.encode())
    return wide, narrow, said.read_text(encoding="utf-8")


def below(name: str, title: str, *, written: bool) -> str:
    """What stands below a card, as Markdown: its chapter and what the ledger says.

    Args:
        name: in the catalogue.
        title: the chapter's, with its number.
        written: whether the book has the chapter.
    """
    chapter = CATALOGUE[name].shown.chapter
    rows = claims.of_chapter(chapter)
    settled = sum(row.decided for row in rows)
    link = f"[{title}](../notebooks/{chapter}.ipynb)" if written else f"{title} (*planned*)"
    there = f"{{ref}}`{settled} of {len(rows)} sentences <{ledger.label(chapter)}>`"
    return f"${CATALOGUE[name].formula}$. Chapter: {link}; {there} about it are settled."
