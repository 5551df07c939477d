"""What a reader does on a page: search, switch the theme, filter, go by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from chosen import LONGEST, chapters_that_say

from bookbuild.chapters import CHAPTERS

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
FOCUSED = """
async () => {
  await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const at = document.activeElement, style = getComputedStyle(at);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    || style.boxShadow !== 'none';
  const box = at.getBoundingClientRect();
  return {
    tag: at.tagName, text: (at.innerText || at.ariaLabel || '').trim(), className: at.className,
    seen: seen && box.width > 0 && box.bottom > 0 && box.top < innerHeight,
    place: at.closest('article') ? 'article' : '',
  };
}
"""


def search(reader: Any, words: str) -> list[str]:
    """Search from the landing page as a reader does; the addresses that are found, in order."""
    reader.open("index.html")
    reader.tab.keyboard.press("Control+k")
    field = reader.tab.locator("dialog input[type=search], .search-button__wrapper.show input")
    field.first.wait_for()
    reader.tab.keyboard.type(words)
    reader.tab.keyboard.press("Enter")
    results = reader.tab.locator("#search-results ul.search li a")
    results.first.wait_for(timeout=15_000)
    reader.tab.wait_for_function(
        "!document.querySelector('#search-results ul.search li:not(:has(.context))')"
        " || document.querySelectorAll('#search-results .context').length >= 3"
    )
    return results.evaluate_all("links => links.map(link => link.href)")


def test_search_finds_a_word_and_leads_to_its_page(new_reader: Callable[..., Any]) -> None:
    """The search is local, and works from the keyboard on any page."""
    reader = new_reader(viewport=WIDE)
    search(reader, "preactivation")
    first = reader.tab.locator("#search-results ul.search li a").first
    first.click()
    reader.tab.wait_for_selector("article")
    assert "preactivation" in reader.tab.locator("article").inner_text().lower()
    reader.visit.assert_clean()


def test_search_finds_the_chapters_that_use_a_word(new_reader: Callable[..., Any]) -> None:
    """Units that die are called dying on some pages and dead on others."""
    found = search(new_reader(viewport=WIDE), "dying")
    about = [c.name for c in CHAPTERS if c.title == "ReLU" or "Dying" in c.title]
    said = {f"notebooks/{name}" for name in (*about, *chapters_that_say("dying"))}
    assert len(about) == 2
    missing = [page for page in said if not any(page in address for address in found)]
    assert missing == []
    assert about[-1] in found[0], "the chapter of that name comes first"


def test_excerpts_are_text_and_no_lists_of_contents(new_reader: Callable[..., Any]) -> None:
    """Of the first results, each excerpt has a sentence of its page around the word."""
    reader = new_reader(viewport=WIDE)
    search(reader, "dying")
    excerpts = reader.tab.locator("#search-results .context").all_inner_texts()
    assert len(excerpts) >= 3
    for excerpt in excerpts[:5]:
        for menu in ("Contents", "Skip to main", "Ctrl+K", "Unlocks", "np.", "#"):
            assert menu not in excerpt, excerpt
        assert re.search(r"[a-z][.,:;?] ", excerpt), excerpt


def test_words_are_marked_on_the_chosen_page_and_on_no_later_one(
    new_reader: Callable[..., Any],
) -> None:
    """Neither on the next chapter, nor after a search that led nowhere."""
    reader = new_reader(viewport=WIDE)
    search(reader, "preactivation")
    reader.tab.locator("#search-results ul.search li a").first.click()
    marked = reader.tab.locator("article .highlighted")
    marked.first.wait_for(state="attached")
    reader.open(LONGEST)
    assert marked.count() == 0
    search(reader, "preactivation")
    reader.open(LONGEST)
    assert marked.count() == 0


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("name", ["index.html", "search.html"])
def test_the_magnifier_does_not_lie_over_the_typed_word(
    new_reader: Callable[..., Any], viewport: dict[str, int], name: str
) -> None:
    """In the dialog and on the search page: the text begins behind the sign."""
    reader = new_reader(viewport=viewport)
    reader.open(name)
    if name == "index.html":
        reader.tab.keyboard.press("Control+k")
    field = reader.tab.locator(".bd-search input:visible").first
    field.wait_for()
    field.fill("dying")
    over = """input => {
      const sign = input.closest('.bd-search').querySelector('.fa-magnifying-glass');
      const box = sign.getBoundingClientRect(), field = input.getBoundingClientRect();
      const text = field.left + parseFloat(getComputedStyle(input).paddingLeft);
      return [box.width > 0, box.right <= text + 0.5, box.right - text];
    }"""
    shown, clear, by = field.evaluate(over)
    assert shown
    assert clear, f"the sign reaches {by:.0f} px into the word"


def test_the_theme_button_changes_the_colours(new_reader: Callable[..., Any]) -> None:
    """Figures follow the page's theme, and the theme follows the button."""
    reader = new_reader(color_scheme="light")
    reader.open("index.html")
    schemes = set()
    for _ in range(3):
        reader.tab.locator(".theme-switch-button:visible").first.click()
        schemes.add(reader.tab.evaluate("getComputedStyle(document.documentElement).colorScheme"))
    assert schemes == {"light", "dark"}


