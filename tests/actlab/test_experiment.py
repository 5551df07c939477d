"""Records survive interruption, refuse to be mixed, and say where they come from."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from actlab import experiment

SCRIPT = __file__  # any file will do as the script: its name becomes the record's
UNITS = [{"function": "relu", "rate": 0.1}, {"function": "gelu", "rate": 0.1}]


def options(folder, *more):
    return experiment.options(SCRIPT, "What it does.", ["--out", str(folder), *more])


def rows(unit, seeds=2):
    return [{**unit, "seed": seed, "accuracy": np.float64(0.5 + seed / 8)} for seed in range(seeds)]


def test_a_finished_record_loads_as_columns_with_provenance(tmp_path):
    with experiment.Record(options(tmp_path), ["function", "rate"], {"seeds": 2}) as record:
        for unit in record.todo(UNITS):
            record.add(rows(unit))
    table = experiment.load("test_experiment", tmp_path)
    assert table.size == 4
    assert table["seed"].dtype == np.int64
    assert table["accuracy"].dtype == np.float64
    assert table.levels("function") == ["relu", "gelu"]
    np.testing.assert_array_equal(table.where(function="gelu")["accuracy"], [0.5, 0.625])
    np.testing.assert_array_equal(
        table.grid("accuracy", "function", "seed"), [[0.5, 0.625], [0.5, 0.625]]
    )
    assert table.rows()[1] == {"function": "relu", "rate": 0.1, "seed": 1, "accuracy": 0.625}
    assert table.about["complete"]
    assert table.about["rows"] == 4
    assert table.about["settings"] == {"quick": False, "seeds": 2}
    [session] = table.about["sessions"]
    assert session["command"].startswith("python experiments/test_experiment.py --out")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", session["utc"])
    assert session["software"]["torch"]
    assert session["cpu"]
    assert {p.name for p in tmp_path.iterdir()} == {"test_experiment.csv", "test_experiment.json"}


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, capsys):
    class Stop(Exception):
        pass

    def run(fail):
        done = []
        with experiment.Record(options(tmp_path), ["function", "rate"]) as record:
            for unit in record.todo(UNITS):
                if fail and unit is UNITS[1]:
                    raise Stop
                record.add(rows(unit))
                done.append(unit["function"])
        return done

    with pytest.raises(Stop):
        run(fail=True)
    half = experiment.load("test_experiment", tmp_path)
    assert half.size == 2
    assert not half.about["complete"]
    assert run(fail=False) == ["gelu"]
    assert run(fail=False) == []
    whole = experiment.load("test_experiment", tmp_path)
    assert whole.size == 4
    assert whole.about["complete"]
    assert [session["rows"] for session in whole.about["sessions"]] == [2, 2]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "[2/2] gelu 0.1" in shown.err


def test_other_settings_are_not_mixed_into_a_record(tmp_path):
    with experiment.Record(options(tmp_path), ["function"], {"seeds": 2}) as record:
        record.add(rows(UNITS[0]))
    with pytest.raises(experiment.RecordError, match="other settings"):
        experiment.Record(options(tmp_path), ["function"], {"seeds": 3})
    with pytest.raises(experiment.RecordError, match="other settings"):
        experiment.Record(options(tmp_path, "--quick"), ["function"], {"seeds": 2})


def test_rows_that_do_not_fit_are_refused_and_leave_the_file_whole(tmp_path):
    with experiment.Record(options(tmp_path), ["function"]) as record:
        record.add({"function": "relu", "score": 1})
        with pytest.raises(experiment.RecordError, match="lacks the key"):
            record.add({"score": 1})
        with pytest.raises(experiment.RecordError, match="columns"):
            record.add([{"function": "gelu", "score": 1}, {"function": "gelu", "other": 1}])
    assert experiment.load("test_experiment", tmp_path).size == 1


def test_quick_runs_stay_out_of_the_repository_and_records_can_be_sent_elsewhere(
    tmp_path, monkeypatch
):
    assert experiment.RECORDS not in [experiment.options(SCRIPT, "", ["--quick"]).out]
    monkeypatch.setenv("ACTLAB_RECORDS", str(tmp_path))
    assert experiment.options(SCRIPT, "", []).out == tmp_path
    monkeypatch.delenv("ACTLAB_RECORDS")
    assert experiment.options(SCRIPT, "", []).out == experiment.RECORDS


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        experiment.options(SCRIPT, "What it does.", ["--help"])
    shown = capsys.readouterr().out
    assert "What it does." in shown
    assert "example:\n  python experiments/test_experiment.py --quick" in shown


def test_reading_says_in_one_sentence_what_is_wrong(tmp_path):
    with pytest.raises(experiment.RecordError, match="make it with: python experiments/none"):
        experiment.load("none", tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(experiment.RecordError, match="missing or damaged"):
        experiment.load("a", tmp_path)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(experiment.RecordError, match="does not belong"):
        experiment.load("a", tmp_path)
    about = {"schema": experiment.SCHEMA, "version": 99}
    (tmp_path / "a.json").write_text(json.dumps(about))
    with pytest.raises(experiment.RecordError, match="version 99"):
        experiment.load("a", tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({**about, "version": 1}))
    assert experiment.load("a", tmp_path)["y"].tolist() == [2]
    (tmp_path / "a.csv").write_text("x,y\n1\n")
    with pytest.raises(experiment.RecordError, match="wrong length"):
        experiment.load("a", tmp_path)


def test_a_table_does_not_hide_spelling_mistakes_or_holes(tmp_path):
    with experiment.Record(options(tmp_path), ["function"]) as record:
        record.add(rows(UNITS[0]) + rows(UNITS[1], seeds=1))
    table = experiment.load("test_experiment", tmp_path)
    with pytest.raises(ValueError, match="no row"):
        table.where(function="Relu")
    with pytest.raises(ValueError, match="exactly once"):
        table.grid("accuracy", "function", "seed")
