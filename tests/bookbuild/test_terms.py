"""Links to the glossary say what a term means."""

from __future__ import annotations

from types import SimpleNamespace

from docutils import nodes
from docutils.utils import new_document

from bookbuild.ext import terms


def glossary() -> nodes.document:
    document = new_document("glossary")
    entries = {
        "kink": "A point without a derivative. ReLU has one.",
        "scale": "A factor \\lambda of all weights. More.",
        "unit": "One output of a layer: a number.",
    }
    listing = nodes.definition_list()
    for name, text in entries.items():
        term = nodes.term("", name, ids=[f"term-{name}"])
        definition = nodes.definition("", nodes.paragraph("", text))
        listing += nodes.definition_list_item("", term, definition)
    document += listing
    return document


def test_the_first_sentence_is_the_meaning_unless_it_has_a_formula():
    assert terms.meanings(glossary()) == {
        "term-kink": "A point without a derivative.",
        "term-unit": "One output of a layer",
    }


def test_links_carry_it_on_every_page_but_the_glossary():
    env = SimpleNamespace(found_docs={terms.GLOSSARY}, get_doctree=lambda name: glossary())
    asked: list[str] = []
    app = SimpleNamespace(
        builder=SimpleNamespace(name="html"),
        env=env,
        add_js_file=lambda name, **options: asked.append(name),
    )
    link = '<a class="reference internal" href="../book/glossary.html#term-{}">'
    span = '<span class="xref std std-term">x</span></a>'
    body = link.format("kink") + span + link.format("scale") + span
    for page, explained in (("notebooks/04_relu", 1), (terms.GLOSSARY, 0)):
        context = {"body": body}
        terms.explain(app, page, "page.html", context, None)
        assert context["body"].count('data-term="A point without a derivative."') == explained
    assert asked == ["scripts/terms.js"]
