"""The PDF, the EPUB and the zip: of a book of three small pages, and of the real one if written."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bookbuild.forms import articles, cli, contents, links, pdf

ROOT = Path(__file__).resolve().parents[2]

REAL = ROOT / "_build" / "activation-functions-measured"
XHTML = "{http://www.w3.org/1999/xhtml}"
FORMULA = (
    '<span class="math"><span class="katex"><span class="katex-mathml">'
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>x</mi></mrow>'
    '<annotation encoding="application/x-tex">x^2</annotation></semantics></math></span>'
    '<span class="katex-html" aria-hidden="true">xx</span></span></span>'
)
CHAPTER = f"""
<section id="top"><h1>Why {FORMULA}?<a class="headerlink" href="#top">#</a></h1>
<p>See <a href="../index.html#start">the start</a>, <a href="01-exercises.html">exercises</a>,
<a href="../genindex.html">the index</a>,
<a href="https://example.org/a?b=1&amp;c=2">a paper</a>.</p>
<h2 id="part">A part</h2>
<div class="no-print"><label>slope <input type="range"></label></div>
<script>alert(1)</script><button>Run</button><p hidden>secret</p>
<svg viewBox="0 0 10 10" width="80" role="img" aria-label="A line">
<clipPath id="clip"><rect width="9" height="9"/></clipPath>
<path d="M0 0L10 10" clip-path="url(#clip)"/></svg>
<img src="../_images/figure.svg" alt="A figure" width="100" height="50" loading="lazy">
<details class="admonition"><summary><p class="collapsed">Show the answer</p>
<p class="expanded">Hide the answer</p></summary><pre>{"0123456789" * 30}</pre></details>
<div class="cell tag_hide-input"><details class="hide above-input">
<summary><p>Show code</p></summary><pre>axes.plot()</pre></details>
<div class="cell_output"><pre>as drawn</pre></div></div>
</section>
"""
FIGURE = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" width="100pt" height="50pt" viewBox="0 0 100 50"
 style="color-scheme: light dark"><metadata>who</metadata>
<path d="M0 0L9 9" style="stroke: #0b63b5; stroke: light-dark(#0b63b5, #6db3f2)"/>
<path id="s"/></svg>
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of three pages, as Jupyter Book writes it, in a folder of its own."""
    (tmp_path / "_config.yml").write_text(
        'title: "A Book, Small"\nauthor: Somebody\ncopyright: "2026, Somebody"\n'
        "sphinx: {config: {language: en}}\n"
    )
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.3"\n')
    (tmp_path / "_toc.yml").write_text(
        "root: index\nparts:\n  - caption: Part one\n    chapters:\n"
        "      - file: notebooks/01\n        title: 1. First\n        sections:\n"
        "          - file: notebooks/01-exercises\n            title: Exercises\n"
    )
    html = tmp_path / "_build" / "html"
    (html / "notebooks").mkdir(parents=True)
    (html / "_images").mkdir()
    (html / "_images" / "figure.svg").write_text(FIGURE)
    for name in ("_static/katex/katex.min.css", "_static/pygments.css"):
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / name).write_text("")
    head = '<html><head><meta content="What it is." name="description"></head><body>'
    pages = {
        "index": '<section id="start"><h1>A Book, Small</h1><p>Hello.</p></section>',
        "notebooks/01": CHAPTER,
        "notebooks/01-exercises": '<h1>Exercises</h1><p><a href="01.html#part">back</a></p>',
    }
    for name, body in pages.items():
        text = f'{head}<nav>menu</nav><article class="bd-article">{body}</article></body></html>'
        (html / f"{name}.html").write_text(text)
    return tmp_path


def test_a_page_is_cleaned_of_what_only_a_screen_can_use(book: Path) -> None:
    """Controls, scripts and hidden parts go; what a click would show stays."""
    loaded = contents.load(book)
    article = articles.load(loaded, loaded.pages[1])
    text = etree.tostring(article.element, encoding="unicode")
    for gone in (
        "<script",
        "<button",
        "<input",
        "slope",
        "secret",
        "headerlink",
        "loading",
        "Hide",
        "axes.plot",
    ):
        assert gone not in text, gone
    assert "as drawn" in text
    assert article.title == "Why x^2?"
    assert article.description == "What it is."
    assert articles.find(article.element, ".//h:p[@class='unfolded-title']")[0].text == "The answer"
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in text
    assert "viewBox" in text


