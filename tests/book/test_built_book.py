"""The built book in a real browser, with every request to another host refused.

Needs a book (`make book`, or the folder in the environment variable BOOK_HTML), the package
`playwright`, and a Chromium; each is a reason to skip. The pages are opened narrow, because what
fits there fits anywhere.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOOK = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAGES = sorted(
    path.relative_to(BOOK).as_posix()
    for path in BOOK.rglob("*.html")
    if not path.relative_to(BOOK).parts[0].startswith("_")
)

if not PAGES:
    pytest.skip(f"no built book in {BOOK}; `make book` builds one", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

# What a page says about itself, once it has loaded.
INSPECT = """
async () => {
  const images = [...document.querySelectorAll('img')];
  images.forEach(image => { image.loading = 'eager'; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const maths = [...document.querySelectorAll('.math')];
  return {
    broken: images.filter(image => !image.naturalWidth).map(image => image.src),
    unnamed: images.filter(image => !image.alt.trim()).map(image => image.src),
    formulas: maths.length,
    unrendered: maths.filter(math => !math.querySelector('.katex')).map(m => m.textContent),
    icons: [...document.querySelectorAll('.fa-solid, .fas, .fa-brands, .fab, .fa-regular, .far')]
      .map(icon => getComputedStyle(icon, '::before').content),
    width: document.documentElement.scrollWidth,
    title: document.title,
    headings: document.querySelectorAll('article h1').length,
    described: !!document.querySelector('meta[name=description]'),
  };
}
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@dataclass
class Visit:
    """What happened while a page was open."""

    failed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Reader:
    """A browser tab of 390 by 844 pixels that reaches nothing but the book."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.address = address
        self.tab = browser.new_context(viewport={"width": 390, "height": 844}, **context).new_page()
        self.visit = Visit()
        self.tab.route("**/*", self._let_through)
        self.tab.on("requestfailed", self._note_failure)
        self.tab.on("pageerror", lambda error: self.visit.errors.append(str(error)))
        self.tab.on(
            "console",
            lambda message: (
                self.visit.errors.append(message.text) if message.type == "error" else None
            ),
        )
        self.tab.on(
            "response",
            lambda answer: (
                self.visit.failed.append(f"{answer.status} {answer.url}")
                if answer.status >= 400
                else None
            ),
        )

    def _let_through(self, route: Any) -> None:
        if route.request.url.startswith((self.address, "data:", "blob:")):
            route.continue_()
        else:
            self.visit.outside.append(route.request.url)
            route.abort()

    def _note_failure(self, request: Any) -> None:
        # A request that the browser gives up by itself, because the tab goes on to the next page
        # or because scripts are off ("csp"), is no fault; a missing file answers 404 instead.
        if request.failure not in ("net::ERR_ABORTED", "csp"):
            self.visit.failed.append(f"{request.failure} {request.url}")

    def open(self, page: str) -> Visit:
        """Open a page of the book and wait until everything it asks for has come."""
        self.visit = Visit()
        self.tab.goto(self.address + page, wait_until="load")
        return self.visit


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The book on a port of this machine."""
    handler = functools.partial(Quiet, directory=str(BOOK))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium: the system's, or Playwright's own."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with playwright.sync_playwright() as tools:
        try:
            opened = tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no browser starts here: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def reader(browser: Any, address: str) -> Reader:
    """One tab for all pages."""
    return Reader(browser, address)


@pytest.mark.parametrize("page", PAGES)
def test_page(reader: Reader, page: str) -> None:
    """Opens without a failed or foreign request, without an error, and complete."""
    visit = reader.open(page)
    seen = reader.tab.evaluate(INSPECT)
    assert visit.outside == []
    assert visit.failed == []
    assert visit.errors == []
    assert seen["broken"] == []
    assert seen["unnamed"] == []
    assert seen["unrendered"] == []
    assert seen["width"] <= 390, "the page scrolls sideways"
    assert seen["title"]
    if page not in ("404.html", "genindex.html", "search.html"):
        assert seen["headings"] == 1
        assert seen["described"]
    subset = (ROOT / "book/web/vendor/fontawesome/icons.txt").read_text(encoding="utf-8")
    known = set(subset.split())
    for icon in seen["icons"]:
        if icon not in ("none", "normal"):
            assert f"{ord(icon.strip(chr(34))[0]):04x}" in known, (
                f"an icon is not in the subset: {icon}"
            )


def test_a_chapter_with_formulas_and_figures_is_among_the_pages(reader: Reader) -> None:
    """The checks above would hold for a book without content, too."""
    chapters = [page for page in PAGES if page.startswith("notebooks/")]
    if not chapters:
        pytest.skip("this build has no chapters")
    for page in chapters:
        reader.open(page)
        assert reader.tab.evaluate(INSPECT)["formulas"] > 0, page
        assert reader.tab.locator("article img").count() > 0, page


def test_search_finds_a_word(reader: Reader) -> None:
    """The search is local and works."""
    reader.open("search.html?q=preactivation")
    reader.tab.wait_for_selector("#search-results ul.search li", timeout=15_000)
    assert reader.tab.locator("#search-results ul.search li").count() > 0
    assert reader.visit.outside == []


def test_the_theme_button_changes_the_colours(browser: Any, address: str) -> None:
    """Figures follow the page's theme, and the theme follows the button."""
    reader = Reader(browser, address, color_scheme="light")
    reader.open("index.html")
    schemes = set()
    for _ in range(3):
        reader.tab.locator(".theme-switch-button:visible").first.click()
        schemes.add(reader.tab.evaluate("getComputedStyle(document.documentElement).colorScheme"))
    assert schemes == {"light", "dark"}


def test_the_ledger_can_be_read_and_filtered_without_scripts(browser: Any, address: str) -> None:
    """The buttons are style sheets only."""
    reader = Reader(browser, address, java_script_enabled=False)
    reader.open("book/claims.html")
    rows = reader.tab.locator("table.claims tbody tr")
    everything = rows.count()
    assert everything > 200
    reader.tab.locator('input[value="v-open"]').check()
    visible = rows.filter(visible=True)
    classes = {rows.nth(i).get_attribute("class") for i in range(0, everything, 40)}
    assert 0 < visible.count() <= everything
    assert all(re.search(r"\bv-[a-z-]+\b", name) for name in classes if name)
    assert visible.count() == reader.tab.locator("table.claims tr.v-open").count()


def test_chapters_can_be_read_without_scripts(browser: Any, address: str) -> None:
    """JavaScript off leaves a complete book: text, formulas, figures and outputs are there."""
    chapters = [page for page in PAGES if page.startswith("notebooks/")]
    if not chapters:
        pytest.skip("this build has no chapters")
    reader = Reader(browser, address, java_script_enabled=False)
    visit = reader.open(chapters[0])
    assert visit.failed == visit.outside == []
    for part in ("h1", ".katex", ".cell_input pre", ".cell_output pre", ".cell_output img"):
        assert reader.tab.locator(f"article {part}").first.is_visible(), part
