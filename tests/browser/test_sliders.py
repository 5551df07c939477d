"""Interactive figures in a real browser: they move, say what they show, and shift nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from arrival import wait_for_scripts

from actlab.functions import get
from bookbuild.chapters import CHAPTERS
from bookbuild.sliders import HOME, formats

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^\s*\"?```\{slider-figure\} ([\w-]+)", re.M)


def pages_with_figures() -> dict[str, str]:
    """Where each figure stands: the landing page and the chapters of the registry."""
    found = {"index.html": ROOT / "index.md"} | {
        f"notebooks/{chapter.name}.html": ROOT / "notebooks" / f"{chapter.name}.ipynb"
        for chapter in CHAPTERS
        if chapter.written()
    }
    return {
        name: page
        for page, path in found.items()
        for name in FENCE.findall(path.read_text(encoding="utf-8"))
    }


PAGES = pages_with_figures()
SHIFTS = """
() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
  setTimeout(() => resolve(sum), 300);
})
"""

# As a reader comes to the figure: screen by screen.
READ_ON = """
async (figure) => {
  while (figure.getBoundingClientRect().bottom > innerHeight) {
    scrollBy({top: 0.8 * innerHeight, behavior: 'instant'});
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
}
"""


class Tab:
    """A figure on its page, in a context of its own."""

    def __init__(self, browser: Any, address: str, name: str, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        late = options.pop("late", False)
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.held: list[Any] = []
        if late:
            self.page.route("**/figures/data/*.js*", lambda route: self.held.append(route))
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{address.rstrip('/')}/{PAGES[name]}", wait_until="load")
        if options.get("java_script_enabled", True):
            wait_for_scripts(self.page)
        self.figure = self.page.locator(f'[data-figure="{name}"]')
        if self.figure.count() == 0:
            pytest.skip(f"the built book has no figure {name}; make book builds it")
        if options.get("java_script_enabled", True):
            self.figure.evaluate(READ_ON)
            if not late:
                self.page.wait_for_selector(f'[data-figure="{name}"][data-live]')

    def paths(self) -> list[str]:
        """The ``d`` of every curve."""
        found = self.figure.locator("path[data-curve]")
        return found.evaluate_all("paths => paths.map(path => path.getAttribute('d'))")

    def control(self, number: int = 0) -> Any:
        """A slider or list."""
        return self.figure.locator(f'[data-control="{number}"]')

    @property
    def reading(self) -> Any:
        """The slider along the abscissa."""
        return self.figure.locator("[data-reading]")

    def place(self) -> float:
        """Where curves are read off."""
        return number(self.figure.locator("[data-place]").inner_text().split("=")[-1])

    def seen(self) -> str:
        """The text of the figure but for what is only read aloud, and comes a moment later."""
        return self.figure.evaluate(
            """figure => {
              const copy = figure.cloneNode(true);
              for (const heard of copy.querySelectorAll('[role=status]')) heard.remove();
              return copy.textContent;
            }"""
        )

    def values(self) -> list[str]:
        """The read-out, row by row."""
        return [text.strip() for text in self.figure.locator("[data-value]").all_inner_texts()]

    def colour(self) -> str:
        """Of the first curve, as drawn."""
        line = self.figure.locator("path[data-curve].sf-row0").first
        return line.evaluate("line => getComputedStyle(line).stroke")


def number(text: str) -> float:
    """A number as the page sets it."""
    return float(re.search(r"-?\d+(\.\d+)?", text.replace("−", "-"))[0])


@pytest.fixture
def tab(browser: Any, site: str) -> Iterator[Callable[..., Tab]]:
    """Opens figures, and closes them."""
    opened: list[Tab] = []

    def opening(name: str, address: str = site, **options: Any) -> Tab:
        opened.append(Tab(browser, address, name, **options))
        return opened[-1]

    yield opening
    for one in opened:
        one.context.close()


def test_every_figure_of_the_book_is_tried_here():
    """Each stands on one page of the registry."""
    assert sorted(PAGES) == sorted(HOME)


@pytest.mark.parametrize("name", PAGES)
def test_a_control_moves_a_curve_and_reset_brings_it_back(tab, name):
    """Every figure of the book: keys on the first control change paths, names and values."""
    there = tab(name)
    assert there.errors == []
    before, shown = there.paths(), there.seen()
    control = there.control()
    control.focus()
    is_list = control.evaluate("control => control.tagName") == "SELECT"
    control.press("ArrowDown" if is_list else "ArrowRight")
    assert there.paths() != before
    assert there.seen() != shown
    there.figure.locator(".sf-reset").click()
    assert there.paths() == before
    assert there.seen() == shown
    assert there.errors == []


def test_reset_goes_to_what_was_written_when_the_data_come_late(tab):
    """They come when the figure is near, and a reader may be quicker."""
    start = tab("swish-beta").paths()
    there = tab("swish-beta", late=True)
    before = there.paths()
    there.control().focus()
    there.control().press("ArrowRight")
    while not there.held:  # the request is on its way
        there.page.wait_for_timeout(50)
    (route,) = there.held
    assert there.paths() == before
    route.continue_()
    there.page.wait_for_selector('[data-figure="swish-beta"][data-live]')
    assert there.paths() not in (before, start)
    there.figure.locator(".sf-reset").click()
    assert there.paths() == start


def test_the_script_reads_off_what_the_server_has_written(tab):
    """Both write the same numbers, so nothing changes when the script arrives."""
    for name in PAGES:
        silent, live = tab(name, java_script_enabled=False), tab(name)
        table = "table.sf-values"
        plain = silent.figure.locator(table).evaluate("table => table.textContent")
        assert live.figure.locator(table).evaluate("table => table.textContent") == plain


def test_arrow_home_and_end_keys_move_the_sliders(tab):
    """And what is read aloud is the value with its unit, not the number of the position."""
    there = tab("swish-beta")
    slider = there.control()
    slider.focus()
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "6.0"
    for _ in range(3):
        slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "5.7"
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") == "0.0"
    there.reading.focus()
    there.reading.press("Home")
    assert there.place() == -4
    # At β = 0 the function is x/2, whose slope is one half.
    assert [number(text) for text in there.values()[:2]] == [-2, 0.5]


@pytest.mark.parametrize(("presses", "place"), [(0, 1.0), (7, -2.0), (34, 2.5)])
def test_the_read_out_agrees_with_the_package(tab, presses, place):
    """Value and slope, to the three digits that are shown."""
    there = tab("swish-beta")
    there.control().focus()
    for _ in range(presses):
        there.control().press("ArrowRight")
    there.reading.evaluate(
        """(slider, value) => {
          slider.value = value;
          slider.dispatchEvent(new Event('input', {bubbles: true}));
        }""",
        str(round((place + 4) / 0.05)),
    )
    beta = number(there.control().get_attribute("aria-valuetext"))
    assert beta == pytest.approx(1 + presses / 10)
    assert there.place() == place
    family, gelu = get("silu"), get("gelu")
    expected = [
        family.forward(place, beta=beta),
        family.derivative(place, beta=beta),
        gelu.forward(place),
        gelu.derivative(place),
    ]
    assert [number(text) for text in there.values()] == pytest.approx(expected, abs=5.6e-4)


def test_a_pointer_over_the_curve_chooses_the_place(tab):
    """In the middle of the left panel is x = 0, at its right end x = 4."""
    there = tab("swish-beta")
    panel = there.figure.locator("svg[data-panel='0']")
    panel.scroll_into_view_if_needed()
    size = panel.bounding_box()
    scale = size["width"] / 360
    for x, place in ((46 + 304 / 2, 0.0), (46 + 304, 4.0)):
        there.page.mouse.move(size["x"] + scale * x, size["y"] + scale * 100)
        assert there.place() == pytest.approx(place, abs=0.051)


def test_a_kink_is_a_gap_and_both_slopes_are_read_out(tab):
    """ReLU's derivative on the landing page."""
    there = tab("compare-functions")
    slope = there.figure.locator("svg[data-panel='1'] path.sf-line.sf-row0").get_attribute("d")
    assert slope.count("M") == 2
    there.reading.focus()
    for _ in range(20):  # from 1 to 0
        there.reading.press("ArrowLeft")
    assert there.place() == 0
    assert there.values()[:2] == ["0.000", "0.000 → 1.000"]


def test_any_two_functions_can_be_compared(tab):
    """Choosing changes curve, name and numbers; the other function stays."""
    there = tab("compare-functions")
    before = there.paths()
    there.control(0).select_option(label="Tanh")
    after = there.paths()
    assert (after[0] != before[0], after[1] != before[1]) == (True, False)
    assert there.figure.locator('[data-name="0"]').inner_text() == "Tanh"
    tanh, gelu = get("tanh"), get("gelu")
    expected = [tanh.forward(1.0), tanh.derivative(1.0), gelu.forward(1.0), gelu.derivative(1.0)]
    assert [number(text) for text in there.values()] == pytest.approx(expected, abs=5.6e-4)


WITH_TYPES = ("compare-functions", "swish-beta")


@pytest.mark.parametrize("name", WITH_TYPES)
def test_the_type_is_switched_from_the_keyboard(tab, name):
    """Curves, numbers and sentence are the type's, and are said; reset brings float32 back."""
    there = tab(name, viewport={"width": 390, "height": 844})
    note = there.figure.locator(".sf-note")
    before, said = there.paths(), note.inner_text()
    switch = there.figure.locator(".sf-switch")
    assert switch.locator("legend").inner_text() == "Floating-point type"
    names = switch.locator("label").all_inner_texts()
    assert tuple(names) == formats.TYPES
    assert all(one.bounding_box()["height"] >= 44 for one in switch.locator("label").all())
    switch.get_by_label("float32", exact=True).focus()
    seen = {said}
    for kind in formats.TYPES[1:]:
        there.page.keyboard.press("ArrowRight")
        assert switch.get_by_label(kind, exact=True).is_checked()
        assert there.paths() != before
        assert f"in {kind}" in note.inner_text().replace("In ", "in ")
        seen.add(note.inner_text())
    assert len(seen) == len(formats.TYPES)
    status = there.figure.locator("[role=status]")
    there.page.wait_for_function(
        "name => document.querySelector(`[data-figure='${name}'] [role=status]`).textContent"
        ".includes('float16')",
        arg=name,
    )
    assert "slope 0" in status.text_content()
    there.figure.locator(".sf-reset").click()
    assert (there.paths(), note.inner_text()) == (before, said)
    assert there.errors == []


def test_values_of_a_type_are_those_of_pytorch(tab):
    """Tanh at 4 in bfloat16: 1, and a slope of exactly 0, with a bar below it."""
    there = tab("compare-functions")
    there.control(0).select_option(label="Tanh")
    there.figure.locator(".sf-switch label", has_text="bfloat16").click()
    there.reading.focus()
    for _ in range(60):  # from 1 to 4
        there.reading.press("ArrowRight")
    assert there.place() == 4
    assert there.values()[:2] == ["1.000", "0.000"]
    assert "39 % of sums four times as wide" in there.figure.locator(".sf-note").inner_text()
    bar = there.figure.locator("path.sf-rug.sf-row0").get_attribute("d")
    assert bar.count("M") > 3


def test_a_screen_reader_is_told_once_the_reader_pauses(tab):
    """Ten steps make one message, and it names place, values and the note."""
    there = tab("swish-beta")
    status = there.figure.locator("[role=status]")
    assert status.inner_text() == ""
    there.page.evaluate(
        """() => {
          window.told = 0;
          new MutationObserver(() => { window.told += 1; }).observe(
            document.querySelector('[data-figure="swish-beta"] [role=status]'), {childList: true});
        }"""
    )
    there.control().focus()
    for _ in range(10):
        there.control().press("ArrowRight")
    there.page.wait_for_function("window.told > 0")
    assert there.page.evaluate("window.told") == 1
    told = status.text_content()
    assert told.startswith("at x = 1.00, x·σ(βx): f(x) 0.881, f′(x) 1.091; GELU: f(x) 0.841, ")
    assert "Largest distance from GELU" in told


def test_the_theme_switch_recolours_at_once(tab):
    """Without a redraw: the colour of a line is a variable of the theme."""
    there = tab("swish-beta", color_scheme="light")
    found = set()
    for _ in range(3):
        there.page.locator(".theme-switch-button:visible").first.click()
        found.add(there.colour())
    assert found == {"rgb(11, 99, 181)", "rgb(109, 179, 242)"}


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_the_figure_is_there_and_the_controls_are_not(tab, name):
    """Curves, read-out and a caption that says at which values it is drawn."""
    there = tab(name, java_script_enabled=False)
    assert all(path.startswith("M") for path in there.paths())
    assert there.figure.locator("svg[data-panel]").first.is_visible()
    assert there.figure.locator(".sf-fixed").is_visible()
    assert there.figure.locator("input, select, button").filter(visible=True).count() == 0
    printed = there.figure.locator(".sf-printed svg")
    assert all(printed.nth(k).is_visible() for k in range(printed.count()))


def test_on_paper_the_figure_stands_at_three_positions_without_controls(tab):
    """In light colours, also when the page on the screen is dark."""
    there = tab("swish-beta", color_scheme="dark")
    there.page.emulate_media(media="print")
    assert there.colour() == "rgb(11, 99, 181)"
    assert there.figure.locator("input, button").filter(visible=True).count() == 0
    assert there.figure.locator("svg:not(.sf-swatch)").filter(visible=True).count() == 6
    captions = there.figure.locator(".sf-caption").filter(visible=True).all_inner_texts()
    assert [re.search(r"β: (\d\.\d)", caption)[1] for caption in captions] == ["1.0", "0.0", "6.0"]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_shifts_and_nothing_scrolls_sideways(tab, name, width):
    """While the page loads, and while sliders go from end to end."""
    there = tab(name, viewport={"width": width, "height": 844})
    assert there.page.evaluate(SHIFTS) < 0.05
    height = there.figure.bounding_box()["height"]
    sliders = there.figure.locator("input[type=range], select, input[type=radio]:checked")
    for k in range(sliders.count()):
        sliders.nth(k).focus()
        for key in ("Home", "End", "ArrowUp"):
            there.page.keyboard.press(key)
            assert there.figure.bounding_box()["height"] == height, f"moves the page: {key}"
    assert there.page.evaluate("document.documentElement.scrollWidth") <= width
    touched = there.figure.locator("input[type=range], select, .sf-buttons label")
    for k in range(touched.count()):
        assert touched.nth(k).bounding_box()["height"] >= 44


def test_the_figure_asks_no_other_host(tab, site):
    """Script and data come from the book; the style is part of the page's sheet."""
    there = tab("swish-beta")
    there.reading.press("End")
    assert there.requests
    assert [url for url in there.requests if not url.startswith((site, "data:"))] == []
    assert sum("figures/" in url for url in there.requests) == 2


def test_pages_without_a_figure_load_none_of_it(browser, site):
    """The component costs only the pages that use it."""
    context = browser.new_context()
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{site.rstrip('/')}/book/glossary.html", wait_until="load")
    wait_for_scripts(page)
    context.close()
    assert not any("figures/" in url for url in requests)


def test_a_figure_works_from_a_file(tab):
    """A double click on the page is enough."""
    there = tab("swish-beta", address=(ROOT / "_build" / "html").as_uri())
    before = there.paths()
    there.control().focus()
    there.control().press("End")
    assert there.paths() != before
    assert there.errors == []