def test_solutions_are_an_appendix_with_short_outputs(book: Path) -> None:
    """They stand last, under their chapter's name; a long output ends with what is left out."""
    toc = book / "_toc.yml"
    toc.write_text(
        toc.read_text().replace(
            "          - file: notebooks/01-exercises",
            "          - file: solutions/01\n            title: Solutions\n"
            "          - file: notebooks/01-exercises",
        )
    )
    (book / "_build/html/solutions").mkdir()
    output = '<div class="cell_output"><div class="output"><pre>{}</pre></div></div>'
    many = "".join(f"<span>value {n}</span>\n" for n in range(100))
    few = "".join(f"<span>short {n}</span>\n" for n in range(24))
    (book / "_build/html/solutions/01.html").write_text(
        f"<article><h1>Solutions</h1>{output.format(many)}{output.format(few)}"
        f"{output.format('array ' + '7' * 900)}{output.format('row ' + '8' * 500)}</article>"
    )
    loaded = contents.load(book)
    assert [page.name for page in loaded.pages] == [
        "index",
        "notebooks/01",
        "notebooks/01-exercises",
        "solutions/01",
    ]
    last = loaded.pages[-1]
    assert (last.title, last.depth, last.part) == ("1. First", 0, "Appendix. Solutions")
    text = "".join(articles.load(loaded, last).element.itertext())
    assert "value 11\n… 88 more lines" in text
    assert f"array {'7' * 234} … 666 more characters" in text
    assert f"row {'8' * 500}" in text
    assert "value 12" not in text
    assert "short 23" in text


def test_links_follow_their_pages(book: Path) -> None:
    """To other pages, to the outside, to nothing; and references within a drawing."""
    loaded = contents.load(book)
    every = [articles.load(loaded, page) for page in loaded.pages]
    broken = links.retarget(every, lambda name, anchor: f"{name}.xhtml#{anchor}")
    assert broken == []
    hrefs = [a.get("href") for a in articles.find(every[1].element, ".//h:a[@href]")]
    assert hrefs == [
        "index.xhtml#start",
        "notebooks/01-exercises.xhtml#",
        "https://example.org/a?b=1&c=2",
    ]
    assert "the index" in "".join(every[1].element.itertext())
    links.prefix_ids(every[1])
    assert articles.find(every[1].element, ".//@clip-path") == ["url(#notebooks-01--clip)"]
    assert "notebooks-01--clip" in links.ids_of(every[1])


def test_a_link_to_a_missing_anchor_is_named(book: Path, capsys: pytest.CaptureFixture) -> None:
    """One sentence and exit status 1."""
    page = book / "_build/html/index.html"
    page.write_text(page.read_text().replace("Hello.", '<a href="notebooks/01.html#no">x</a>'))
    assert cli.main(["epub", "--root", str(book)]) == 1
    assert "index -> notebooks/01.html#no" in capsys.readouterr().err


def test_a_book_that_is_not_built_is_one_sentence(
    book: Path, capsys: pytest.CaptureFixture
) -> None:
    """It says what to run."""
    (book / "_build/html/notebooks/01.html").unlink()
    assert cli.main(["zip", "--root", str(book)]) == 1
    told = capsys.readouterr().err
    assert "run `make book` first" in told
    assert len(told.splitlines()) == 1


