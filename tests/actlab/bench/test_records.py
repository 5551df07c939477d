"""Records: written whole, read strictly, and what may be claimed from them."""

import json
import math
from dataclasses import replace

import pytest

from actlab import bench
from actlab.bench import comparison, records, report
from actlab.bench.records import Ceiling, Record, RecordError, Row


def row(implementation="builtin", p50=10.0, copy=5.0, function="relu", **fields) -> Row:
    base = Row(
        function=function,
        implementation=implementation,
        mode="forward",
        dtype="float32",
        elements=1 << 20,
        shape=(1 << 20,),
        bytes_algorithmic=2 << 22,
        bytes_physical=2 << 22,
        p20_us=p50 and p50 * 0.99,
        p50_us=p50,
        p80_us=p50 and p50 * 1.01,
        min_us=p50 and p50 * 0.98,
        copy_us=copy,
        spread=0.01,
        pass_difference=0.02,
        faults_per_call=0.0,
    )
    return replace(base, **fields)


def make(rows, kind="cpu", end_us=5.0, **fields) -> Record:
    given = {
        "run_id": f"{kind}-1",
        "utc": "2026-11-21T08:00:00Z",
        "command": "python -m actlab bench",
        "source": {"commit": "0123456789abcdef", "dirty": False, "source_sha256": "0"},
        "device": {"kind": kind, "name": "Test device", "threads": 1, "cores": 2},
        "software": {"python": "3.12.0", "torch": "2.11.0", "numpy": "2.5.0"},
        "clocks": {"start": {"load_average": 0.1, "driver_version": "1", "clocks.sm": "1 MHz"}},
        "protocol": {"statistic": "p50"},
        "ceilings": [Ceiling("copy", "float32", 1 << 20, 1 << 23, 5.0, end_us)],
        "rows": [row("copy", 5.0), *rows],
        "finished": True,
    }
    return Record(**{**given, **fields})


def test_a_record_survives_writing_and_reading(tmp_path):
    record = make([row(), row("composed", None, status="failed", reason="wrong result")])
    assert bench.load(bench.save(record, tmp_path / "r.json")) == record
    assert list(tmp_path.iterdir()) == [tmp_path / "r.json"]  # no temporary file stays


def test_a_failed_write_leaves_the_old_record(tmp_path):
    path = bench.save(make([row()]), tmp_path / "r.json")
    before = path.read_text()
    with pytest.raises(ValueError, match="JSON compliant"):
        bench.save(make([row(p50=float("nan"))]), path)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(RecordError, match="cannot be written"):
        bench.save(make([]), tmp_path / "no" / "r.json")


def damaged(change) -> str:
    from dataclasses import asdict

    data = asdict(make([row()]))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cut short"),
        (damaged(lambda d: None)[:-200], "cut short"),
        ("[1, 2]", "not a benchmark record"),
        ('{"cells": []}', "not a benchmark record"),
        (damaged(lambda d: d.update(schema_version=0)), "schema version 0"),
        (damaged(lambda d: d.update(schema_version=2)), "schema version 2"),
        (damaged(lambda d: d.pop("device")), "'device'"),
        (damaged(lambda d: d.update(device={"kind": "abacus"})), "neither"),
        (damaged(lambda d: d["rows"][0].pop("mode")), "row 0"),
        (damaged(lambda d: d["rows"][1].update(p50_us="fast")), "row 1"),
        (damaged(lambda d: d["rows"][1].update(p50_us=None)), "row 1"),
        (damaged(lambda d: d["rows"][1].update(status="maybe")), "row 1"),
        (damaged(lambda d: d["rows"][1].update(elements="many")), "row 1"),
        (damaged(lambda d: d["rows"][1].update(elements=-1)), "row 1"),
        (damaged(lambda d: d["rows"][1].update(function=None)), "row 1"),
        (damaged(lambda d: d["rows"][1].update(shape=[4, "x"])), "row 1"),
        (damaged(lambda d: d["rows"][1].update(error={"forward": "small"})), "row 1"),
        (damaged(lambda d: d["rows"][1].update(samples=True)), "row 1"),
        (damaged(lambda d: d["rows"][1].update(error={"forward": math.inf})), "Infinity"),
        (damaged(lambda d: d["ceilings"][0].update(start_us="fast")), "ceiling 0"),
        (damaged(lambda d: d["ceilings"][0].update(work=None)), "ceiling 0"),
        (damaged(lambda d: d["rows"].append(7)), "row 2"),
        (damaged(lambda d: d["ceilings"][0].pop("work")), "ceiling 0"),
    ],
)
def test_what_is_no_record_is_refused_in_one_sentence(tmp_path, text, says):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=says) as caught:
        bench.load(path)
    message = str(caught.value)
    assert message.startswith("r.json")
    assert message.endswith(".")
    assert "\n" not in message


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(RecordError, match=r"none\.json cannot be read: No such file"):
        bench.load(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="not text"):
        bench.load(tmp_path / "b.json")


