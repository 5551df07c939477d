"""HTML: a page of feedback for each learner, and an overview for the instructor.

Every page is one file that works from a disk or an attachment: no script, nothing from another
server, and a content security policy that forbids both, should a learner's text ever get through
the escaping.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from actgrade.classroom.document import label, without_grade
from actgrade.plain_math import plain_math
from actgrade.quote import sentence
from actgrade.results import VERDICTS
from actgrade.source import Assignment

_STYLE = """
:root { color-scheme: light dark; --text: #1c2126; --quiet: #565f6a; --page: #fff; --box: #f5f7f9;
  --rule: #d3d9e0; --good: #00664f; --part: #7a5200; --bad: #b3261e; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7eb; --quiet: #a9b2bd; --page: #14171b;
  --box: #1d2126; --rule: #3b434d; --good: #5fd3b0; --part: #e6c15c; --bad: #ff9a90;
  --link: #7cbcf5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 60rem; background: var(--page);
  color: var(--text); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { font-size: 1.3rem; margin-top: 2.2rem; }
h3 { font-size: 1.05rem; margin: 0; }
a { color: var(--link); } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
p { margin: .5rem 0; } .quiet { color: var(--quiet); }
section.question { border: 1px solid var(--rule); border-left: 4px solid var(--bad);
  border-radius: .4rem; background: var(--box); padding: .8rem 1rem; margin: .8rem 0; }
section.question.pass { border-left-color: var(--good); }
section.question.partial { border-left-color: var(--part); }
.verdict { font-weight: 650; color: var(--bad); } .pass .verdict { color: var(--good); }
.partial .verdict { color: var(--part); }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--link); padding: .3rem 0; }
code, pre { font: .9em/1.45 ui-monospace, monospace; } pre { overflow-x: auto; padding: .6rem;
  background: var(--page); border: 1px solid var(--rule); border-radius: .3rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; } td.number, th.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; } td { min-width: 4rem; }
.scroll th, .scroll td { overflow-wrap: normal; }
.scroll td.wide { min-width: 12rem; overflow-wrap: anywhere; }
meter { width: 5rem; vertical-align: middle; }
"""

_BASE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{% block title %}{% endblock %}</title>
<style>{{ style }}</style>
</head>
<body>
{% block body %}{% endblock %}
</body>
</html>
"""

_LEARNER = """{% extends "base" %}
{% block title %}Feedback for {{ label(learner) }}{% endblock %}
{% block body %}
<h1>Feedback for {{ label(learner) }}</h1>
{% if learner.points is none %}<p><span class="verdict">Not graded</span>: nothing that you handed
in could be graded. That is no zero; hand it in again as said below.</p>
{% else %}<p>{{ points(learner.points) }} of {{ points(learner.maximum) }} points in what was
graded.</p>{% endif %}
{% for submission in learner.submissions %}
<h2>{{ titles[submission.chapter] }}</h2>
<p class="quiet">{{ submission.file }}
{% if submission.late %}(late, says the platform){% endif %}</p>
{% if submission.error %}<p><span class="verdict">Not graded:</span>
{{ sentence(submission.error) }}</p>
{% else %}<p>{% if submission.points is none %}Your instructor looks at this one: the course's own
answer failed.{% else %}{{ points(submission.points) }} of {{ points(submission.maximum) }}
points.{% endif %}</p>{% endif %}
{% for note in submission.notes %}<p>Note: {{ sentence(note) }}</p>{% endfor %}
{% for question in submission.questions %}
<section class="question {{ question.verdict }}">
<h3>{{ question.id }}. {{ question.title }}</h3>
<p><span class="verdict">{{ question.verdict }}</span>, {{ points(question.points) }} of
{{ points(question.maximum) }} points: {{ verdicts[question.verdict] }}</p>
{% if question.reason %}<p>{{ sentence(question.reason) }}</p>{% endif %}
{% if question.verdict not in ("pass", "course") %}
{% for hint in hints.get((submission.chapter, question.id), ()) %}
<details><summary>Hint {{ loop.index }} of {{ loop.length }}</summary>{{ hint }}</details>
{% endfor %}{% endif %}
</section>
{% endfor %}
{% endfor %}
{% if learner.not_graded %}<h2>Other files that you handed in</h2>
<ul>{% for file in learner.not_graded %}<li>{{ file.file }}: {{ sentence(file.reason) }}</li>
{% endfor %}</ul>{% endif %}
<p class="quiet">Your answers were run on inputs that are not in the notebook, which were drawn for
your file. The same file always gets the same grade.</p>
{% endblock %}
"""

