"""Outputs and tables learn at build time how wide they are."""

from __future__ import annotations

import pytest

from bookbuild.ext import fitting

START = (
    '<div class="output text_plain highlight-myst-ansi notranslate"><div class="highlight"><pre>'
)
END = "</pre></div></div>"


def fitted(body: str) -> str:
    return fitting.TABLE.sub(fitting.fit_table, fitting.OUTPUT.sub(fitting.fit_output, body))


def test_an_output_says_how_long_its_longest_line_is():
    body = f"{START}<span></span>a\n1 &lt; 2 <span>é</span>\n{END}"
    assert 'style="--columns:7"' in fitted(body)
    assert "line" not in fitted(body).split("<pre")[1]


def test_long_lines_can_be_broken_one_by_one():
    long = "x " * 40
    found = fitted(f"{START}<span></span>{long}\nshort\n{END}")
    assert f'<span class="line">{long}\n</span><span class="line">short\n</span></pre>' in found
    # A colour that goes on over a line's end stays in one piece.
    assert "line" not in fitted(f"{START}<span>{long}\n</span>{END}").split("<pre")[1]


def table(head: list[str], *rows: list[str], classes: str = "table") -> str:
    def line(tag: str, cells: list[str]) -> str:
        return "<tr>" + "".join(f"<{tag}><p>{cell}</p></{tag}>" for cell in cells) + "</tr>"

    body = "".join(line("td", row) for row in rows)
    return (
        f'<table class="{classes}"><thead>{line("th", head)}</thead><tbody>{body}</tbody></table>'
    )


def test_a_table_that_fits_a_phone_stays():
    small = table(["a", "b"], ["one two three four five six seven eight", "2"])
    assert fitted(small) == small


def test_a_wide_table_names_the_column_in_each_cell():
    wide = table(
        ["Function", "Range of <em>f</em>′", "Smoothness"], ["Softplus", "(0, ∞)", "x" * 20]
    )
    found = fitted(wide)
    assert '<table class="table stacked">' in found
    assert '<td data-label="Function"><p>Softplus' in found
    assert '<td data-label="Range of f′"><p>(0' in found
    assert "dense" in fitted(table(["a", "b"], ["x" * 40, "y" * 40]))


@pytest.mark.parametrize("classes", ["table claims", "sf-values", "dataframe"])
def test_tables_with_a_style_of_their_own_are_left_alone(classes):
    own = table(["a"], ["x" * 99], classes=classes)
    assert fitted(own) == own