def test_the_first_frame_has_the_colours_of_the_theme(new_reader: Callable[..., Any]) -> None:
    """Dark before any script file has come: nothing flashes."""
    reader = new_reader(color_scheme="dark")
    reader.tab.route("**/*.js*", lambda route: route.abort())
    reader.tab.goto(f"{reader.site}/index.html")
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert reader.tab.evaluate(scheme) == "dark"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("way", ["address", "link", "key"])
def test_who_goes_to_a_place_arrives_there(
    new_reader: Callable[..., Any], chapter: str, width: int, way: str
) -> None:
    """Although sections that are far away are not laid out before somebody goes there."""
    reader = new_reader(viewport={"width": width, "height": 844}, reduced_motion="reduce")
    if way == "key":  # on a slow machine Chromium forgets a key whose frame takes it long
        devtools = reader.tab.context.new_cdp_session(reader.tab)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    reader.open(chapter + "#summary" * (way == "address"))
    if way == "link":
        reader.tab.evaluate("document.querySelector('a[href=\"#summary\"]').click()")
    elif way == "key":
        reader.tab.keyboard.press("End")
    at_end = "Math.abs(document.documentElement.scrollHeight - innerHeight - scrollY) <= 1"
    top = "document.querySelector('#summary h2').getBoundingClientRect().top"
    there = at_end if way == "key" else f"({top} >= 0 && {top} < 160) || {at_end}"
    reader.tab.wait_for_function(there)


def test_the_ledger_can_be_filtered_without_scripts(new_reader: Callable[..., Any]) -> None:
    """The buttons are style sheets only."""
    reader = new_reader(java_script_enabled=False)
    reader.open("book/claims.html")
    rows = reader.tab.locator("table.claims tbody tr")
    everything = rows.count()
    assert everything > 200
    still_open = reader.tab.locator("table.claims tr.v-open").count()
    assert rows.filter(visible=True).count() == everything - still_open  # what is decided
    reader.tab.locator('input[value="v-false"]').check()
    visible = rows.filter(visible=True)
    classes = {rows.nth(i).get_attribute("class") for i in range(0, everything, 40)}
    assert 0 < visible.count() <= everything
    assert all(re.search(r"\bv-[a-z-]+\b", name) for name in classes if name)
    assert visible.count() == reader.tab.locator("table.claims tr.v-false").count()


def test_the_keyboard_reaches_everything_in_order(new_reader: Callable[..., Any]) -> None:
    """First the way past the menu, then search and theme, then the text; always visible."""
    reader = new_reader(viewport=WIDE, reduced_motion="reduce")  # the first link glides in
    reader.open(LONGEST)
    stops = []
    for _ in range(80):
        reader.tab.keyboard.press("Tab")
        stops.append(reader.tab.evaluate(FOCUSED))
        if stops[-1]["place"] == "article":
            break
    assert stops[0]["text"] == "Skip to main content"
    assert stops[-1]["place"] == "article", "Tab does not reach the text"
    hidden = [stop for stop in stops if not stop["seen"]]
    assert hidden == [], hidden
    where = {
        part: next(i for i, stop in enumerate(stops) if part in stop["className"])
        for part in ("search-button", "theme-switch-button")
    }
    assert all(0 < index < len(stops) - 1 for index in where.values())


def test_the_skip_link_leads_past_the_menu(new_reader: Callable[..., Any]) -> None:
    """Enter on it, and the next stop is behind the menu."""
    reader = new_reader(viewport=WIDE)
    reader.open(LONGEST)
    reader.tab.keyboard.press("Tab")
    reader.tab.keyboard.press("Enter")
    reader.tab.keyboard.press("Tab")
    inside = "!!document.activeElement.closest('main')"
    assert reader.tab.evaluate(inside)


def test_reduced_motion_is_respected(new_reader: Callable[..., Any]) -> None:
    """Nothing glides for a reader who asked for that."""
    reader = new_reader(viewport=WIDE, reduced_motion="reduce")
    reader.open(LONGEST)
    moving = """
    () => [...document.querySelectorAll('*')].filter(element => {
      const style = getComputedStyle(element);
      const longest = text => Math.max(...text.split(',').map(parseFloat));
      return longest(style.transitionDuration) > 0.001 || longest(style.animationDuration) > 0.001
        || style.scrollBehavior === 'smooth';
    }).map(element => element.outerHTML.slice(0, 80))
    """
    assert reader.tab.evaluate(moving) == []


def test_print_leaves_the_menu_out_and_cuts_nothing(new_reader: Callable[..., Any]) -> None:
    """On paper: the text in light colours, no navigation, no box that would have to scroll."""
    reader = new_reader(viewport={"width": 680, "height": 960}, color_scheme="dark")
    reader.open(LONGEST)
    reader.tab.emulate_media(media="print")
    for part in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer", ".headerlink"):
        assert not reader.tab.locator(part).first.is_visible(), part
    cut = """
    () => [...document.querySelectorAll('article :is(pre, table, img, div.math)')]
      .filter(box => box.getBoundingClientRect().right > innerWidth + 1
        || box.matches('pre, div.math') && box.scrollWidth > box.clientWidth + 1)
      .map(box => box.outerHTML.slice(0, 90))
    """
    assert reader.tab.evaluate(cut) == []
    assert reader.tab.evaluate("getComputedStyle(document.querySelector('article h1')).color") in (
        "rgb(0, 0, 0)",
        "rgb(28, 33, 39)",
    )
