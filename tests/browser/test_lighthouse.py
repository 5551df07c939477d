"""Lighthouse on every chapter. Its times move with the machine, so they are judged on request only.

Needs node 20 or newer and Lighthouse, which `npm install --prefix .venv/node lighthouse@12.8.2`
brings. What a page *is* is judged in any case, for the heaviest chapter, and with ``-m slow`` for
all of them: accessibility, best practices, what jumps. With ``-m slow`` also what each weighs, and
how fast it was: the median of five runs.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from pathlib import Path
from typing import Any

import pytest
from chosen import LONGEST

ROOT = Path(__file__).resolve().parents[2]
INSTALL = "npm install --prefix .venv/node lighthouse@12.8.2"
SHIFT = 0.02  # cumulative layout shift
WEIGHT = 200_000  # bytes on the wire before anybody touches the page


@pytest.fixture(scope="module")
def lighthouse(chromium: str | None) -> str:
    """The path of the command."""
    local = ROOT / ".venv" / "node" / "node_modules" / ".bin" / "lighthouse"
    found = os.environ.get("LIGHTHOUSE") or (str(local) if local.exists() else None)
    found = found or shutil.which("lighthouse")
    if not found or not shutil.which("node"):
        pytest.skip(f"no Lighthouse; with node, `{INSTALL}` brings it")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    return found


def measure(
    command: str, browser: str, address: str, categories: str, desktop: bool
) -> dict[str, Any]:
    """Run Lighthouse once and return its report."""
    arguments = [
        command,
        address,
        "--quiet",
        "--output=json",
        "--chrome-flags=--headless=new --no-sandbox",
        f"--only-categories={categories}",
        *(["--preset=desktop"] if desktop else []),
    ]
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "CHROME_PATH": browser},
    )
    assert done.returncode == 0, done.stderr[-500:]
    return json.loads(done.stdout)


def judge(lighthouse: str, chromium: str, address: str, desktop: bool) -> dict[str, Any]:
    """What a page is, whatever the machine: accessible, well made, still; and the report."""
    categories = "performance,accessibility,best-practices,seo"
    report = measure(lighthouse, chromium, address, categories, desktop)
    failed = [
        f"{audit['id']}: {audit['title']}"
        for audit in report["audits"].values()
        if audit["score"] is not None and audit["score"] < 1
    ]
    scores = {name: category["score"] for name, category in report["categories"].items()}
    assert scores["accessibility"] == 1, failed
    assert scores["best-practices"] >= 0.95, failed
    assert scores["seo"] >= 0.9, failed
    assert report["audits"]["cumulative-layout-shift"]["numericValue"] < SHIFT
    return report


@pytest.mark.parametrize("desktop", [True, False], ids=["desktop", "phone"])
def test_the_heaviest_chapter_is_accessible_and_still(
    lighthouse: str, site: str, chromium: str, desktop: bool
) -> None:
    """Accessibility 100, layout shift below 0.02."""
    judge(lighthouse, chromium, f"{site}/{LONGEST}", desktop)


@pytest.mark.slow
def test_every_chapter_is_accessible_light_and_still(
    lighthouse: str, site: str, chromium: str, chapter: str
) -> None:
    """The same on a phone, for each, and less than 0.2 MB."""
    report = judge(lighthouse, chromium, f"{site}/{chapter}", desktop=False)
    assert report["audits"]["total-byte-weight"]["numericValue"] < WEIGHT


@pytest.mark.slow
@pytest.mark.parametrize("desktop", [True, False], ids=["desktop", "phone"])
def test_a_chapter_is_fast(lighthouse: str, site: str, chromium: str, desktop: bool) -> None:
    """Performance 0.95 or more, and the text is there within 1.3 s, as medians of five runs."""
    reports = [
        measure(lighthouse, chromium, f"{site}/{LONGEST}", "performance", desktop) for _ in range(5)
    ]
    scores = [report["categories"]["performance"]["score"] for report in reports]
    paints = [
        report["audits"]["largest-contentful-paint"]["numericValue"] / 1000 for report in reports
    ]
    print(f"{'desktop' if desktop else 'mobile'}: scores {scores}, largest paint {paints} s")
    assert statistics.median(scores) >= 0.95, (scores, paints)
    assert statistics.median(paints) < 1.3, (scores, paints)
