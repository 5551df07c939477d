"""What a page costs its reader before they touch it: bytes, and text that jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LIMIT = 1_000_000  # bytes on the wire, text compressed as static hosts do
SHIFT = 0.05  # cumulative layout shift
# What Lighthouse takes for a phone: 150 ms, 1.6 and 0.75 Mbit/s.
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
WATCH = """
window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""
SCROLL = """
async () => {
  const step = innerHeight;
  for (let y = 0; y < document.documentElement.scrollHeight; y += step) {
    scrollTo({top: y, behavior: 'instant'});
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
}
"""

LATER = """() => [...document.querySelectorAll('.chapter-head ~ section')].slice(1)
  .map(section => getComputedStyle(section).contentVisibility)"""
WHEN_READ = f"""
addEventListener('DOMContentLoaded', () => {{
  window.early = ({LATER})();
  window.onParsed?.();
  window.afterwards = ({LATER})();
}});
"""


def test_a_chapter_is_light_and_holds_still(new_reader: Callable[..., Any], chapter: str) -> None:
    """On a phone with a slow line and an empty cache: under 1 MB, and nothing moves.

    Not while fonts and scripts come, and not while you scroll.
    """
    reader = new_reader()
    received: list[float] = []
    session = reader.context.new_cdp_session(reader.tab)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    session.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
    reader.tab.add_init_script(WATCH)
    reader.open(chapter).assert_clean()
    before = sum(received)
    assert 50_000 < before < LIMIT
    reader.tab.evaluate(SCROLL)
    assert reader.tab.evaluate("window.shifted") < SHIFT


def test_what_comes_later_in_a_chapter_waits_for_the_first_frame(
    new_reader: Callable[..., Any], chapter: str
) -> None:
    reader = new_reader()
    reader.tab.add_init_script(WHEN_READ)
    reader.open(chapter).assert_clean()
    early = reader.tab.evaluate("window.early")
    assert len(early) > 5
    assert set(early) == {"hidden"}
    assert set(reader.tab.evaluate(LATER)) == {"visible"}
    assert not reader.tab.locator("html[data-first], .chapter-head ~ section[style]").count()


def test_who_acts_at_once_or_comes_for_a_place_finds_all_of_it(
    new_reader: Callable[..., Any], chapter: str
) -> None:
    reader = new_reader()
    reader.tab.add_init_script(WHEN_READ)
    reader.open(f"{chapter}#summary").assert_clean()
    assert set(reader.tab.evaluate("window.early")) == {"visible"}
    reader.tab.reload()  # to where one was
    assert set(reader.tab.evaluate("window.early")) == {"visible"}
    hasty = new_reader()
    hasty.tab.add_init_script(WHEN_READ)
    hasty.tab.add_init_script(
        "window.onParsed = () => dispatchEvent(new KeyboardEvent('keydown', {key: 'a'}))"
    )
    hasty.open(chapter).assert_clean()
    assert set(hasty.tab.evaluate("window.early")) == {"hidden"}
    assert set(hasty.tab.evaluate("window.afterwards")) == {"visible"}