_OVERVIEW = """{% extends "base" %}
{% block title %}Overview of the class{% endblock %}
{% block body %}
<h1>Overview of the class</h1>
<p>{{ learners|length }} learner{{ "" if learners|length == 1 else "s" }},
{{ graded }} graded submission{{ "" if graded == 1 else "s" }}{% if attention %},
{{ people }} learner{{ "" if people == 1 else "s" }} without a grade{% endif %}. Answers ran
{% if document.grader.isolation == isolated %}isolated ({{ isolated }}){% else %}<strong>not
isolated</strong> ({{ document.grader.isolation or "nothing ran" }}){% endif %}.
Other files: <a href="gradebook.csv">gradebook.csv</a>, <a href="results.json">results.json</a>,
<a href="not_graded.csv">not_graded.csv</a>, <a href="junit.xml">junit.xml</a>,
<a href="similar.csv">similar.csv</a>.</p>

{% if attention or doubts or document.not_graded or document.remarks %}
<h2>For your attention</h2>
{% for remark in document.remarks %}<p>{{ sentence(remark) }}</p>{% endfor %}
{% if attention %}
<p>These have no grade, which is no zero: their cells in the gradebook are empty.</p>
<div class="scroll"><table>
<tr><th>Learner</th><th>Chapter</th><th>File</th><th>Not graded because</th></tr>
{% for learner, chapter, file, why in attention %}
<tr><td>{{ label(learner) }}</td><td>{{ chapter }}</td><td class="wide">{{ file }}</td>
<td class="wide">{{ why }}</td></tr>
{% endfor %}</table></div>{% endif %}
{% if doubts %}
<p>Several files were handed in, and which one counts is not beyond doubt. Look at these.</p>
<div class="scroll"><table>
<tr><th>Learner</th><th>Chapter</th><th>Graded</th><th>Why to look</th></tr>
{% for name, chapter, file, why in doubts %}
<tr><td>{{ name }}</td><td>{{ chapter }}</td><td class="wide">{{ file }}</td>
<td class="wide">{{ why }}</td></tr>
{% endfor %}</table></div>{% endif %}
{% if document.not_graded %}
<details{% if document.not_graded|length <= 20 %} open{% endif %}>
<summary>Files without a row: {{ document.not_graded|length }}</summary>
<div class="scroll"><table><tr><th>File</th><th>Why</th></tr>
{% for file in document.not_graded %}
<tr><td class="wide">{{ file.file }}</td><td class="wide">{{ file.reason }}</td></tr>
{% endfor %}</table></div></details>{% endif %}
{% endif %}

<h2>Questions</h2>
<div class="scroll"><table>
<tr><th>Chapter</th><th>Question</th><th class="number">Passed</th><th></th>
<th class="number">Mean points</th></tr>
{% for question in document.questions if question.graded %}
<tr><td>{{ question.chapter }}</td><td class="wide">{{ question.id }}. {{ question.title }}</td>
<td class="number">{{ question.passed }} of {{ question.graded }}</td>
<td><meter min="0" max="{{ question.graded }}" value="{{ question.passed }}"
aria-label="{{ "%.0f"|format(100 * question.passed / question.graded) }} % passed"></meter>
{{ "%.0f"|format(100 * question.passed / question.graded) }}&nbsp;%</td>
<td class="number">{{ "%.2f"|format(question.points) }} of {{ points(question.maximum) }}</td></tr>
{% endfor %}</table></div>

<h2>Known mistakes</h2>
{% if mistakes %}
<p>Answers that behave exactly like a wrong answer which the course foresaw, most often met
first.</p>
<div class="scroll"><table>
<tr><th class="number">Times</th><th>Question</th><th>Mistake</th></tr>
{% for count, chapter, question, because in mistakes %}
<tr><td class="number">{{ count }}</td><td>{{ chapter }} {{ question }}</td>
<td class="wide">{{ because }}</td></tr>
{% endfor %}</table></div>
{% else %}<p>No answer behaves like a wrong answer that the course foresaw.</p>{% endif %}

<h2>Similar answers</h2>
{% if document.similar %}
<p>{{ document.similar|length }} group{{ "" if document.similar|length == 1 else "s" }} of learners
have the same answer once comments, layout and the names of locals are taken away. This is a lead
and not a verdict: short answers have few ways to be written. The largest and rarest come first;
all are in <a href="similar.csv">similar.csv</a>.</p>
<div class="scroll"><table>
<tr><th>Question</th><th class="number">Learners</th><th class="number">Size</th><th>Who</th></tr>
{% for group in document.similar[:30] %}
<tr><td>{{ group.chapter }} {{ group.question }}</td>
<td class="number">{{ group.learners|length }} of {{ group.answered_by }}</td>
<td class="number">{{ group["size"] }}</td>
<td class="wide">{{ group.learners[:12]|join(", ") }}
{% if group.learners|length > 12 %} and others{% endif %}
{% if group.is_reference %} (the published reference){% elif group.is_small %} (a short
answer){% endif %}</td></tr>
{% endfor %}</table></div>
{% else %}<p>No two learners have the same answer.</p>{% endif %}

<h2>Learners</h2>
<div class="scroll"><table>
<tr><th>Learner</th>{% for chapter in document.chapters %}
<th class="number">{{ chapter.title }}</th>{% endfor %}<th class="number">Points</th></tr>
{% for row in learners %}
<tr><td class="wide"><a href="feedback/{{ row.page|urlencode }}">{{ row.name }}</a></td>
{% for cell in row.cells %}<td class="number">{{ cell }}</td>{% endfor %}
<td class="number">{{ "not graded" if row.points is none else points(row.points) }}</td></tr>
{% endfor %}</table></div>
{% endblock %}
"""


