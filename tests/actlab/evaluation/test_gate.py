"""``actlab gate``: what it blocks, what it passes, what it refuses, what it writes."""

import itertools
import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
import torch
from gate_worlds import planted, run_of, system

from actlab.cli import main
from actlab.evaluation import Policy, Run, RunError, compare, decide, load, save, version
from actlab.evaluation.compare import ALL, mcnemar, silent_losses
from actlab.evaluation.report import REPORT_SCHEMA, RUN_SCHEMA, html


@pytest.fixture
def pair(tmp_path):
    """Saves two runs and gives the command line that compares them."""

    def saved(before, after, *options):
        for name, run in (("before", before), ("after", after)):
            save(run, tmp_path / f"{name}.json")
        return ["gate", str(tmp_path / "before.json"), str(tmp_path / "after.json"), *options]

    return saved


# --- the two that matter --------------------------------------------------------------------------


def test_a_regression_in_one_cohort_is_blocked_while_the_overall_metric_rises(pair, capsys):
    before = system(0)
    after = planted(before, "beta", lose=12, win=20)
    verdict = decide(run_of(before), run_of(after))
    assert verdict.changes[ALL].points == pytest.approx(2)  # 8 rows of 400
    assert verdict.changes["beta"].points == pytest.approx(-12)
    for metric in ("MRR, ties against", "recall, ties against"):
        assert verdict.metrics["after"][metric] > verdict.metrics["before"][metric]
    assert {(f.rule, f.cohort) for f in verdict.findings if f.blocks} == {
        ("test", "beta"),
        ("drop", "beta"),
    }
    assert main(pair(run_of(before), run_of(after))) == 1
    said = capsys.readouterr().out
    assert said.endswith("BLOCKED\n")
    assert "BLOCKS  beta: 12 rows broken and 0 fixed" in said


@pytest.mark.parametrize("seeds", list(itertools.combinations(range(4), 2)))
def test_a_reseeded_twin_passes(pair, seeds, capsys):
    before, after = (run_of(system(seed)) for seed in seeds)
    change = compare(before, after)[ALL]
    assert len(change.fixed) + len(change.broken) >= 5  # a twin is not the same system
    assert main(pair(before, after)) == 0
    assert capsys.readouterr().out.endswith("PASSED\n")


# --- each rule ------------------------------------------------------------------------------------


def blocks(before, after, **policy):
    found = decide(run_of(before), run_of(after), Policy(**policy)).findings
    return {(finding.rule, finding.cohort) for finding in found if finding.blocks}


def test_the_cohort_limit_sees_what_no_test_of_so_few_rows_can():
    before = system(0)
    blind = silent_losses(5)
    assert mcnemar(0, blind) > 0.05 / 5 >= mcnemar(0, blind + 1)
    after = planted(before, "gamma", lose=blind, win=0)
    assert blocks(before, after, drop=100, cohort_drop=100) == set()
    assert blocks(before, after, drop=100, cohort_drop=blind - 1) == {("drop", "gamma")}
    assert blocks(before, after, drop=100, cohort_drop=blind) == set()
    assert blocks(before, after, drop=100, cohort_drop=0, min_rows=101) == set()


def test_all_rows_have_a_limit_of_their_own():
    before = system(0)
    after = planted(before, "gamma", lose=5, win=0)
    assert blocks(before, after, drop=1.25) == set()
    assert blocks(before, after, drop=1.2) == {("drop", ALL)}


def test_a_floor_is_held_by_name():
    scores = system(0)
    share = compare(run_of(scores), run_of(scores))["delta"].after
    assert blocks(scores, scores, floors={"delta": share}) == set()
    assert blocks(scores, scores, floors={"delta": share + 0.001}) == {("floor", "delta")}
    with pytest.raises(RunError, match="no cohort 'omega'"):
        blocks(scores, scores, floors={"omega": 0.1})


def test_ties_block_and_a_monotone_output_changes_nothing():
    scores = system(0)
    assert blocks(scores, 1 / (1 + np.exp(-scores / 4))) == set()
    cut = np.maximum(scores - 2.5, 0)
    assert ("ties", ALL) in blocks(scores, cut)
    assert ("ties", ALL) not in blocks(scores, cut, ties=100)


def test_latency_blocks_when_it_is_asked_for():
    scores = system(0)
    before, after = run_of(scores, latency_ms=[1, 2, 9]), run_of(scores, latency_ms=[3, 2.5, 1])
    assert decide(before, after).passed
    assert decide(before, after, Policy(latency=1.25)).passed
    assert [f.rule for f in decide(before, after, Policy(latency=1.2)).findings if f.blocks] == [
        "latency"
    ]
    with pytest.raises(RunError, match="latency_ms"):
        decide(before, run_of(scores), Policy(latency=1.2))


