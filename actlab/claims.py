"""The claims ledger: what people say about activation functions, and what the course found.

``book/claims.csv`` has one row a claim, with these columns:

- ``id``: short and unique, as it is cited in the text (``C46``);
- ``chapter``: the chapter that settles it, as in its file name (``10_gelu``);
- ``source``: where the sentence was read;
- ``claim``: the sentence, quoted or shortened;
- ``verdict``: one of :data:`VERDICTS`; ``open`` until a chapter has measured it;
- ``finding``: what was measured, in one or two sentences;
- ``section``: the slug of the heading under which the deciding cell stands (:func:`slug`).

A decided row has a finding and a section; an open one has neither.
"""

from __future__ import annotations

import csv
import html
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

OPEN = "open"
# In the order in which the ledger shows them.
VERDICTS = ("true", "true with conditions", "false", "not resolved", OPEN)
COLUMNS = ("id", "chapter", "source", "claim", "verdict", "finding", "section")
LEDGER = Path(__file__).resolve().parents[1] / "book" / "claims.csv"
WIDTH = 90


class ClaimsError(ValueError):
    """The ledger is missing or one of its rows is malformed; the message names the row."""


@dataclass(frozen=True)
class Claim:
    """One row of the ledger; the fields are its columns."""

    id: str
    chapter: str
    source: str
    claim: str
    verdict: str
    finding: str
    section: str

    @property
    def decided(self) -> bool:
        """Whether a chapter has settled the claim."""
        return self.verdict != OPEN


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it: lower case, hyphens, no punctuation.

    >>> slug("Logistic regression, not linear regression")
    'logistic-regression-not-linear-regression'
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower().replace(" ", "-"))


def validate(rows: Iterable[Claim]) -> list[str]:
    """Say what is wrong with the rows, one sentence a fault; an empty list means nothing is."""
    faults = []
    seen: set[str] = set()
    for row in rows:
        name = f"claim {row.id or '(no id)'}"
        if not re.fullmatch(r"[A-Z]\d+[a-z]?", row.id):
            faults.append(f"{name}: an id is a letter and a number, such as C46 or P1d")
        if row.id in seen:
            faults.append(f"{name}: the id is used twice")
        seen.add(row.id)
        faults += [
            f"{name}: {column} is empty"
            for column in ("chapter", "source", "claim")
            if not getattr(row, column).strip()
        ]
        if not re.fullmatch(r"\d\d_[a-z0-9_]+", row.chapter):
            faults.append(f"{name}: {row.chapter!r} is not a chapter such as 04_relu")
        if row.verdict not in VERDICTS:
            faults.append(f"{name}: verdict {row.verdict!r} is none of {', '.join(VERDICTS)}")
        if row.decided and not (row.finding and row.section):
            faults.append(f"{name}: a decided row needs a finding and a section")
        if not row.decided and (row.finding or row.section):
            faults.append(f"{name}: an open row has neither finding nor section")
        if row.section and row.section != slug(row.section):
            faults.append(f"{name}: section {row.section!r} should be {slug(row.section)!r}")
    return faults


def load(path: Path = LEDGER) -> tuple[Claim, ...]:
    """Read the ledger.

    Args:
        path: a CSV file with the columns of :data:`COLUMNS`.

    Returns:
        Its rows in the order of the file.

    Raises:
        ClaimsError: no such file, other columns, or a malformed row.
    """
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int) -> tuple[Claim, ...]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ClaimsError(f"{path.name} needs the columns {', '.join(COLUMNS)}")
            raw = list(reader)
    except FileNotFoundError:
        raise ClaimsError(f"the ledger {path} is missing; run this from a clone") from None
    for number, row in enumerate(raw, start=2):
        if None in row or None in row.values():
            raise ClaimsError(f"{path.name}: row {number} does not have {len(COLUMNS)} fields")
    rows = tuple(Claim(**row) for row in raw)
    if faults := validate(rows):
        raise ClaimsError("; ".join(faults))
    return rows


def of_chapter(chapter: str, rows: Sequence[Claim] | None = None) -> list[Claim]:
    """The rows of one chapter, in the order of the ledger.

    Raises:
        ClaimsError: no row names ``chapter``.
    """
    rows = load() if rows is None else rows
    chosen = [row for row in rows if row.chapter == chapter]
    if not chosen:
        raise ClaimsError(f"no claim belongs to chapter {chapter!r}")
    return chosen


def counts(rows: Iterable[Claim]) -> dict[str, int]:
    """How many rows have each verdict, in the order of :data:`VERDICTS`."""
    found = Counter(row.verdict for row in rows)
    return {verdict: found[verdict] for verdict in VERDICTS}


def summary(rows: Sequence[Claim]) -> str:
    """The counts in one line: ``12 claims: 7 true, 3 false, 2 open``."""
    parts = [f"{number} {verdict}" for verdict, number in counts(rows).items() if number]
    return f"{len(rows)} claim{'s' * (len(rows) != 1)}: {', '.join(parts)}"


@dataclass(frozen=True)
class Settled:
    """The claims of one chapter; shows itself as text or, in a page, as a table."""

    rows: tuple[Claim, ...]

    def __str__(self) -> str:
        """Plain text, at most :data:`WIDTH` columns, the same on every machine."""
        lines = [summary(self.rows)]
        for row in self.rows:
            lines += ["", *_wrap(f"{row.id:<5}", f"“{_unquote(row.claim)}”")]
            lines += _wrap(" " * 5, f"{row.verdict.upper()}. {row.finding}".rstrip(". ") + ".")
            if row.section:
                lines.append(f"     → {row.section}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A table whose verdicts lead to the sections that decide."""
        body = "".join(_html_row(row) for row in self.rows)
        return (
            f"<p>{html.escape(summary(self.rows))}.</p>"
            '<table class="claims"><thead><tr><th scope="col">Claim</th>'
            '<th scope="col">Verdict</th><th scope="col">What is measured</th></tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def settled(chapter: str) -> Settled:
    """The claims that a chapter settles, for its section "Claims settled here".

    Args:
        chapter: name without extension, such as ``"04_relu"``.

    Returns:
        An object that a notebook shows as a table and ``print`` as text.

    Raises:
        ClaimsError: no row names ``chapter``.
    """
    return Settled(tuple(of_chapter(chapter)))


def _wrap(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _unquote(text: str) -> str:
    """Without quotation marks around the whole, so that they are not doubled."""
    inner = text[1:-1]
    return inner if text[:1] == text[-1:] == '"' and '"' not in inner else text


def verdict_class(verdict: str) -> str:
    """The CSS class of a verdict: ``v-true-with-conditions``."""
    return f"v-{slug(verdict)}"


def _html_row(row: Claim) -> str:
    finding = _inline_code(row.finding)
    if row.section:
        finding += f' <a href="#{row.section}">See the measurement</a>'
    return (
        f'<tr class="{verdict_class(row.verdict)}">'
        f'<td><span class="claim-id">{row.id}</span> {_inline_code(_unquote(row.claim))}</td>'
        f'<td><span class="verdict">{row.verdict}</span></td><td>{finding}</td></tr>'
    )


def _inline_code(text: str) -> str:
    """Escape for HTML, with `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
