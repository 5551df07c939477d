"""Pages, their generators and their templates, without building the book."""

import json
import re
from pathlib import Path

import pytest
import yaml
from docutils import nodes
from docutils.utils import new_document

from actlab import claims
from actlab.functions import CATALOGUE
from bookbuild.chapters import CHAPTERS
from bookbuild.ext import bookpages
from bookbuild.pages import kill_table, ledger, property_table, solutions

ROOT = Path(__file__).resolve().parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def pages_of(entry):
    """The files of a table of contents, in order."""
    if "file" in entry:
        yield entry["file"]
    for key in ("parts", "chapters", "sections"):
        for child in entry.get(key, []):
            yield from pages_of(child)


PAGES = [TOC["root"], *pages_of(TOC)]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_table_of_contents_exists(page):
    assert any((ROOT / f"{page}{suffix}").exists() for suffix in (".md", ".ipynb"))


def test_every_chapter_and_exercise_is_in_the_table_of_contents():
    for folder in ("notebooks", "exercises", "solutions"):
        written = {f"{folder}/{path.stem}" for path in (ROOT / folder).glob("[0-9]*.ipynb")}
        assert written <= set(PAGES)


def test_every_prose_page_has_a_description():
    for page in PAGES:
        path = ROOT / f"{page}.md"
        if path.exists():
            head = path.read_text(encoding="utf-8").split("---")[1]
            description = yaml.safe_load(head)["myst"]["html_meta"]["description"]
            assert 40 <= len(description) <= 200, page


def test_no_page_loads_anything_from_elsewhere():
    # Links to other sites are fine; scripts, styles, fonts and images are not.
    for path in [*(ROOT / "book" / "templates").glob("*.html"), *(ROOT / "book").rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:src|<link[^>]+href)=[\"']?(?:https?:)?//", text), path
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", text), path
    for path in [ROOT / "index.md", *(ROOT / "book").glob("*.md")]:
        assert not re.search(r"<(?:script|iframe|img)\b", path.read_text(encoding="utf-8")), path


def test_every_part_of_the_course_is_listed_once_with_links_to_what_exists():
    text = ledger.contents(lambda name: name == "04_relu")
    assert text.count("\n- ") + text.startswith("- ") == len(CHAPTERS) == 17
    assert "[4. ReLU](/notebooks/04_relu.ipynb): Why did the crudest function win?" in text
    assert text.count("*(planned)*") == 16
    assert not re.search(r"^- \d+\. ", text, re.M)  # a numbered list within the list


def test_the_counts_of_the_ledger_add_up():
    text = ledger.counts_table(claims.load())
    assert sum(map(int, re.findall(r"\| (\d+) \|", text))) == len(claims.load())


def test_words_of_others_cannot_break_the_markdown():
    assert ledger.escape("a_b * [c](d) <e> $f$ | `x_1`") == (
        r"a\_b \* \[c\](d) \<e\> \$f\$ \| `x_1`"
    )


def test_a_description_is_the_first_paragraph_cut_at_a_word():
    document = new_document("page")
    section = nodes.section()
    document += section
    section += nodes.title("", "Title")
    section += nodes.paragraph("", "word " * 60)
    text = bookpages.description_of(document)
    assert len(text) <= bookpages.DESCRIPTION_LENGTH + 1
    assert text.endswith("word…")


def test_properties_are_measured_once_for_a_state_of_the_code(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "actlab.properties.property_table", lambda: calls.append(1) or [{"Function": "f"}]
    )
    (tmp_path / "properties-0123.json").write_text("[]")
    assert property_table.rows(tmp_path) == property_table.rows(tmp_path) == [{"Function": "f"}]
    assert len(calls) == 1
    assert [path.name for path in tmp_path.iterdir()] == [
        f"properties-{property_table.digest()}.json"
    ]


def test_the_groups_of_the_property_table_hold_every_column_once():
    from actlab.properties import COLUMNS

    grouped = [column for columns in property_table.GROUPS.values() for column in columns]
    assert ["Function", *grouped] == list(COLUMNS)


def test_the_list_of_formulas_has_every_function_and_its_source_is_cited():
    text = property_table.formulas()
    references = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    for entry in CATALOGUE.values():
        assert f"{{cite:t}}`{entry.paper}`" in text
        assert f"{{{entry.paper}," in references
    lines = text.splitlines()
    assert len(lines) == 2 + len(CATALOGUE)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}


def test_who_uses_a_function_is_said_with_the_file_at_a_commit():
    from actlab.functions.uses import USED_BY

    assert set(USED_BY) <= set(CATALOGUE)
    text = property_table.formulas()
    for use in {use for uses in USED_BY.values() for use in uses}:
        assert re.fullmatch(r"https://github\.com/[^/]+/[^/]+/blob/[0-9a-f]{40}/.+", use.address)
        assert f"[{use.model}]({use.address})" in text


def test_cited_keys_are_in_the_bibliography():
    known = set(
        re.findall(r"^@\w+\{([^,]+),", (ROOT / "book" / "references.bib").read_text(), re.M)
    )
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]:
        for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", path.read_text(encoding="utf-8")):
            assert set(keys.split(",")) <= known, path


def test_kills_are_counted_and_shown():
    wrong = {"because": "It adds | 1.", "caught": True, "points": 0.5, "reason": "too\nlarge"}
    question = {"title": "Q", "points": 2, "reference": 2, "stub": 0, "wrongs": [wrong]}
    table = {"title": "T", "problems": [], "questions": [question]}
    assert kill_table.summary([table]).startswith("Of 1 questions, the reference answer earns full")
    assert r"| It adds \| 1. | 0.5 of 2 | too large |" in kill_table.markdown(question)


def solution(role, kind, text, **meta):
    mark = {"role": role, "question": "q1", **meta} if role else {}
    made = {"cell_type": kind, "id": "x", "metadata": {"actlab": mark} if mark else {}}
    return made | {"source": text} | ({"outputs": []} if kind == "code" else {})


def test_a_solution_becomes_a_page_with_folded_hints_and_wrong_answers():
    notebook = {
        "metadata": {},
        "cells": [
            solution(None, "markdown", "# Exercises: ReLU"),
            solution("prompt", "markdown", "## 1. A question", title="A question"),
            solution("answer", "code", "def f(): ..."),
            solution("check", "code", "show(f())"),
            solution("held", "code", "show(f(SEED))", points=2),
            solution("wrong", "raw", "def f():\n    '''```'''", because="It is\nempty."),
            solution("hint", "markdown", "Think."),
        ],
    }
    before = json.dumps(notebook)
    page = solutions.for_reading(notebook)
    assert json.dumps(notebook) == before
    texts = [cell["source"] for cell in page["cells"]]
    assert texts[0] == "# Solutions: ReLU"
    assert texts[2].startswith("```{dropdown} Hint 1: a nudge\nThink.")
    assert texts[3] == "**Reference answer**"
    assert texts[5] == "**Check**"
    held = page["cells"][7]
    assert held["metadata"]["tags"] == ["hide-cell"]
    assert "(2 points)" in held["metadata"]["mystnb"]["code_prompt_show"]
    assert texts[-1].startswith("`````{dropdown} It is empty.\n````python\ndef f():")
    assert len({cell["id"] for cell in page["cells"]}) == len(page["cells"])
    assert not any(cell["cell_type"] == "raw" for cell in page["cells"])
