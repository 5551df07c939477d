"""Lighthouse on a chapter. Its times move with the machine, so they are judged on request only.

Needs node 20 or newer and Lighthouse, which `npm install --prefix .venv/node lighthouse@12.8.2`
brings. Scores of what a page *is* (accessibility, best practices) are always judged; those of how
fast it was, with ``-m slow``: the median of three runs.
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

ROOT = Path(__file__).resolve().parents[2]
INSTALL = "npm install --prefix .venv/node lighthouse@12.8.2"
CHAPTER = "notebooks/04_relu.html"


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
        timeout=150,
        env={**os.environ, "CHROME_PATH": browser},
    )
    assert done.returncode == 0, done.stderr[-500:]
    return json.loads(done.stdout)


def test_a_chapter_is_accessible_and_well_made(lighthouse: str, site: str, chromium: str) -> None:
    """Accessibility 100, best practices 95 or more."""
    report = measure(
        lighthouse, chromium, f"{site}/{CHAPTER}", "accessibility,best-practices,seo", desktop=True
    )
    failed = [
        f"{audit['id']}: {audit['title']}"
        for audit in report["audits"].values()
        if audit["score"] is not None and audit["score"] < 1
    ]
    scores = {name: category["score"] for name, category in report["categories"].items()}
    assert scores["accessibility"] == 1, failed
    assert scores["best-practices"] >= 0.95, failed
    assert scores["seo"] >= 0.9, failed


@pytest.mark.slow
@pytest.mark.parametrize(("desktop", "least"), [(True, 0.95), (False, 0.90)])
def test_a_chapter_is_fast(
    lighthouse: str, site: str, chromium: str, desktop: bool, least: float
) -> None:
    """Performance at desktop and mobile settings; the text is there within 1.5 s on a phone."""
    reports = [
        measure(lighthouse, chromium, f"{site}/{CHAPTER}", "performance", desktop) for _ in range(3)
    ]
    scores = [report["categories"]["performance"]["score"] for report in reports]
    paints = [
        report["audits"]["largest-contentful-paint"]["numericValue"] / 1000 for report in reports
    ]
    print(f"{'desktop' if desktop else 'mobile'}: scores {scores}, largest paint {paints} s")
    assert statistics.median(scores) >= least, (scores, paints)
    assert statistics.median(paints) < 1.5, (scores, paints)