def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({"base": _BASE, "learner": _LEARNER, "overview": _OVERVIEW}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    from markupsafe import Markup

    environment.globals.update(
        points=lambda value: f"{value:.10g}", style=Markup(_STYLE), label=label, sentence=sentence
    )
    return environment


def feedback(
    document: Mapping[str, Any], chapters: Iterable[Assignment], names: list[str]
) -> Iterable[tuple[str, str]]:
    """File name and text of each learner's page, in the order of the document.

    Args:
        names: of the files, from :func:`file_names`.
    """
    template = _environment().get_template("learner")
    hints = {
        (chapter.name, question.id): [_markdown(plain_math(hint)) for hint in question.hints]
        for chapter in chapters
        for question in chapter.questions
    }
    titles = {chapter["name"]: chapter["title"] for chapter in document["chapters"]}
    for learner, name in zip(document["learners"], names, strict=True):
        yield name, template.render(learner=learner, titles=titles, hints=hints, verdicts=VERDICTS)


def overview(document: Mapping[str, Any], names: list[str]) -> str:
    """The text of ``index.html``."""
    from actgrade.sandbox import confinement

    learners, doubts = [], []
    for learner, page in zip(document["learners"], names, strict=True):
        cells = {s["chapter"]: _cell(s) for s in learner["submissions"]}
        learners.append(
            {
                "name": label(learner),
                "page": page,
                "points": learner["points"],
                "cells": [cells.get(chapter["name"], "") for chapter in document["chapters"]],
            }
        )
        doubts += [
            (label(learner), s["chapter"], s["file"], s["doubt"])
            for s in learner["submissions"]
            if s["doubt"]
        ]
    attention = without_grade(document)
    mistakes = [
        (mistake["count"], question["chapter"], question["id"], mistake["because"])
        for question in document["questions"]
        for mistake in question["mistakes"]
    ]
    mistakes.sort(key=lambda row: (-row[0], row[1:]))
    return (
        _environment()
        .get_template("overview")
        .render(
            document=document,
            learners=learners,
            attention=attention,
            people=len({id(learner) for learner, *_ in attention}),
            doubts=doubts,
            mistakes=mistakes[:40],
            graded=sum(
                s["points"] is not None for e in document["learners"] for s in e["submissions"]
            ),
            isolated=confinement.ISOLATED,
        )
    )


def _cell(submission: Mapping[str, Any]) -> str:
    if submission["points"] is None:
        return "not graded"
    late = " late" if submission["late"] else ""
    return f"{submission['points']:.10g} of {submission['maximum']:.10g}{late}"


def _markdown(text: str) -> Any:
    """A hint as HTML; the course's own text, but no HTML is taken from it either."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))


def file_names(learners: Iterable[Mapping[str, str]]) -> list[str]:
    """A file name for each learner that no platform, case or name can turn against us."""
    names: list[str] = []
    taken: set[str] = set()
    for learner in learners:
        said = "-".join(part for part in (learner["name"], learner["user"]) if part)
        plain = unicodedata.normalize("NFKC", said)
        slug = re.sub(r"[^\w-]+", "-", plain).strip("-_")[:40].strip("-_")
        name = slug or "learner"
        if name.casefold() in taken or name != said or _is_reserved(name):
            digest = hashlib.sha256(
                "\0".join((learner["name"], learner["login"], learner["user"])).encode()
            )
            name = f"{name}-{digest.hexdigest()[:8]}"
        number, base = 2, name
        while name.casefold() in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name.casefold())
        names.append(f"{name}.html")
    return names


def _is_reserved(name: str) -> bool:
    return bool(re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", name))
