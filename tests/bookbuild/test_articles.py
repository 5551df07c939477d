"""The source articles, sentence by sentence: every row of the ledger once, under its article."""

from dataclasses import replace

from actlab import claims
from actlab.claims import Claim
from bookbuild.pages import articles

ROW = Claim("C2", "04_relu", "A page", "ReLU *bends* $x$", "false", "It is 0.25.", "the-kink")
OPEN = replace(ROW, id="C3", verdict="open", finding="", section="")


def test_every_sentence_stands_once_under_its_article():
    rows = claims.load()
    found = articles.by_article(rows)
    assert sum(map(len, found.values())) == len(rows)
    assert all(row.source == source for source, part in found.items() for row in part)
    assert [row for row in rows if row.source == rows[0].source] == found[rows[0].source]


def test_an_answer_links_to_its_section_only_where_there_is_one():
    assert articles.answer(ROW, written=True).endswith("(/notebooks/04_relu.ipynb#the-kink)")
    assert "](" not in articles.answer(ROW, written=False)
    assert "Not measured yet" in articles.answer(OPEN, written=True)


def test_words_of_an_article_are_no_markdown():
    assert articles.sentence(ROW) == r"“ReLU \*bends\* \$x\$”"
    assert articles.sentence(replace(ROW, claim='it "bends"')) == 'it "bends"'


def test_the_counts_of_an_article_add_up():
    assert articles.intro([ROW, OPEN]) == "2 sentences: 1 false, 1 open."
