"""``junit.xml``: a test suite for each chapter, a test case for each learner and question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from actgrade.classroom.document import label, without_grade

# What XML 1.0 cannot hold, in whatever disguise.
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(document: Mapping[str, Any]) -> str:
    """The results in the form that CI systems read."""
    root = ElementTree.Element("testsuites", name="actlab class")
    for chapter in document["chapters"]:
        suite = ElementTree.SubElement(root, "testsuite", name=chapter["name"])
        counts = {"tests": 0, "failures": 0, "errors": 0}
        for learner in document["learners"]:
            for submission in learner["submissions"]:
                if submission["chapter"] == chapter["name"]:
                    _cases(suite, learner, submission, counts)
        for name, count in counts.items():
            suite.set(name, str(count))
    _without_submission(root, document)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _without_submission(root: Any, document: Mapping[str, Any]) -> None:
    """Learners of whom nothing could be graded, in a suite of their own."""
    lost = [(who, file, why) for who, chapter, file, why in without_grade(document) if not chapter]
    if not lost:
        return
    count = str(len(lost))
    suite = ElementTree.SubElement(
        root, "testsuite", name="not graded", tests=count, failures="0", errors=count
    )
    for learner, file, why in lost:
        name = _clean(label(learner))
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=_clean(file) or "-")
        ElementTree.SubElement(case, "error", message=_clean(f"not graded: {why}"))


def _cases(suite: Any, learner: Mapping, submission: Mapping, counts: dict[str, int]) -> None:
    name = _clean(label(learner))
    if submission["error"]:
        counts["tests"] += 1
        counts["errors"] += 1
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="(the file)")
        ElementTree.SubElement(case, "error", message=_clean(f"not graded: {submission['error']}"))
    for question in submission["questions"]:
        counts["tests"] += 1
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=question["id"])
        if question["verdict"] == "pass":
            continue
        kind = "error" if question["verdict"] == "course" else "failure"
        counts[f"{kind}s"] += 1
        points = f"{question['points']:g} of {question['maximum']:g} points"
        ElementTree.SubElement(
            case, kind, type=question["verdict"], message=_clean(f"{points}: {question['reason']}")
        )


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
