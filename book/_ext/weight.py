"""Let a page be read before everything that it links to has come.

After the build, each page's head is rewritten. Its style sheets become one file, without the rules
that no page can use; scripts wait until the text is there; and the search index, which only the
search page reads, is left to that page. Nothing is removed from ``_static``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import tinycss2

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHEET = re.compile(r'[ \t]*<link\b(?=[^>]*rel="stylesheet")[^>]*href="([^"]+)"[^>]*>\n?')
SCRIPT = re.compile(r'<script\b([^>]*)\bsrc="([^"]+)"([^>]*)></script>')
MADE_OF = re.compile(r'data-of="([^"]*)"')
# Scripts asked for ahead of time take the bandwidth that the text needs.
AHEAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
WORD = re.compile(r"[A-Za-z_][\w-]*")
# Read by inline scripts that follow it, and shorter than a request.
INLINE = "documentation_options.js"
# Not the folder css: the PDF takes all that lies there.
SHEETS = "sheets"
FOR_SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")


def words_of(files: Iterable[Path]) -> set[str]:
    """All words of the pages and scripts: a class or id that is not among them is never used."""
    return set().union(*(WORD.findall(path.read_text(encoding="utf-8")) for path in files))


def used_rules(css: str, words: set[str]) -> str:
    """``css`` without the rules whose every selector names a class or id that nothing has."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_serialized(rule, words) for rule in rules)


def _serialized(rule: Any, words: set[str]) -> str:
    if rule.type == "qualified-rule":
        return rule.serialize() if _may_match(rule.prelude, words) else ""
    if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "layer"):
        if rule.content is None:
            return rule.serialize()
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        kept = "".join(_serialized(one, words) for one in inner)
        head = tinycss2.serialize(rule.prelude)
        return f"@{rule.at_keyword}{head}{{{kept}}}" if kept else ""
    return rule.serialize() if rule.type == "at-rule" else ""


def _may_match(prelude: list[Any], words: set[str]) -> bool:
    """Whether a selector names only what there is; what stands in brackets is not read."""
    possible, after_dot = True, False
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            if possible:
                return True
            possible = True
        elif token.type == "hash" or (token.type == "ident" and after_dot):
            possible &= token.value in words
        after_dot = token.type == "literal" and token.value == "."
    return possible


def joined(sheets: Iterable[Path], target: Path) -> str:
    """The text of several style sheets, with what they import and addresses as from ``target``."""
    parts = []
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        folder = sheet.parent

        def imported(match: re.Match[str], folder: Path = folder) -> str:
            return joined([folder / match[1]], target)

        def moved(match: re.Match[str], folder: Path = folder) -> str:
            address = match[2]
            if urlsplit(address).scheme or address.startswith(("#", "/")):
                return match[0]
            path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", address).groups()  # type: ignore[union-attr]
            there = _from(folder / path, target.parent)
            return f"url({match[1]}{there}{mark}{rest}{match[1]})"

        text = text.replace('@charset "UTF-8";', "")
        text = re.sub(r"url\((['\"]?)([^'\")]+)\1\)", moved, text)
        text = re.sub(r"@import\s+(?:url\()?['\"]([^'\"]+)['\"]\)?\s*;", imported, text)
        parts.append(text)
    return "\n".join(parts)


def _from(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


class Heads:
    """Rewrites the pages of one built book."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pages = sorted(p for p in root.rglob("*.html") if "_static" not in p.parts)
        scripts = (root / "_static").rglob("*.js")
        self._words = words_of([*self._pages, *scripts])
        self._bundles: dict[tuple[Path, ...], Path] = {}
        self._texts: dict[Path, str] = {}

    def rewrite(self) -> None:
        """All pages."""
        for page in self._pages:
            text = page.read_text(encoding="utf-8")
            head, end, body = text.partition("</head>")
            # The search page's own scripts call each other at once.
            new = head if page.name == "search.html" else self._with_patient_scripts(page, head)
            new = self._with_one_sheet(page, new)
            if end and new != head:
                page.write_text(new + end + body, encoding="utf-8")
        self._delete_unused()

    def _delete_unused(self) -> None:
        """Sheets that an earlier build of these pages needed."""
        texts = [page.read_text(encoding="utf-8").partition("</head>")[0] for page in self._pages]
        for sheet in (self._root / "_static" / SHEETS).glob("*.css"):
            if not any(sheet.name in text for text in texts):
                sheet.unlink()

    def _with_patient_scripts(self, page: Path, head: str) -> str:
        def rewritten(match: re.Match[str]) -> str:
            name = urlsplit(match[2]).path.rpartition("/")[2]
            if name == INLINE:
                path = page.parent / urlsplit(match[2]).path
                return f"<script>{path.read_text(encoding='utf-8').strip()}</script>"
            if name in FOR_SEARCH:
                return ""
            if "defer" in match[0] or "async" in match[0]:
                return match[0]
            return f'<script defer{match[1]}src="{match[2]}"{match[3]}></script>'

        return SCRIPT.sub(rewritten, AHEAD.sub("", head))

    def _with_one_sheet(self, page: Path, head: str) -> str:
        links = list(SHEET.finditer(head))
        if not links:
            return head
        # A page that Sphinx left alone was rewritten before; its sheets may have changed since.
        made_of = MADE_OF.search(links[0][0])
        if made_of:
            sheets = tuple(self._root / name for name in made_of[1].split())
        else:
            addresses = [urlsplit(link[1]) for link in links]
            if any(address.scheme for address in addresses):
                return head
            sheets = tuple((page.parent / address.path).resolve() for address in addresses)
        bundle = self._bundle(sheets)
        names = " ".join(_from(sheet, self._root) for sheet in sheets)
        link = f'<link rel="stylesheet" href="{_from(bundle, page.parent)}" data-of="{names}">\n'
        first = links[0].start()
        return head[:first] + link + SHEET.sub("", head[first:])

    def _shortened(self, sheet: Path, target: Path) -> str:
        if sheet not in self._texts:
            self._texts[sheet] = used_rules(joined([sheet], target), self._words)
        return self._texts[sheet]

    def _bundle(self, sheets: tuple[Path, ...]) -> Path:
        if sheets not in self._bundles:
            folder = self._root / "_static" / SHEETS
            folder.mkdir(parents=True, exist_ok=True)
            text = "\n".join(self._shortened(sheet, folder / "page.css") for sheet in sheets)
            name = f"{hashlib.sha256(text.encode()).hexdigest()[:10]}.css"
            (folder / name).write_text(text, encoding="utf-8")
            self._bundles[sheets] = folder / name
        return self._bundles[sheets]


def rewrite_heads(app: Sphinx, exception: Exception | None) -> None:
    """After an HTML build."""
    if exception is None and app.builder.name == "html":
        Heads(Path(app.outdir).resolve()).rewrite()


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after everything that writes into pages."""
    app.connect("build-finished", rewrite_heads, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
