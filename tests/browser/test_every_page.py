"""Every page of the built book, opened as narrow as a phone and with the network cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arrival import wait_for_scripts

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_ARTICLE = ("404.html", "genindex.html", "search.html")
# The ledger has sentences of other people, who may write what they like.
RAW = re.compile(
    r"\$[^$\n]{1,80}\$|\\\(|\\\[|\\begin\{|^[`~:]{3,}|\{(dropdown|note|ref|doc)\}", re.M
)

# What a page says about itself, once it has loaded.
INSPECT = """
async () => {
  const images = [...document.querySelectorAll('img')];
  images.forEach(image => { image.loading = 'eager'; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const maths = [...document.querySelectorAll('.math')];
  const prose = document.querySelector('article')?.cloneNode(true);
  prose?.querySelectorAll('pre, code, .math, script, style').forEach(part => part.remove());
  return {
    broken: images.filter(image => !image.naturalWidth).map(image => image.src),
    unnamed: images.filter(image => !image.alt.trim()).map(image => image.src),
    formulas: maths.length,
    unrendered: maths.filter(math => !math.querySelector('.katex')).map(m => m.textContent),
    mistakes: document.querySelectorAll('.katex-error').length,
    icons: [...document.querySelectorAll('.fa-solid, .fas, .fa-brands, .fab, .fa-regular, .far')]
      .map(icon => getComputedStyle(icon, '::before').content),
    width: document.documentElement.scrollWidth,
    title: document.title,
    headings: document.querySelectorAll('article h1').length,
    described: !!document.querySelector('meta[name=description]'),
    prose: prose ? prose.textContent : '',
  };
}
"""
FONTS = """
async () => [...await document.fonts.ready].filter(font => font.status === 'loaded')
  .map(font => font.family)
"""
# Marks, of the elements with the same text in the same font, the first.
ONE_OF_EACH_SIGN = """
() => {
  const seen = new Set();
  for (const part of document.querySelectorAll('article .katex-html span:not(:has(*))')) {
    const style = getComputedStyle(part);
    const sign = [part.textContent, style.fontFamily, style.fontStyle, style.fontWeight].join();
    if (!seen.has(sign)) part.classList.add('one');
    seen.add(sign);
  }
}
"""


def test_page(reader: Any, book_page: str) -> None:
    """Opens without a failed or foreign request, without an error, and complete."""
    visit = reader.open(book_page)
    seen = reader.tab.evaluate(INSPECT)
    visit.assert_clean()
    assert seen["broken"] == []
    assert seen["unnamed"] == []
    assert seen["unrendered"] == []
    assert seen["mistakes"] == 0
    assert seen["width"] <= 390, "the page scrolls sideways"
    assert seen["title"]
    if book_page not in WITHOUT_ARTICLE:
        assert seen["headings"] == 1
        assert seen["described"]
        raw = RAW.search(seen["prose"])
        assert raw is None, f"the page shows its source: {raw[0]!r}"
    subset = (ROOT / "book/web/vendor/fontawesome/icons.txt").read_text(encoding="utf-8")
    known = set(subset.split())
    for icon in seen["icons"]:
        if icon not in ("none", "normal"):
            point = f"{ord(icon.strip(chr(34))[0]):04x}"
            assert point in known, f"an icon is not in the subset: {icon}"


def test_chapters_have_formulas_and_figures(reader: Any, chapter: str) -> None:
    """The checks above would hold for a book without content, too."""
    reader.open(chapter)
    assert reader.tab.evaluate(INSPECT)["formulas"] > 0
    assert reader.tab.locator("article img").count() > 0


def test_every_sign_of_a_formula_is_in_the_fonts_of_the_book(reader: Any, chapter: str) -> None:
    """None is drawn from a font that happens to lie on the reader's machine."""
    reader.open(chapter)
    reader.tab.evaluate(ONE_OF_EACH_SIGN)
    reader.tab.evaluate(FONTS)
    devtools = reader.tab.context.new_cdp_session(reader.tab)
    for domain in ("DOM", "CSS"):
        devtools.send(f"{domain}.enable")
    query = {"nodeId": devtools.send("DOM.getDocument")["root"]["nodeId"], "selector": ".one"}
    used = {
        font["familyName"] if font["isCustomFont"] else f"{font['familyName']} of the machine"
        for sign in devtools.send("DOM.querySelectorAll", query)["nodeIds"]
        for font in devtools.send("CSS.getPlatformFontsForNode", {"nodeId": sign})["fonts"]
    }
    assert {"KaTeX_Main", "KaTeX_Math"} <= used
    assert {name for name in used if not name.startswith("KaTeX_")} == set()


def test_chapters_are_complete_without_scripts(
    new_reader: Callable[..., Any], chapter: str
) -> None:
    """JavaScript off leaves text, formulas, figures and outputs."""
    reader = new_reader(java_script_enabled=False)
    reader.open(chapter).assert_clean()
    for part in ("h1", ".katex", ".cell_input pre", ".cell_output pre", ".cell_output img"):
        assert reader.tab.locator(f"article {part}").first.is_visible(), part


def test_pages_open_from_a_folder(page: Callable[..., Any], book: Path) -> None:
    """No server: formulas keep their fonts, figures are shown, and no script stumbles."""
    tab = page(viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    chapters = sorted((book / "notebooks").glob("*.html"))
    names = ["index.html", *[f"notebooks/{path.name}" for path in chapters[:1]]]
    for name in names:
        tab.goto((book / name).resolve().as_uri(), wait_until="load")
        wait_for_scripts(tab)
        seen = tab.evaluate(INSPECT)
        assert seen["broken"] == seen["unrendered"] == errors == [], name
    if len(names) > 1:
        assert seen["formulas"] > 0
        assert "KaTeX_Main" in tab.evaluate(FONTS)