def test_latest_prefers_finished_and_steady_then_many_functions_then_new(tmp_path):
    assert bench.latest("cpu", tmp_path) is None
    bench.save(make([row()], utc="2026-01-01T00:00:00Z", run_id="good"), tmp_path / "a.json")
    bench.save(
        make([row()], utc="2026-03-01T00:00:00Z", run_id="cut", finished=False), tmp_path / "b.json"
    )
    bench.save(make([row()], utc="2026-04-01T00:00:00Z", end_us=9.0), tmp_path / "c.json")
    bench.save(make([row()], kind="cuda", utc="2026-05-01T00:00:00Z"), tmp_path / "d.json")
    assert bench.latest("cpu", tmp_path).run_id == "good"
    bench.save(make([row()], utc="2026-02-01T00:00:00Z", run_id="newer"), tmp_path / "e.json")
    assert bench.latest("cpu", tmp_path).run_id == "newer"
    both = [row(), row(function="gelu")]
    bench.save(make(both, utc="2026-01-15T00:00:00Z", run_id="both"), tmp_path / "f.json")
    assert bench.latest("cpu", tmp_path).run_id == "both"
    assert bench.latest("cuda", tmp_path).kind == "cuda"
    with pytest.raises(ValueError, match="cpu"):
        bench.latest("tpu", tmp_path)


def test_every_committed_record_can_be_read():
    for path in sorted(records.folder().glob("*.json")):
        record = bench.load(path)
        assert record.finished
        assert not record.unsteady
        assert record.rows
        assert "/" not in record.command.replace("benchmarks/", "")


def test_without_a_record_the_page_says_so():
    assert "No GPU record yet" in bench.no_record_message("cuda")
    assert "--device cuda" in bench.no_record_message("cuda")
    assert "No CPU record yet" in bench.no_record_message("cpu")


def test_ratios_of_a_row():
    item = row(p50=10.0, copy=5.0, bytes_algorithmic=2 << 22, bytes_physical=6 << 22)
    assert item.times_copy == 2
    assert item.predicted_times_copy == 3
    assert item.percent_of_copy == 50


def test_a_difference_within_the_noise_is_not_claimed():
    record = make([row("builtin", 10.0), row("composed", 10.4)])
    pairs = {(c.faster, c.slower) for c in bench.claims(record)}
    assert pairs == {("copy", "builtin"), ("copy", "composed")}


def test_a_noisy_copy_silences_its_whole_group():
    noisy = make([row("builtin", 10.0), row("composed", 14.0)])
    assert len(bench.claims(noisy)) == 3
    noisy.rows[0] = row("copy", 5.0, spread=2.0)
    assert bench.claims(noisy) == []


def test_an_unsteady_run_claims_nothing():
    record = make([row("builtin", 10.0), row("composed", 50.0)], end_us=5.0 * 1.2)
    assert record.unsteady
    assert bench.claims(record) == []
    assert any("no difference is claimed" in line for line in report.warnings(record))
    assert make([], kind="cuda", end_us=5.0 * 1.02).unsteady
    assert not make([], kind="cuda", end_us=5.0 * 1.005).unsteady


def test_one_pass_has_to_assume_how_far_runs_lie_apart():
    rows = [row("builtin", 10.0, pass_difference=None), row("composed", 12.0, pass_difference=None)]
    record = make(rows)
    record.rows[0] = row("copy", 5.0, pass_difference=None)
    assert comparison.run_to_run(record) == comparison.ASSUMED_RUN_TO_RUN["cpu"]
    assert ("builtin", "composed") not in {(c.faster, c.slower) for c in bench.claims(record)}


def test_two_passes_measure_how_far_runs_lie_apart():
    differences = [0.01] * 15 + [0.3] * 5
    record = make([row(f"i{k}", pass_difference=d) for k, d in enumerate(differences)])
    assert comparison.run_to_run(record) == 0.3
    record = make([row(f"i{k}", pass_difference=0.001) for k in range(20)])
    assert comparison.run_to_run(record) == comparison.LEAST_RUN_TO_RUN["cpu"]


