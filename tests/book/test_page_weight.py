"""The rewriting of heads: one style sheet, patient scripts, and nothing lost that a page uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from weight import Heads, used_rules

WORDS = {"kept", "also", "note"}


@pytest.mark.parametrize(
    ("rule", "stays"),
    [
        ("p{color:red}", True),
        (".kept{color:red}", True),
        (".gone{color:red}", False),
        (".gone,.kept:hover{color:red}", True),
        (".kept .gone{color:red}", False),
        ("#note{color:red}", True),
        ("#lost{color:red}", False),
        (".kept:not(.gone){color:red}", True),
        (":is(.gone,.kept) a{color:red}", True),
        ("@media print{.also{color:red}}", True),
        ("@media print{.gone{color:red}}", False),
        ("@font-face{font-family:x;src:url(x.woff2)}", True),
        ("@keyframes gone{from{top:0}}", True),
        ("html[data-theme=dark] .kept{color:red}", True),
        ("a.kept.gone{color:red}", False),
    ],
)
def test_a_rule_goes_only_when_nothing_can_match_it(rule, stays):
    assert bool(used_rules(rule, WORDS)) is stays


@pytest.fixture
def book(tmp_path: Path) -> Path:
    files = {
        "_static/a/one.css": '@import "two.css";\n.kept{background:url("../i.png?v=1#x")}',
        "_static/a/two.css": "p{top:1px}.gone{top:2px}",
        "_static/b.css": ".kept{left:1px}",
        "_static/documentation_options.js": "const DOCUMENTATION_OPTIONS = {};",
        "_static/x.js": "",
        "searchindex.js": "",
    }
    head = (
        '<head><link rel="stylesheet" href="{up}_static/a/one.css?v=1" />\n'
        '<link href="{up}_static/b.css" rel="stylesheet" />\n'
        '<link rel="preload" as="script" href="{up}_static/x.js" />\n'
        '<script src="{up}_static/documentation_options.js?v=2"></script>\n'
        '<script src="{up}_static/x.js"></script>\n'
        '<script src="{up}searchindex.js"></script></head>'
    )
    for name, up in (("index.html", ""), ("deep/page.html", "../"), ("search.html", "")):
        files[name] = head.format(up=up) + f'<p class="kept">{name}</p>'
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_pages_get_one_sheet_and_wait_for_no_script(book):
    Heads(book).rewrite()
    (sheet,) = (book / "_static" / "sheets").iterdir()
    css = sheet.read_text(encoding="utf-8")
    assert css.index("top:1px") < css.index("../i.png?v=1#x") < css.index("left:1px")
    assert "gone" not in css
    page = (book / "deep" / "page.html").read_text(encoding="utf-8")
    assert page.count("stylesheet") == 1
    assert f"../_static/sheets/{sheet.name}" in page
    assert '<script defer src="../_static/x.js">' in page
    assert "<script>const DOCUMENTATION_OPTIONS = {};</script>" in page
    assert "preload" not in page
    assert "searchindex" not in page
    assert "searchindex" in (book / "search.html").read_text(encoding="utf-8")


def test_a_changed_sheet_reaches_pages_that_were_not_built_anew(book):
    Heads(book).rewrite()
    (book / "_static" / "b.css").write_text(".kept{left:7px}", encoding="utf-8")
    Heads(book).rewrite()
    (sheet,) = (book / "_static" / "sheets").iterdir()
    assert "left:7px" in sheet.read_text(encoding="utf-8")
    for name in ("index.html", "deep/page.html"):
        assert sheet.name in (book / name).read_text(encoding="utf-8")


def test_a_second_build_changes_nothing_and_leaves_no_old_sheet(book):
    Heads(book).rewrite()
    before = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    (book / "_static" / "sheets" / "old.css").write_text("", encoding="utf-8")
    Heads(book).rewrite()
    assert {path: path.read_bytes() for path in book.rglob("*") if path.is_file()} == before
