"""What notebooks allow beside Python: magics, shell lines and questions, taken out of an answer.

An answer is graded as Python. What only measures, shows or installs something is left out, line by
line, so that the numbers of the other lines stay; what would change the answer is refused by line.
Nothing is imported for it, so that a browser and a command that must be fast can do the same.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from actgrade.quote import quote

# Whose body is ordinary code, which runs without them.
_CELL_MAGICS = {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "python", "python3"}
# Which bind nothing that an answer could use.
_LINE_MAGICS = {
    "aimport", "alias", "automagic", "autoreload", "autosave", "bookmark", "cd", "clear", "colors",
    "conda", "config", "connect_info", "debug", "dhist", "dirs", "doctest_mode", "env", "gui",
    "hist", "history", "ls", "load_ext", "logoff", "logon", "logstart", "logstate", "logstop",
    "lprun", "lsmagic", "magic", "mamba", "matplotlib", "memit", "micromamba", "mkdir", "mprun",
    "notebook", "page", "pastebin", "pdb", "pdef", "pdoc", "pfile", "pinfo", "pinfo2", "pip",
    "popd", "pprint", "precision", "prun", "psearch", "psource", "pushd", "pwd", "pylab",
    "qtconsole", "quickref", "reload_ext", "reset", "save", "tb", "timeit", "unalias",
    "unload_ext", "uv", "who", "who_ls", "whos", "xdel", "xmode",
}  # fmt: skip
_CELL = re.compile(r"%%(\w*)")
_LINE = re.compile(r"(\s*)%(\w+)(.*)")
# Whoever wrote the line may mean harm: no part of these can take over what another part took.
_ASSIGNED = re.compile(r"[\w.,\s*()\[\]]+=\s*(?:!|%\w)")
_HELP = re.compile(r"\s*(?:\?{1,2}\s*[%\w.*]+|[%\w.*\[\]()]+\s*\?{1,2})\s*(?:;\s*)?")
# So many lines are tried as continuations of the line before, each by reading the whole cell.
_MOST_TRIED = 20
LINES_OF_PYTHON = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Plain:
    """An answer as Python.

    Attributes:
        source: with as many lines as before.
        notes: what was left out, for the learner.
        problem: why it cannot be graded, or None; a sentence without a full stop.
    """

    source: str
    notes: tuple[str, ...] = ()
    problem: str | None = None


def lines_of(text: str) -> list[str]:
    """The lines of ``text`` as Python and editors count them.

    ``str.splitlines`` also ends a line at signs that stand within one, such as U+2028.
    """
    return LINES_OF_PYTHON.split(text)


def plain_python(text: str) -> Plain:
    """``text`` without what is no Python, if that is all that keeps it from being Python."""
    text = "\n".join(lines_of(text))
    if not any(sign in text for sign in "%!?") or is_python(text):
        return Plain(text)
    lines = text.split("\n")
    notes: list[str] = []
    problem = None
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if cell := _CELL.match(lines[first].strip()):
        if cell[1] not in _CELL_MAGICS:
            return Plain(
                text,
                problem=_refused(first, lines[first], "makes the cell something else than Python"),
            )
        notes.append(_left_out(first, lines[first]))
        lines[first] = ""
    found = {n: part for n, line in enumerate(lines) if (part := _replacement(line)) is not None}
    found = _fitting(lines, found)
    for number, (new, refusal) in found.items():
        if refusal:
            problem = problem or _refused(number, lines[number], refusal)
        elif new.strip() in ("", "pass"):
            notes.append(_left_out(number, lines[number]))
        lines[number] = new
    return Plain("\n".join(lines), tuple(notes), problem)


def is_python(text: str) -> bool:
    """Whether ``text`` is Python that compiles."""
    return parsed(text) is not None


def parsed(text: str) -> ast.Module | None:
    """``text`` as a syntax tree, or None."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _replacement(line: str) -> tuple[str, str] | None:
    """What a line becomes, and why it is refused or ""; None for a line that may be Python."""
    bare = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    nothing = f"{indent}pass" if indent else ""
    if bare.startswith("!"):
        return nothing, ""
    if _ASSIGNED.match(line):
        return nothing, "takes the output of a shell command or a magic"
    if _HELP.fullmatch(line):
        return nothing, ""
    if match := _LINE.fullmatch(line):
        if match[2] == "time":
            return indent + match[3].strip(), ""
        return nothing, "" if match[
            2
        ] in _LINE_MAGICS else "is a magic that the grader does not run"
    return None


def _fitting(lines: list[str], found: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """Those of ``found`` that are no part of a text or of a longer expression."""
    if not found:
        return found
    without = [found[n][0] if n in found else line for n, line in enumerate(lines)]
    tree = parsed("\n".join(without))
    if tree is None:
        # Perhaps one of them continues the line before, as "% 3" can.
        for number in list(found)[:_MOST_TRIED]:
            kept = {n: part for n, part in found.items() if n != number}
            trial = [kept[n][0] if n in kept else line for n, line in enumerate(lines)]
            if is_python("\n".join(trial)):
                return kept
        return found
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno:
            inside |= set(range(node.lineno, node.end_lineno))  # zero-based: the lines after
    return {n: part for n, part in found.items() if n not in inside}


def _left_out(number: int, line: str) -> str:
    return f"line {number + 1} ({quote(line.strip(), 40)}) is left out"


def _refused(number: int, line: str, why: str) -> str:
    shown = quote(line.strip(), 40)
    if why.startswith("takes"):
        return f"no shell commands here: remove line {number + 1} ({shown})"
    return f"line {number + 1} ({shown}) {why}: remove it"