def test_records_that_agree_and_records_that_do_not():
    first = make([row("builtin", 10.0), row("composed", 20.0)])
    close = make([row("builtin", 10.2), row("composed", 19.5)])
    swapped = make([row("builtin", 20.0), row("composed", 10.0)])
    assert bench.disagreements(first, close) == []
    found = bench.disagreements(first, swapped)
    assert any("composed over builtin is 2.00" in sentence for sentence in found)
    assert len(bench.disagreements(swapped, first)) == len(found)
    only_one = make([row("builtin", 10.0)])
    assert bench.disagreements(first, only_one) == []


def test_a_claim_of_one_record_binds_the_other_even_if_that_claims_nothing():
    first = make([row("builtin", 10.0), row("composed", 20.0)])
    level = make([row("builtin", 10.0), row("composed", 10.1)])
    assert bench.disagreements(first, level)
    assert bench.disagreements(level, first)


def test_the_table_holds_rows_reasons_and_provenance():
    record = make(
        [
            row(),
            row("composed", None, status="failed", reason="wrong result"),
            row(function="mish"),
        ],
        note="A test.",
    )
    text = bench.table(record, functions=["relu"])
    assert "10.0 µs" in text
    assert "failed: wrong result" in text
    assert "mish" not in text
    assert "Test device" in text
    assert "commit 0123456789" in text
    assert "A test." in text
    assert "\x1b" not in text
    assert bench.table(record, functions=["gelu"]).startswith("No rows match.")


def test_a_page_shows_one_dtype_and_the_largest_size_in_the_order_asked_for():
    big = {"elements": 1 << 24, "dtype": "bfloat16"}
    record = make(
        [
            row("triton", function="gelu", **big),
            row("builtin", function="gelu", mode="backward", **big),
            row("builtin", function="gelu", **big),
            row("composed", function="relu", **big),
            row("builtin", function="relu", **big),
            row("copy", function="relu", **big),
            row("builtin", function="relu", elements=1 << 20, dtype="bfloat16"),
            row("builtin", function="relu", elements=1 << 28, dtype="float32"),
            row("builtin", None, status="skipped", elements=1 << 29, dtype="bfloat16"),
        ],
        kind="cuda",
    )
    shown = [
        (r.function, r.mode, r.implementation) for r in bench.headline(record, ["gelu", "relu"])
    ]
    assert shown == [
        ("gelu", "forward", "builtin"),
        ("gelu", "forward", "triton"),
        ("gelu", "backward", "builtin"),
        ("relu", "forward", "builtin"),
        ("relu", "forward", "composed"),
    ]
    only = bench.headline(record, ["relu"], dtype="float16")  # which it does not have
    assert {r.dtype for r in only} == {"bfloat16"}
    assert {r.elements for r in bench.headline(record, ["relu"], elements=1 << 20)} == {1 << 20}


def test_the_summary_sets_both_passes_side_by_side():
    record = make(
        [
            row(p50=10.0),
            row(p50=15.0, mode="backward", bytes_physical=3 << 22),
            row("composed", None, status="failed", reason="it raised ValueError: no"),
            row(function="mish"),
        ]
    )
    lines = bench.summary(record, ["relu"]).splitlines()
    assert lines[0].split() == ["x", "copy", "forward", "predicted", "backward", "predicted", "±"]
    assert lines[1].split()[:6] == ["relu", "builtin", "2.00", "1.00", "3.00", "1.50"]
    assert lines[2].split()[:6] == ["relu", "composed", "failed", "1.00", "-", "-"]
    assert "relu composed: it raised ValueError: no" in lines
    text = "\n".join(lines)
    assert "float32, 2^20 elements, on Test device" in text
    assert "mish" not in text
    assert max(map(len, lines)) <= 88  # a page shows it without scrolling
    assert bench.summary(record, ["gelu"]).startswith("No rows match.")


def test_a_record_without_git_says_so():
    record = make([row()], source={"commit": None, "dirty": None, "source_sha256": "0"})
    assert "no commit known" in bench.caption(record)


def test_a_doubt_beyond_the_value_itself_is_not_spelled_out():
    assert "> 100 %" in bench.table(make([row(spread=3.0)]))


def test_warnings_name_page_faults_and_a_stopped_run():
    record = make([row(faults_per_call=977.0)], finished=False)
    text = "\n".join(report.warnings(record))
    assert "stopped before its end" in text
    assert "977" in text


@pytest.mark.parametrize(
    ("us", "text"),
    [(None, "-"), (1.234, "1.23 µs"), (999, "999 µs"), (12345.6, "12.3 ms"), (2.5e6, "2.50 s")],
)
def test_times_have_three_digits_and_a_unit(us, text):
    assert report.time_text(us) == text


def test_sizes_are_written_as_people_do():
    assert report.size_text(1 << 20) == "2^20"
    assert report.size_text(1_000_000) == "1,000,000"
    assert report.size_text(512) == "512"