def test_an_improvement_is_no_regression():
    before = system(0)
    verdict = decide(run_of(before), run_of(planted(before, "beta", lose=0, win=30)))
    assert verdict.passed
    assert verdict.changes[ALL].adjusted < 0.05


def test_answers_can_be_what_is_judged():
    scores = system(0)
    before, after = run_of(scores), run_of(scores)
    wrong = {f"row{i}" for i in range(100, 115)}
    rows = {
        name: replace(row, answer="nothing") if name in wrong else row
        for name, row in after.rows.items()
    }
    after = replace(after, rows=rows)
    assert decide(before, after).passed
    found = decide(before, after, Policy(judge="match")).findings
    assert {f.cohort for f in found if f.rule == "test"} <= {"beta", ALL}
    assert not decide(before, after, Policy(judge="match")).passed


# --- what a comparison rests on -------------------------------------------------------------------


def test_rows_are_matched_by_id_and_not_by_place():
    before, after = run_of(system(0)), run_of(system(1))
    rows = list(after.rows.items())
    random.Random(0).shuffle(rows)
    shuffled = replace(after, rows=dict(rows))
    assert compare(before, after) == compare(before, shuffled)


def test_mcnemar_by_hand():
    assert mcnemar(5, 8) == pytest.approx(0.581, abs=5e-4)
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


def test_the_version_knows_the_activation_and_every_weight():
    state = {"w": np.eye(3, dtype=np.float32), "b": np.zeros(3, np.float32)}
    first = version(state, "gelu")
    assert first == version(dict(reversed(state.items())), "gelu")
    assert first == version({k: torch.tensor(v) for k, v in state.items()}, "gelu")
    others = [
        version(state, "gelu_tanh"),
        version({**state, "w": state["w"].reshape(9)}, "gelu"),
        version({**state, "w": state["w"].astype(np.float64)}, "gelu"),
        version({"w": state["w"], "c": state["b"]}, "gelu"),
    ]
    state["w"][2, 2] = np.nextafter(np.float32(1), np.float32(2))
    assert len({first, version(state, "gelu"), *others}) == 6


def test_a_cut_list_keeps_what_is_tied_with_its_last_candidate():
    scores = np.maximum(system(0) - 2.5, 0)
    short, whole = run_of(scores, top=3), run_of(scores, top=30)
    for k in (1, 3):
        assert compare(short, whole, k)[ALL].broken == compare(short, whole, k)[ALL].fixed == ()


def test_equal_versions_are_noted():
    found = decide(run_of(system(0)), run_of(system(0))).findings
    assert any("same version" in finding.text and not finding.blocks for finding in found)


def test_embeddings_are_compared_and_judge_nothing():
    scores = system(0)
    vectors = np.random.default_rng(0).normal(size=(400, 8))
    before, after = run_of(scores, embeddings=vectors), run_of(scores, embeddings=-vectors)
    verdict = decide(before, after)
    assert verdict.passed
    assert verdict.similarity["mean"] == pytest.approx(-1)
    assert decide(before, run_of(scores)).similarity is None
    with pytest.raises(RunError, match="width"):
        decide(before, run_of(scores, embeddings=vectors[:, :7]))


# --- files ----------------------------------------------------------------------------------------


def test_a_run_survives_its_file(tmp_path):
    run = run_of(system(0), latency_ms=[1.5], embeddings=np.ones((400, 2)))
    save(run, tmp_path / "run.json")
    jsonschema.validate(json.loads((tmp_path / "run.json").read_text()), RUN_SCHEMA)
    again = load(tmp_path / "run.json")
    assert again == run


def test_the_reports_say_what_was_decided_and_are_whole_on_their_own(pair, tmp_path):
    before = run_of(system(0), name="<script>alert(1)</script>")
    after = run_of(planted(system(0), "beta", lose=12, win=20))
    page, data = tmp_path / "gate.html", tmp_path / "gate.json"
    options = ("--html", str(page), "--json", str(data), "--floor", "beta=0.1")
    texts = []
    for _ in range(2):
        assert main(pair(before, after, *options)) == 1
        texts.append(data.read_text())
    assert texts[0] == texts[1]
    found = json.loads(texts[0])
    jsonschema.validate(found, REPORT_SCHEMA)
    assert found["passed"] is False
    assert found["cohorts"][0]["cohort"] == ALL
    assert len(found["cohorts"][0]["fixed"]) == 20
    assert found["policy"]["floors"] == {"beta": 0.1}
    text = page.read_text()
    assert "blocked" in text
    assert "row100" in text  # an id of a broken row
    assert "<script" not in text
    for outside in ("http://", "https://", "src=", "url(", "@import"):
        assert outside not in text


def test_a_page_says_that_it_passed():
    before, after = run_of(system(0)), run_of(system(1))
    assert 'The gate says <span class="passed">passed</span>' in html(
        before, after, decide(before, after)
    )