def test_no_browser_is_one_sentence(
    book: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how to get one."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(book / "none"))
    assert cli.main(["pdf", "--root", str(book)]) == 1
    assert "apt install chromium" in capsys.readouterr().err


def test_the_zip_is_the_site_with_a_line_to_start(book: Path) -> None:
    """The same book gives the same bytes."""
    assert cli.main(["zip", "--root", str(book)]) == 0
    path = book / "_build" / "a-book-small.zip"
    with zipfile.ZipFile(path) as zipped:
        names = set(zipped.namelist())
        assert {"a-book-small/README.txt", "a-book-small/index.html"} <= names
        assert b"Open index.html" in zipped.read("a-book-small/README.txt")
    first = path.read_bytes()
    assert cli.main(["zip", "--root", str(book)]) == 0
    assert path.read_bytes() == first


def check_epub(path: Path) -> None:
    """Well-formed, complete, MathML only, every link leads somewhere inside."""
    with zipfile.ZipFile(path) as zipped:
        first = zipped.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        trees = {
            name: etree.fromstring(zipped.read(name))
            for name in zipped.namelist()
            if name.endswith((".xhtml", ".opf", ".svg"))
        }
        names = set(zipped.namelist())
    anchors = {name: set(tree.xpath("//@id")) for name, tree in trees.items()}
    for name, tree in trees.items():
        assert "light-dark(" not in etree.tostring(tree, encoding="unicode"), name
        if not name.endswith(".xhtml"):
            continue
        assert not tree.xpath("//*[contains(@class, 'katex-html')]"), name
        # Nothing that only works in the page on the web.
        assert not tree.xpath("//*[starts-with(@class, 'live-')]"), name
        assert "Not in the page" not in "".join(tree.itertext()), name
        assert all(image.get("alt") for image in tree.iter(f"{XHTML}img")), name
        folder = posixpath.dirname(name)
        for image in tree.iter(f"{XHTML}img"):
            assert f"{folder}/{image.get('src')}" in names
        for link in tree.iter(f"{XHTML}a"):
            href = link.get("href", "")
            if href and "//" not in href and not href.startswith("mailto:"):
                file, _, anchor = href.partition("#")
                target = f"{folder}/{file}"
                assert target in names, (name, href)
                assert not anchor or anchor in anchors[target], (name, href)


def epubcheck(path: Path) -> None:
    """Ask epubcheck, where it is installed; Debian's command is a jar."""
    found, java = shutil.which("epubcheck"), shutil.which("java")
    if not found or not java:
        return
    jar = [java, "-jar", found] if Path(found).read_bytes()[:2] != b"#!" else [found]
    done = subprocess.run([*jar, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr)[-1500:]


def test_the_epub_is_valid(book: Path) -> None:
    """One file a page, with MathML, figures in light colours, and a table of contents."""
    assert cli.main(["epub", "--root", str(book)]) == 0
    path = book / "_build" / "a-book-small.epub"
    check_epub(path)
    with zipfile.ZipFile(path) as zipped:
        chapter = zipped.read("book/notebooks-01.xhtml").decode()
        assert "<annotation" in chapter
        assert 'href="index.xhtml#start"' in chapter
        navigation = zipped.read("book/contents.xhtml").decode()
        assert navigation.index("Part one") < navigation.index("1. First")
        package = zipped.read("book/package.opf").decode()
        for part in ("A Book, Small", "Somebody", "What it is.", 'properties="nav"', "CC BY"):
            assert part in package, part
    epubcheck(path)


def check_pdf(path: Path, title: str, chapters: list[str]) -> int:
    """Outline, links, properties; returns the number of pages."""
    pikepdf = pytest.importorskip("pikepdf", reason="pikepdf is not installed")

    def titles(items: Any) -> list[str]:
        return [t for item in items for t in (item.title, *titles(item.children))]

    with pikepdf.open(path) as document:
        assert str(document.docinfo["/Title"]) == title
        assert "/Author" in document.docinfo
        assert "/StructTreeRoot" in document.Root, "the PDF has no tags for screen readers"
        with document.open_outline() as outline:
            found = titles(outline.root)
        for chapter in chapters:
            assert any(entry.startswith(chapter) for entry in found), chapter
        places, inside = set(document.Root.Dests.keys()), 0
        for page in document.pages:
            for note in page.get("/Annots", []):
                if "/Dest" in note:
                    inside += 1
                    assert str(note.Dest) in places
                address = str(note.get("/A", {}).get("/URI", ""))
                assert not address.startswith(("file:", "http://127.", "http://localhost")), address
        assert inside >= len(chapters), "the table of contents has no links"
        return len(document.pages)


def test_the_pdf_has_an_outline_and_links(book: Path) -> None:
    """Title page, contents, and a new page for each page of the book."""
    if cli.main(["pdf", "--root", str(book)]) != 0:
        pytest.skip("no Chromium on this machine")
    path = book / "_build" / "a-book-small.pdf"
    assert check_pdf(path, "A Book, Small", ["Part one", "1. First", "Exercises"]) == 5
    assert not (book / "_build" / "forms").exists()


def test_short_code_stays_on_one_page_of_the_pdf(book: Path) -> None:
    """Long code is broken, since it would leave most of a page empty."""
    article = articles.load(loaded := contents.load(book), loaded.pages[0])
    for lines in (2, 100):
        block = etree.SubElement(article.element, f"{XHTML}pre")
        block.text = "x\n" * lines
    pdf.prepare(article)
    short, long = article.element.findall(f"{XHTML}pre")
    assert short.get("class") == "whole"
    assert long.get("class") is None


def chapters_of_the_book() -> list[str]:
    """What the real table of contents calls its chapters."""
    return [page.title for page in contents.load(ROOT).pages if page.title and page.depth == 0]


def test_the_pdf_of_the_book() -> None:
    """As `make pdf` wrote it."""
    path = REAL.with_suffix(".pdf")
    if not path.exists():
        pytest.skip("no PDF of the book; `make pdf` writes one")
    assert check_pdf(path, "Activation Functions, Measured", chapters_of_the_book()) > 100


def test_the_epub_of_the_book() -> None:
    """As `make epub` wrote it."""
    path = REAL.with_suffix(".epub")
    if not path.exists():
        pytest.skip("no EPUB of the book; `make epub` writes one")
    check_epub(path)
    epubcheck(path)
