"""Let a page be read before everything that it links to has come.

After the build, each page is rewritten. The rules of its style sheets that it can use become part
of the page, which spares the reader a wait for another file before the first line is drawn.
Scripts, none of which the text needs, are asked for once the first frame has been drawn
(``scripts/first.js``), so that they take neither bandwidth nor time from it; the search page, whose
scripts call each other at once, keeps its own. Nothing is removed from ``_static``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import tinycss2

from bookbuild.ext import fonts

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHEET = re.compile(r'[ \t]*<link\b(?=[^>]*rel="stylesheet")[^>]*href="([^"]+)"[^>]*>\n?')
SCRIPT = re.compile(r'[ \t]*<script\b([^>]*?)\s+src="([^"]+)"([^>]*)></script>\n?')
STYLE = re.compile(r'<style data-of="([^"]*)" [^>]*>.*?</style>\n', re.DOTALL)
# Scripts asked for ahead of time take the bandwidth that the text needs.
AHEAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
WORD = re.compile(r"[A-Za-z_][\w-]*")
KINDS = (".css", ".js", ".woff2")
# Stands in the rules for the way from a page to the folder of the book.
ROOT = "@root/"
# Read by inline scripts that follow it, and shorter than a request.
INLINE = "documentation_options.js"
FIRST_SCRIPT = "_static/scripts/first.js"
SEARCH = "search.html"
# What only some pages use, and how to know them. The theme's icons are a font here: its script is
# empty.
ONLY_WITH = {
    "searchtools.js": None,
    "language_data.js": None,
    "searchindex.js": None,
    "fontawesome.js": None,
    "design-tabs.js": 'class="sd-tab-set',
}
# Parts whose scripts come with the theme, and which add their classes only to a page that has one.
PART = re.compile(
    r"(carousel|dropend|dropstart|dropup|list-group|modal|offcanvas|popover|scrollspy|toast"
    r"|version-switcher)(?![a-z])"
)
# The two small fonts of nearly every formula come with the page: a formula that is drawn in another
# font at first is narrower or wider afterwards, and lines that it stands in are broken anew.
INSIDE = re.compile(
    rf"""url\(['"]?{ROOT}([^)'"?]*KaTeX_(?:Main-Regular|Math-Italic)\.woff2)[^)]*\)"""
)
# A declaration of a variable, at the beginning of a block or after another declaration.
VARIABLE = re.compile(r"""(?<=[{;])\s*(--[\w-]+)\s*:(?:[^;{}"']|"[^"]*"|'[^']*')*(?:;|(?=\}))""")
NAME = re.compile(r"--[A-Za-z][\w-]*")
READ = re.compile(r"var\(\s*(--[\w-]+)")
CLASSES = re.compile(
    r"""(?:\b(?:class|id)|\sdata-[\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')"""
    r"|<script\b[^>]*>(.*?)</script>",
    re.DOTALL,
)
KEPT = re.compile(
    r"(<pre\b.*?</pre>|<script\b.*?</script>|<style\b.*?</style>|<textarea\b.*?</textarea>)",
    re.DOTALL,
)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
GAP = re.compile(r"\n\s+")
# One level of blocks inside.
KEYFRAMES = re.compile(r"@keyframes\s+([\w-]+)\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
ANIMATION = re.compile(r"animation(?:-name)?\s*:([^;}]*)")
FIRST = re.compile(r"<script data-first>.*?</script>\n", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """A rule of a style sheet, or a block of them.

    Attributes:
        text: the rule; of a block what stands before the brace.
        needs: for each of its selectors, the classes and ids without which it matches nothing.
        rules: what a block holds; None for a rule.
    """

    text: str
    needs: tuple[frozenset[str], ...] = (frozenset(),)
    rules: tuple[Rule, ...] | None = None

    def used(self, words: Set[str]) -> str:
        """The text without what cannot match where only these words are classes and ids."""
        if self.rules is not None:
            kept = "".join(rule.used(words) for rule in self.rules)
            return f"{self.text}{{{kept}}}" if kept else ""
        return self.text if any(need <= words for need in self.needs) else ""


def rules_of(css: str) -> tuple[Rule, ...]:
    """The rules of a style sheet, without its comments."""
    found = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return tuple(_rule(node) for node in found if node.type in ("qualified-rule", "at-rule"))


def _rule(node: Any) -> Rule:
    if node.type == "qualified-rule":
        return Rule(f"{_listed(node.prelude)}{{{_compact(node.content)}}}", _needs(node.prelude))
    if node.lower_at_keyword in ("media", "supports", "layer") and node.content is not None:
        inner = tinycss2.serialize(node.content)
        return Rule(f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}", rules=rules_of(inner))
    return Rule(node.serialize())


def _listed(prelude: list[Any]) -> str:
    """Selectors without the space between one and the next."""
    kept: list[Any] = []
    for token in prelude:
        if token.type != "whitespace" or (kept and kept[-1] != ","):
            kept.append(token)
    return tinycss2.serialize(kept).strip()


def _compact(declarations: list[Any]) -> str:
    """Declarations without the space between them, behind their colons and at the ends."""
    kept: list[Any] = []
    for token in declarations:
        if token.type == "whitespace":
            if kept and kept[-1] not in (";", ","):
                token.value = " "
                kept.append(token)
            continue
        # Behind a colon it stays if it is all that a variable has for its value.
        if len(kept) > 1 and kept[-1].type == "whitespace" and kept[-2] == ":" and token != ";":
            kept.pop()
        kept.append(token)
    if len(kept) > 1 and kept[-1].type == "whitespace" and kept[-2] != ":":
        kept.pop()
    return tinycss2.serialize(kept)


def _needs(prelude: list[Any]) -> tuple[frozenset[str], ...]:
    """Of each selector in a list; what stands in brackets is not read."""
    needs: list[set[str]] = [set()]
    after_dot = False
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            needs.append(set())
        elif token.type == "hash" or (token.type == "ident" and after_dot):
            needs[-1].add(token.value)
        after_dot = token.type == "literal" and token.value == "."
    return tuple(map(frozenset, needs))


def without_unused_motion(css: str, elsewhere: Set[str]) -> str:
    """Drop keyframes that neither an animation of the rules nor anything ``elsewhere`` names."""
    named = elsewhere | set(WORD.findall(" ".join(ANIMATION.findall(css))))
    return KEYFRAMES.sub(lambda match: match[0] if match[1] in named else "", css)


def without_unused_variables(css: str, elsewhere: Set[str]) -> str:
    """Drop variables that neither the rules read nor anything ``elsewhere`` names."""
    while True:
        read = elsewhere | set(READ.findall(css))
        new = VARIABLE.sub(lambda match, read=read: match[0] if match[1] in read else "", css)
        if new == css:
            return css
        css = new  # what only a dropped variable has read goes next


def joined(sheet: Path, root: Path) -> str:
    """The text of a style sheet and of those it imports, with addresses as from ``root``."""
    folder = sheet.parent

    def imported(match: re.Match[str]) -> str:
        return joined(folder / match[1], root)

    def moved(match: re.Match[str]) -> str:
        address = match[2]
        if urlsplit(address).scheme or address.startswith(("#", "/")):
            return match[0]
        path, rest = re.fullmatch(r"([^?#]*)(.*)", address).groups()  # type: ignore[union-attr]
        if not rest and (folder / path).is_file():  # a browser may have an older one
            rest = f"?v={digest([(folder / path).read_bytes()])}"
        return f"url({match[1]}{ROOT}{_from(folder / path, root)}{rest}{match[1]})"

    text = sheet.read_text(encoding="utf-8").replace('@charset "UTF-8";', "")
    text = re.sub(r"url\((['\"]?)([^'\")]+)\1\)", moved, text)
    return re.sub(rf"@import\s+(?:url\()?['\"](?:{ROOT})?([^'\"]+)['\"]\)?\s*;", imported, text)


def without_gaps(page: str) -> str:
    """A page without comments, empty lines and indents, but for where they are seen or run."""
    parts = KEPT.split(page)
    parts[::2] = [GAP.sub("\n", COMMENT.sub("", part)) for part in parts[::2]]
    return "".join(parts)


def digest(contents: Iterable[bytes]) -> str:
    """Names contents, for caches of browsers and for later builds."""
    return hashlib.sha256(b"".join(contents)).hexdigest()[:12]


def _from(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def without_comments(script: str) -> str:
    """A script of ours in fewer bytes: without lines that are comments, and not indented."""
    lines = re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL).splitlines()
    return "\n".join(line.strip() for line in lines if not re.match(r"\s*(//|$)", line))


def classes_in(page: str) -> set[str]:
    """What can be a class or an id in a page, or become one by what its own scripts or data say."""
    places = (found for places in CLASSES.findall(page) for found in places)
    return set(WORD.findall(" ".join(places)))


def _part(word: str) -> str | None:
    """The part that a class belongs to, if it is one that a page may lack."""
    part = PART.match(word)
    return part[1] if part else None


class Pages:
    """The pages of one built book."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._first = without_comments((root / FIRST_SCRIPT).read_text(encoding="utf-8"))
        static = sorted(path for path in (root / "_static").rglob("*") if path.suffix in KINDS)
        # A page is rewritten anew when anything in it or the way of rewriting is new.
        rules = [Path(__file__), Path(fonts.__file__)]
        self._stamp = digest(path.read_bytes() for path in [*static, *rules])
        # Scripts may add what they name.
        scripts = {
            path: path.read_text(encoding="utf-8") for path in static if path.suffix == ".js"
        }
        self._variables = set().union(*map(NAME.findall, scripts.values()))
        self._words: set[str] = set()
        self._sometimes: dict[str, set[str]] = {}
        for path, script in scripts.items():
            # Of one or two letters are the variables of minified scripts.
            words = {word for word in WORD.findall(script) if len(word) > 2}
            if path.name in ONLY_WITH:
                self._sometimes[path.name] = words
            elif path.parent.name == "codemirror":
                self._words |= {word for word in words if word.startswith("cm-")}
            else:
                self._words |= words
        self._rules: dict[Path, tuple[Rule, ...]] = {}

    def rewrite(self) -> None:
        """All pages."""
        for page in self._root.rglob("*.html"):
            if "_static" in page.parts:
                continue
            text = page.read_text(encoding="utf-8")
            if f'data-from="{self._stamp}"' in text:
                continue  # Sphinx has left the page alone, and nothing that it uses is new
            new = text if page.name == SEARCH else self._with_patient_scripts(page, text)
            new = without_gaps(self._with_own_style(page, new))
            if new != text:
                page.write_text(new, encoding="utf-8")

    def _with_patient_scripts(self, page: Path, text: str) -> str:
        def rewritten(match: re.Match[str]) -> str:
            name = urlsplit(match[2]).path.rpartition("/")[2]
            if name == INLINE:
                path = page.parent / urlsplit(match[2]).path
                return f"<script>{path.read_text(encoding='utf-8').strip()}</script>\n"
            if " type=" in match[0]:  # a module or data
                return match[0]
            if name in ONLY_WITH:
                mark = ONLY_WITH[name]
                return match[0] if mark and mark in text else ""
            attributes = re.sub(r'\s+(?:defer|async)(?:="[^"]*")?', "", match[1] + match[3])
            return f'<script type="text/plain"{attributes} data-src="{match[2]}"></script>\n'

        # A page that Sphinx left alone was rewritten before: it gets what the script is today.
        new = SCRIPT.sub(rewritten, AHEAD.sub("", FIRST.sub("", text)))
        first = f"<script data-first>{self._first}</script>\n" if " data-src=" in new else ""
        return new.replace("</head>", f"{first}</head>", 1)

    def _with_own_style(self, page: Path, text: str) -> str:
        head, end, body = text.partition("</head>")
        links = list(SHEET.finditer(head))
        if before := STYLE.search(head):
            sheets = [self._root / name for name in before[1].split()]
            start, head = before.start(), STYLE.sub("", head)
        elif links and not any(urlsplit(link[1]).scheme for link in links):
            sheets = [(page.parent / urlsplit(link[1]).path).resolve() for link in links]
            start, head = links[0].start(), SHEET.sub("", head)
        else:
            return text
        unstyled = head + body
        words = classes_in(unstyled)
        added = self._words.union(
            *(some for name, some in self._sometimes.items() if name in unstyled)
        )
        there = words | {None}
        words |= {word for word in added if _part(word) in there}
        css = "".join(rule.used(words) for sheet in sheets for rule in self._rules_of(sheet))
        css = without_unused_motion(css, words)
        css = without_unused_variables(css, self._variables.union(NAME.findall(unstyled)))
        signs = fonts.signs_in(body.encode())
        css = INSIDE.sub(partial(self._as_data, signs), css)
        css = css.replace(ROOT, f"{_from(self._root, page.parent)}/")
        names = " ".join(_from(sheet, self._root) for sheet in sheets)
        style = f'<style data-of="{names}" data-from="{self._stamp}">{css}</style>\n'
        return f"{head[:start]}{style}{head[start:]}{end}{body}"

    def _as_data(self, signs: Mapping[str, Set[str]], match: re.Match[str]) -> str:
        """A font with the signs of this page alone, which other pages have no use for."""
        font = self._root / match[1]
        small = fonts.only(font, signs.get(fonts.family_of(font), set()))
        data = base64.b64encode(small).decode()
        return f"url(data:font/woff2;base64,{data})"

    def _rules_of(self, sheet: Path) -> tuple[Rule, ...]:
        if sheet not in self._rules:
            self._rules[sheet] = rules_of(joined(sheet, self._root))
        return self._rules[sheet]


def make_light(app: Sphinx, exception: Exception | None) -> None:
    """After an HTML build."""
    if exception is not None or app.builder.name != "html":
        return
    root = Path(app.outdir).resolve()
    Pages(root).rewrite()


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after everything that writes into pages."""
    app.connect("build-finished", make_light, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