def test_the_schemas_are_printed_and_are_schemas(capsys):
    for name in ("run", "report"):
        assert main(["gate", "--schema", name]) == 0
        jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["gate", "--help"])
    assert stop.value.code == 0
    assert "actlab gate before.json after.json" in capsys.readouterr().out


# --- bad input: one sentence and the exit code 2 --------------------------------------------------


def content():
    row = {"id": "a", "cohort": "x", "relevant": {"d": 1}, "scores": {"d": 0.5, "e": 0.4}}
    return {
        "schema": "actlab-run",
        "version": 1,
        "system": {"name": "n", "version": "v"},
        "rows": [row, {**row, "id": "b"}],
    }


def changed(**fields):
    return {**content(), **fields}


def row_changed(**fields):
    found = content()
    found["rows"][0] |= fields
    return found


BAD = {
    "no JSON": "{",
    "not UTF-8": b"\xff\xfe\x00",
    "nested": "[" * 100_000,
    "a list": [],
    "another schema": changed(schema="trec"),
    "another version": changed(version=2),
    "no system": changed(system=None),
    "no version": changed(system={"name": "n", "version": " "}),
    "activation": changed(system={"name": "n", "version": "v", "activation": 3}),
    "no rows": changed(rows=[]),
    "rows as text": changed(rows="ab"),
    "a row as text": changed(rows=["ab"]),
    "twice": changed(rows=content()["rows"] * 2),
    "latency": changed(latency_ms=[0]),
    "no id": row_changed(id=""),
    "no cohort": row_changed(cohort=None),
    "the reserved cohort": row_changed(cohort="all rows"),
    "NaN": row_changed(scores={"d": float("nan")}),
    "a huge integer": row_changed(scores={"d": 10**400}),
    "true": row_changed(scores={"d": True}),
    "nothing relevant": row_changed(relevant={}),
    "gain 0": row_changed(relevant={"d": 0}),
    "answer": row_changed(answer=3),
    "embedding": row_changed(embedding=[]),
    "a key twice": json.dumps(content()).replace('"d": 0.5', '"d": 0.5, "d": 0.6'),
    "missing row": changed(rows=content()["rows"][:1]),
    "another cohort": row_changed(cohort="y"),
    "another answer": row_changed(relevant={"e": 1}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_code_2(name, tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(content()))
    made = BAD[name]
    if not isinstance(made, str | bytes):
        made = json.dumps(made)
    bad.write_bytes(made if isinstance(made, bytes) else made.encode())
    assert main(["gate", str(good), str(bad)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("actlab gate: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--k", "0"],
        ["--level", "1"],
        ["--max-drop", "-1"],
        ["--max-ties", "nan"],
        ["--min-rows", "0"],
        ["--floor", "x"],
        ["--floor", "x=y"],
        ["--floor", "x=2"],
        ["--floor", "z=0.5"],
        ["--max-latency", "0"],
        ["--max-latency", "1.1"],
        ["--judge", "match"],
        ["--html", "/nowhere/gate.html"],
    ],
)
def test_bad_options_are_one_sentence_and_code_2(options, tmp_path, capsys):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(content()))
    assert main(["gate", str(file), str(file), *options]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("actlab gate: ")
    assert captured.err.count("\n") == 1


def test_missing_files_and_no_files_are_code_2(tmp_path, capsys):
    assert main(["gate"]) == 2
    assert main(["gate", str(tmp_path / "none.json"), str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_exit_code_reaches_the_shell(pair):
    scores = system(0)
    for after, code in ((scores, 0), (planted(scores, "beta", lose=12, win=20), 1)):
        done = subprocess.run(
            [sys.executable, "-m", "actlab", *pair(run_of(scores), run_of(after))],
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == code, done.stderr


def test_scores_that_are_not_finite_make_no_run():
    with pytest.raises(RunError, match="NaN"):
        Run.of("n", "v", ["a"], ["x"], ["d", "e"], np.array([[np.nan, 1.0]]), ["d"])
    with pytest.raises(RunError, match="twice"):
        Run.of("n", "v", ["a", "a"], ["x", "x"], ["d"], np.ones((2, 1)), ["d", "d"])
    with pytest.raises(RunError, match="candidate twice"):
        Run.of("n", "v", ["a"], ["x"], ["d", "d"], np.ones((1, 2)), ["d"])
    with pytest.raises(RunError, match="at least one"):
        Run.of("n", "v", [], [], [], np.ones((0, 0)), [])


def test_every_row_can_have_candidates_of_its_own():
    names = [["d", "e"], ["f", "g"]]
    run = Run.of("n", "v", ["a", "b"], ["x", "x"], names, np.eye(2), ["d", "h"])
    assert dict(run.rows["b"].scores) == {"g": 1.0, "f": 0.0}
    assert compare(run, run)[ALL].before == 0.5  # "h" was not retrieved
