"""The rewriting of pages: their own style, patient scripts, and nothing lost that they use."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from bookbuild.ext.fonts import WHOLE
from bookbuild.ext.weight import (
    Pages,
    classes_in,
    rules_of,
    without_gaps,
    without_unused_motion,
    without_unused_variables,
)

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
    (parsed,) = rules_of(f"/* why */ {rule}")
    assert parsed.used(WORDS) == (rule if stays else "")


def test_variables_go_only_when_nothing_reads_them():
    css = (
        "html{--read:1px;--gone:2px;--by-gone: var(--lost);--lost:3px;--quoted:url('a;b}c')}"
        "html{--by-script:4px}p.--gone:hover{top:var( --read );left:var(--quoted)}"
    )
    assert without_unused_variables(css, {"--by-script"}) == (
        "html{--read:1px;--quoted:url('a;b}c')}"
        "html{--by-script:4px}p.--gone:hover{top:var( --read );left:var(--quoted)}"
    )


def test_motion_goes_only_when_nothing_moves_by_it():
    css = (
        "@keyframes used{0%,50%{top:1px}to{top:0}}@keyframes lost{from{top:0}}"
        "@keyframes by-name{}@keyframes by-script{to{top:0}}"
        ".a{animation:1s used}.b{color:red; animation-name : x, by-name}"
    )
    kept = css.replace("@keyframes lost{from{top:0}}", "")
    assert without_unused_motion(css, {"by-script"}) == kept


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("p {\n  color: red;\n  top: 0;\n}", "p{color:red;top:0;}"),
        ("p{margin:1px   2px}", "p{margin:1px 2px}"),
        ("p{font:a,\n  b}", "p{font:a,b}"),
        ("p{--none: ;--one: a b;--last: }", "p{--none: ;--one:a b;--last: }"),
        ("p{top : 1px}", "p{top :1px}"),
        ('p{content:" ;  " ; top:1px }', 'p{content:" ;  " ;top:1px}'),
        ("p{top:calc(1px  +  2px)}", "p{top:calc(1px  +  2px)}"),
        ("a :hover, a  b{top:0}", "a :hover,a  b{top:0}"),
        ('a[title="x, y"]{top:0}', 'a[title="x, y"]{top:0}'),
    ],
)
def test_space_that_says_nothing_goes(written, short):
    (rule,) = rules_of(written)
    assert rule.used(set()) == short


def test_gaps_go_where_nobody_sees_them():
    kept = "<pre>a\n\n<!-- b --></pre>", "<script>c\n\n</script>", "<textarea>\n\n</textarea>"
    page = "<p>1</p>\n  \n\n<!-- x\n\n -->  " + "<p>2</p>".join(kept) + "\n \n</body>"
    assert without_gaps(page) == "<p>1</p>\n" + "<p>2</p>".join(kept) + "\n</body>"


def test_what_a_page_writes_about_is_no_class_of_its():
    page = """<p class="one two" id='three' data-x="four">five card</p>
    <script type="text/plain" data-src="a.js">six</script>"""
    assert classes_in(page) == {"one", "two", "three", "four", "six"}


@pytest.mark.parametrize(
    ("named", "stays"),
    [("", False), ("list-group", True), ("list-grouped", False)],
)
def test_a_part_of_the_theme_comes_only_where_the_page_has_one(book, named, stays):
    """Its script names its classes on every page."""
    (book / "_static" / "x.js").write_text("add('list-group-item', 'listed')", encoding="utf-8")
    rules = ".list-group-item{top:8px}.listed{top:9px}"
    (book / "_static" / "b.css").write_text(rules, encoding="utf-8")
    page = book / "index.html"
    page.write_text(page.read_text("utf-8") + f'<p class="{named}">', "utf-8")
    Pages(book).rewrite()
    style = page.read_text(encoding="utf-8")
    assert ("top:8px" in style) is stays
    assert "top:9px" in style


@pytest.fixture
def book(tmp_path: Path) -> Path:
    files = {
        "_static/a/one.css": '@import "two.css";\n.kept{background:url("../i.png?v=1#x")}',
        "_static/a/two.css": "p{top:1px}.gone{top:2px}",
        "_static/b.css": ".kept{left:1px}",
        "_static/documentation_options.js": "const DOCUMENTATION_OPTIONS = {};",
        "_static/x.js": "",
        "_static/scripts/first.js": "/* About\n   it. */\nfirst();\n  // why\n  second();\n",
        "searchindex.js": "",
    }
    head = (
        '<head><link rel="stylesheet" href="{up}_static/a/one.css?v=1" />\n'
        '<link href="{up}_static/b.css" rel="stylesheet" />\n'
        '<link rel="preload" as="script" href="{up}_static/x.js" />\n'
        '<script src="{up}_static/documentation_options.js?v=2"></script>\n'
        '<script defer="defer" async src="{up}_static/x.js"></script>\n'
        '<script src="{up}_static/design-tabs.js"></script>\n'
        '<script src="{up}searchindex.js"></script></head>'
    )
    for name, up in (("index.html", ""), ("deep/page.html", "../"), ("search.html", "")):
        files[name] = head.format(up=up) + f'<p class="kept">{name}</p>'
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_pages_bring_their_style_and_wait_for_no_script(book):
    Pages(book).rewrite()
    page = (book / "deep" / "page.html").read_text(encoding="utf-8")
    style = r'<style data-of="_static/a/one.css _static/b.css" [^>]*>(.*?)</style>'
    css = re.search(style, page)[1]
    assert css.index("top:1px") < css.index('"../_static/i.png?v=1#x"') < css.index("left:1px")
    assert "gone" not in css
    assert "stylesheet" not in page
    assert '<script type="text/plain" data-src="../_static/x.js"></script>' in page
    assert "<script data-first>first();\nsecond();</script>\n</head>" in page
    assert "<script>const DOCUMENTATION_OPTIONS = {};</script>" in page
    assert "preload" not in page
    assert "searchindex" not in page
    assert "design-tabs" not in page
    search = (book / "search.html").read_text(encoding="utf-8")
    assert "searchindex" in search
    assert "data-src" not in search
    assert '"./_static/i.png?v=1#x"' in search


def test_a_page_keeps_what_only_some_pages_use(book):
    page = book / "index.html"
    page.write_text(page.read_text("utf-8") + '<div class="sd-tab-set docutils">', "utf-8")
    Pages(book).rewrite()
    assert "design-tabs.js" in page.read_text(encoding="utf-8")


def test_a_changed_sheet_or_script_reaches_pages_that_were_not_built_anew(book):
    Pages(book).rewrite()
    (book / "_static" / "b.css").write_text(".kept{left:7px}", encoding="utf-8")
    (book / "_static" / "scripts" / "first.js").write_text("third();", encoding="utf-8")
    Pages(book).rewrite()
    for name in ("index.html", "deep/page.html"):
        page = (book / name).read_text(encoding="utf-8")
        assert page.count("left:7px") == page.count("<style") == 1
        assert page.count("data-first") == page.count("third();") == 1


def test_the_fonts_of_nearly_every_formula_come_with_the_page(book):
    """Lines do not move when a formula gets its font, which has the signs of the page alone."""
    font = book / "_static" / "katex" / "fonts" / "KaTeX_Main-Regular.woff2"
    font.parent.mkdir(parents=True)
    shutil.copy(WHOLE / font.name, font)
    other = font.with_name("KaTeX_AMS-Regular.woff2")
    other.write_bytes(b"other")
    (book / "_static" / "katex" / "k.css").write_text(
        "".join(f"@font-face{{src:url(fonts/{f.name})}}" for f in (font, other))
    )
    page = book / "deep" / "page.html"
    link = '<link rel="stylesheet" href="../_static/katex/k.css"></head>'
    text = page.read_text("utf-8").replace("</head>", link)
    formula = '<span class="katex-html">2<span class="mathnormal">x</span></span>'
    page.write_text(text + formula, "utf-8")
    Pages(book).rewrite()
    text = page.read_text(encoding="utf-8")
    (data,) = re.findall(r"src:url\(data:font/woff2;base64,([^)]+)\)", text)
    assert set(TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()) == {ord("2")}
    assert "Main-Regular" not in text
    assert "../_static/katex/fonts/KaTeX_AMS-Regular.woff2?v=" in text


def test_a_second_build_changes_nothing(book):
    Pages(book).rewrite()
    before = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    Pages(book).rewrite()
    assert {path: path.read_bytes() for path in book.rglob("*") if path.is_file()} == before
