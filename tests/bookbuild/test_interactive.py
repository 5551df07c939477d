"""Interactive figures: the page looks up what the package computes, to the precision stated."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from docutils.parsers.rst import DirectiveError
from docutils.statemachine import StringList

from actlab.functions import CATALOGUE, get
from actlab.plotting import PALETTE
from bookbuild import sliders
from bookbuild.ext import slider_figure as directive
from bookbuild.sliders import cost, draw, formats, model, networks

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```\{slider-figure\} (\S+)\n(.*?)^```", re.M | re.S)
figure = cache(sliders.figure)


def as_sent(name: str) -> dict:
    """What the page gets, through JSON."""
    return json.loads(json.dumps(figure(name).packed()))


def curve(sent: dict, bank: str, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Abscissae and ordinates, unpacked in the way of slider.js."""
    found = sent["banks"][bank]
    y = np.cumsum(np.cumsum(found["y"][position])) * found["step"]
    if "x" in found:
        return np.cumsum(np.cumsum(found["x"][position])) * found["xStep"], y
    pieces = found["grid"] if "grid" in found else found["grids"][position]
    return np.concatenate([np.linspace(*piece) for piece in pieces]), y


# --- packing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1e-4, 0.01, 1.0])
def test_packing_loses_half_a_step_and_no_more(step):
    values = np.random.default_rng(0).uniform(-40, 40, 500)
    packed = model.pack(values, step)
    assert all(isinstance(number, int) for number in packed)
    assert np.abs(model.unpack(packed, step) - values).max() <= step / 2 * (1 + 1e-9)


def test_a_sample_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        model.pack(np.array([0.0, np.nan]), 1e-4)


def test_a_grid_is_cut_at_kinks_and_the_limits_are_taken_inside():
    pieces = model.spans(-1, 1, 0.5, (0.0,))
    np.testing.assert_array_equal(model.grid(pieces), [-1, -0.5, 0, 0, 0.5, 1])
    slopes = get("relu").derivative(model.inside(pieces))
    np.testing.assert_array_equal(slopes, [0, 0, 0, 1, 1, 1])


# --- the numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, e in CATALOGUE.items() if e.kind == "elementwise"])
def test_every_function_of_the_landing_page_is_that_of_the_catalogue(name):
    sent, entry = as_sent("compare-functions"), CATALOGUE[name]
    texts = sent["controls"][0]["texts"]
    (place,) = [k for k, text in enumerate(texts) if text.split(",")[0] == entry.title]
    position = place * len(formats.TYPES)
    x, y = curve(sent, "value", position)
    assert np.abs(y - entry.forward(x)).max() <= 0.5e-4 * 1.001
    x, slope = curve(sent, "slope", position)
    kinks = entry.kinks(**entry.defaults)
    away = ~np.isin(np.round(x, 9), kinks)
    assert np.abs(slope - entry.derivative(x))[away].max() <= 0.5e-4 * 1.001
    for kink in kinks:
        if x[0] < kink < x[-1]:
            before, after = slope[np.isclose(x, kink)]
            assert before == pytest.approx(entry.derivative(kink - 1e-6), abs=1e-4)
            assert after == pytest.approx(entry.derivative(kink + 1e-6), abs=1e-4)


def test_swish_is_the_function_of_the_catalogue_at_every_sharpness():
    sent, family, gelu = as_sent("swish-beta"), get("silu"), get("gelu")
    texts = sent["controls"][0]["texts"]
    assert (float(texts[0]), float(texts[-1])) == (0, 6)
    for place, text in enumerate(texts):
        position = place * len(formats.TYPES)
        x, y = curve(sent, "value", position)
        assert np.abs(y - family.forward(x, beta=float(text))).max() <= 0.5e-4 * 1.001
        x, slope = curve(sent, "slope", position)
        assert np.abs(slope - family.derivative(x, beta=float(text))).max() <= 0.5e-4 * 1.001
    x, y = curve(sent, "gelu", 0)
    assert np.abs(y - gelu.forward(x)).max() <= 0.5e-4 * 1.001
    np.testing.assert_allclose(curve(sent, "value", 0)[1], x / 2, atol=1e-4)


def test_what_chapter_10_says_about_the_best_sharpness():
    """No β gives GELU, and the best one for the value is not the best one for the slope."""
    notes = figure("swish-beta").controls[0].notes[:: len(formats.TYPES)]
    value, slope = np.array([re.findall(r"(\d\.\d{3}) in", note) for note in notes], float).T
    assert value.min() > 0.01
    assert slope.min() > value.min()
    assert value.argmin() != slope.argmin()


def test_the_bending_network_is_a_network():
    """Values and slopes against PyTorch's leaky ReLU, and one straight line at slope 1."""
    sent, network = as_sent("linear-to-relu"), networks.random_network()
    panel = figure("linear-to-relu").controls[0]
    for position in (0, 1, 10, 20):
        slope = float(panel.texts[position].split(",")[0])
        t = torch.linspace(-2.99, 2.99, 401, dtype=torch.float64, requires_grad=True)
        h = torch.stack([t, t / 2], 1)
        layers = list(zip(network.weights, network.biases, strict=True))
        for index, (weight, bias) in enumerate(layers):
            h = h @ weight[0].double() + bias[0].double()
            if index < len(layers) - 1:
                h = torch.nn.functional.leaky_relu(h, slope)
        y = h[:, 0] / (1 + slope**2) ** 2
        (steep,) = torch.autograd.grad(y.sum(), t)
        at = t.detach().numpy()
        x, value = curve(sent, "value", position)
        assert np.abs(np.interp(at, x, value) - y.detach().numpy()).max() < 2e-3
        x, stairs = curve(sent, "slope", position)
        found = stairs[np.searchsorted(x, at)]
        near = np.abs(at[:, None] - x[None]).min(1) < 2e-4  # too near a bend to tell its side
        assert np.abs(found - steep.numpy())[~near].max() < 1e-3
        assert (~near).sum() > 300


def test_what_chapter_1_says_about_the_number_of_bends():
    counts = [int(note.split()[0]) for note in figure("linear-to-relu").controls[0].notes]
    units = networks.LAYERS * networks.WIDTH
    assert counts[0] == 0
    assert all(units / 2 < count <= units for count in counts[1:])


def test_the_scale_multiplies_every_layer_alike():
    """ReLU without biases is homogeneous, so one measurement predicts all the others."""
    sent = as_sent("relu-scale")
    scales = [float(text.split(",")[0]) for text in sent["controls"][0]["texts"]]
    reference = scales.index(2.0)
    layer, signal = curve(sent, "signal", reference)
    _, gradient = curve(sent, "gradient", reference)
    assert len(layer) == networks.DEPTH
    assert np.abs(signal).max() < 1
    assert np.abs(gradient).max() < 1
    for position, scale in enumerate(scales):
        growth = np.log10(scale / 2)
        found = curve(sent, "signal", position)[1]
        np.testing.assert_allclose(found, signal + layer * growth, atol=2e-3)
        found = curve(sent, "gradient", position)[1]
        np.testing.assert_allclose(found, gradient + (layer[-1] - layer) * growth, atol=2e-3)


def test_the_sentence_on_scales_says_where_float16_ends():
    """Against NumPy's own overflow and underflow, layer by layer."""
    sent, control = as_sent("relu-scale"), figure("relu-scale").controls[0]
    verdicts = set()
    for position, note in enumerate(control.notes):
        layer, signal = curve(sent, "signal", position)
        with np.errstate(over="ignore", under="ignore"):
            held = (10 ** (signal / 2)).astype(np.float16)
        lost = np.isinf(held) | (held == 0)
        first = re.search(r"from layer (\d+) on it is (infinite|0) in float16", note)
        assert (first is not None) == lost.any(), note
        if first:
            assert abs(int(first[1]) - layer[lost.argmax()]) <= 1  # a figure's data are rounded
            assert (first[2] == "infinite") == np.isinf(held).any()
        verdicts.add("nothing is wrong" in note)
        if control.texts[position] == "2.0, He":
            assert "nothing is wrong" in note
    assert verdicts == {True, False}


def test_the_budget_is_that_of_the_recorded_counts():
    sent = as_sent("instruction-budget")
    counts = cost.sass.load()["kernels"]
    notes = sent["controls"][0]["notes"]
    for position, text in enumerate(sent["controls"][0]["texts"]):
        moved = int(text.split(",")[0])
        budget = moved * cost.sass.ISSUE_RATE / cost.sass.COPY_RATE
        x, share = curve(sent, "share", position)
        np.testing.assert_allclose(share, 100 * np.minimum(1, budget / np.maximum(x, 1)), atol=0.01)
        fit = sum(
            counts[f"{name}/forward/bfloat16"]["instructions"] <= budget
            for name in cost.KERNELS.values()
        )
        assert f" {fit} of the {len(cost.KERNELS)} kernels" in notes[position]


# --- in a floating-point type ---------------------------------------------------------------------


def bfloat16(x: np.ndarray) -> np.ndarray:
    """``x`` rounded to the nearest bfloat16, ties to even, by its bits; float64."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    kept = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return kept.astype(np.uint32).view(np.float32).astype(np.float64)


ROUNDED = {"bfloat16": bfloat16, "float16": lambda x: np.asarray(x, np.float16).astype(float)}


@pytest.mark.parametrize("kind", ROUNDED)
@pytest.mark.parametrize("name", ["relu", "hardtanh", "leaky_relu", "sigmoid", "gelu"])
def test_values_of_a_type_are_the_true_ones_rounded(kind, name):
    """The preactivation is rounded, then the output; functions without exp to the last bit."""
    x, entry, rounded = np.linspace(-4, 7, 221), get(name), ROUNDED[kind]
    found = formats.value(formats.torch_equivalent(name), kind, x)
    exact = entry.forward(rounded(x), **entry.defaults)
    np.testing.assert_array_equal(rounded(found), found)
    if name in ("relu", "hardtanh"):
        np.testing.assert_array_equal(found, rounded(exact))
    else:  # one unit in the last place
        eps = {"bfloat16": 2.0**-7, "float16": 2.0**-10}[kind]
        assert (np.abs(found - exact) <= eps * np.abs(exact) + 1e-7).all()


@pytest.mark.parametrize("kind", ROUNDED)
def test_the_slope_of_a_type_comes_from_the_output_that_it_keeps(kind):
    """1 − y² of the rounded y, for tanh: 0 where y is stored as 1."""
    x, rounded = np.linspace(-6, 6, 241), ROUNDED[kind]
    found = formats.slope(torch.tanh, kind, x)
    kept = formats.value(torch.tanh, kind, x)
    np.testing.assert_allclose(found, 1 - kept**2, atol=2.0**-8 if kind == "bfloat16" else 2**-11)
    np.testing.assert_array_equal(found == 0, np.abs(kept) == 1)
    ((_, left), (right, _)) = formats.silent("tanh", kind)
    away = np.abs(np.abs(x) - right) > 0.05
    np.testing.assert_array_equal((found == 0)[away], (np.abs(x) > right)[away])
    assert left == -right
    assert rounded(np.array([right])) == [right]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("relu", "bfloat16", "half of the units see slope 0 (below 0)"),
        ("leaky_relu", "float16", "nothing is wrong, no unit sees slope 0"),
        ("relu2", "float16", "half of the units see slope 0 (below 0); infinite from 256 on"),
        ("relu2", "bfloat16", "half of the units see slope 0 (below 0)"),
    ],
)
def test_the_sentence_says_what_is_wrong_in_a_type(name, kind, words):
    defaults = get(name).defaults
    silent = formats.silent(name, kind, **defaults)
    assert formats.diagnosis(silent, name, kind, **defaults) == words


def test_the_share_of_silent_units_is_that_of_a_sample():
    """Tanh in bfloat16, four times as wide: counted on a million draws."""
    silent = formats.silent("tanh", "bfloat16")
    drawn = formats.WIDE * np.random.default_rng(0).standard_normal(1_000_000)
    counted = (formats.slope(torch.tanh, "bfloat16", drawn) == 0).mean()
    assert formats.share(silent, formats.WIDE) == pytest.approx(counted, abs=0.002)
    assert f"{100 * counted:.0f} % of sums four times as wide do" in formats.said(silent)


@pytest.mark.parametrize("name", ["compare-functions", "swish-beta"])
def test_a_figure_of_functions_has_curves_notes_and_bars_for_every_type(name):
    made = figure(name)
    (switch,) = [k for k, control in enumerate(made.controls) if control.kind == "switch"]
    assert made.controls[switch].texts == formats.TYPES
    assert all(curve.by == switch for curve in made.curves)
    first = made.controls[0]
    assert len(first.notes) == len(first.texts) * len(formats.TYPES)
    for place, note in enumerate(first.notes):
        assert f"in {formats.TYPES[place % 3]}" in note.replace("In ", "in ")
        assert "slope 0" in note
    for curve_ in made.curves:
        count = 1 if curve_.control is None else len(made.controls[curve_.control].texts)
        assert len(made.banks[curve_.bank].traces) == count * len(formats.TYPES)
    assert any(curve_.style == "rug" for curve_ in made.curves)


def test_bars_lie_where_the_slope_is_zero():
    """Of hard tanh: two bars, from the edge to −1 and from 1 to the edge."""
    x, y = formats.rug(formats.silent("hardtanh", "float16"), -4, 7, -0.2)
    drawn = [at for at, height in zip(x, y, strict=True) if height == -0.2]
    assert drawn == [-4, -1, 1, 7]
    path = draw.path(model.Trace(np.array(y), np.array(x)), figure("compare-functions").panels[1])
    assert path.count("M") == 5


# --- what the page says ---------------------------------------------------------------------------


def test_reading_off_interpolates_and_shows_both_sides_of_a_jump():
    pieces = model.spans(-1, 1, 0.5, (0.0,))
    trace = model.Trace(get("relu").derivative(model.inside(pieces)), pieces)
    assert draw.read(trace, 0.0) == (0.0, 1.0)
    assert draw.read(trace, 0.25) == (1.0, 1.0)
    line = model.Trace(np.array([0.0, 1.0, 4.0]), ((0.0, 2.0, 3),))
    assert draw.read(line, 1.5) == (2.5, 2.5)
    assert draw.read(line, 2.0) == (4.0, 4.0)


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (-1.2344, ("fixed", 3, ""), "−1.234"),
        (-0.0001, ("fixed", 3, ""), "0.000"),
        (87.6, ("fixed", 0, " %"), "88 %"),
        (-14.1487, ("power", 1, ""), "7.1·10⁻¹⁵"),
        (2.9999, ("power", 1, ""), "1.0·10³"),
    ],
)
def test_values_are_shown_as_print_sets_them(value, form, shown):
    kind, digits, unit = form
    panel = model.Panel("", "", (0, 1), (0, 1), (), (), "", (), kind, digits, unit)
    assert draw.text_of(value, panel) == shown


def test_a_thinned_line_stays_within_a_fraction_of_a_pixel():
    x = np.linspace(0, 300, 601)
    points = np.stack([x, 80 + 70 * np.sin(x / 25)], 1)
    thin = draw._thinned(points)
    assert len(thin) < len(points) / 4
    assert np.abs(np.interp(x, *thin.T) - points[:, 1]).max() < 0.5


class Structure(HTMLParser):
    """Collects ids, labels, form controls and images of a fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.ids, self.labels, self.inputs, self.images = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.labels += [found["for"]] if tag == "label" else []
        self.inputs += [found["id"]] if tag in ("input", "select") else []
        self.images += [found.get("aria-label")] if found.get("role") == "img" else []


@pytest.mark.parametrize("name", sliders.HOME)
def test_the_drawing_is_complete_without_a_script(name):
    made = figure(name)
    html = draw.figure_html(made, 'x < 0 & "more"')
    seen = Structure()
    seen.feed(html)
    assert len(set(seen.ids)) == len(seen.ids)
    assert seen.inputs
    assert set(seen.inputs) == set(seen.labels)
    assert seen.images == ['x < 0 & "more"']
    assert "nan" not in html
    paths = re.findall(r'data-curve="(\d+)"[^>]* d="(M[^"]+)"', html)
    assert [int(k) for k, _ in paths] == sorted(
        range(len(made.curves)), key=lambda k: (made.curves[k].panel, k)
    )
    assert html.count("data-value=") >= len(made.panels)
    for control in made.controls:
        assert (control.kind == "switch") == (f"<legend>{control.label}</legend>" in html)
    printed = sum(len(control.prints) for control in made.controls)
    assert html.count('<div class="sf-panels">') == printed
    assert len(html.encode()) < 40_000


def test_the_colours_are_those_of_the_palette():
    style = (ROOT / "book/web/figures/slider.css").read_text(encoding="utf-8")
    for variable, name in {
        "curve-0": "blue",
        "curve-1": "orange",
        "curve-ink": "ink",
        "curve-muted": "muted",
        "curve-grid": "grid",
    }.items():
        light, dark = PALETTE[name]
        assert re.findall(rf"--{variable}: (#\w+)", style) == [light, dark, light], variable
    assert (PALETTE["blue"][0], PALETTE["orange"][0]) == draw.ROW_COLOURS
    assert (PALETTE["ink"][0], PALETTE["muted"][0], PALETTE["grid"][0]) == (
        draw.INK,
        draw.MUTED,
        draw.GRID,
    )


# --- in the book ----------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Every page of the table of contents that may hold a figure, as Markdown."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = {"index": (ROOT / "index.md").read_text(encoding="utf-8")}
    for part in contents["parts"]:
        for chapter in part["chapters"]:
            path = ROOT / f"{chapter['file']}.ipynb"
            if path.exists():
                cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
                text = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
                found[chapter["file"]] = "\n\n".join(text)
    return found


def test_the_landing_page_has_a_figure():
    assert FENCE.findall(pages()["index"])


@pytest.mark.parametrize("page", pages())
def test_every_figure_of_a_page_has_its_text(page):
    for name, alt in FENCE.findall(pages()[page]):
        assert name in sliders.HOME
        assert len(alt.split()) > 15, f"{name}: say more of what is to be seen"


def test_every_figure_is_used_once():
    used = [name for text in pages().values() for name, _ in FENCE.findall(text)]
    assert sorted(used) == sorted(sliders.HOME)


def run(name: str, content: list[str]):
    """The directive on its own."""
    noted: list[str] = []
    env = SimpleNamespace(srcdir=str(ROOT), note_dependency=noted.append)
    document = SimpleNamespace(settings=SimpleNamespace(env=env))
    machine = SimpleNamespace(
        reporter=None, get_source_and_line=lambda line=None: ("page.md", line)
    )
    made = directive.SliderFigure(
        "slider-figure", [name], {}, StringList(content), 1, 0, "",
        SimpleNamespace(document=document), machine,
    )  # fmt: skip
    return made.run(), noted


def test_the_directive_computes_the_figure_and_notes_what_it_depends_on():
    (node,), noted = run("swish-beta", ["Two panels.", "GELU is dashed."])
    assert node["alt"] == "Two panels. GELU is dashed."
    assert node["script"].startswith("(self.actlabFigures=")
    names = {Path(path).relative_to(ROOT).as_posix() for path in noted}
    assert {"actlab/functions/smooth.py", "bookbuild/sliders/draw.py"} <= names
    assert not any(name.startswith("actgrade/") for name in names)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("swish-beta", [], "no alternative text"),
        ("swish-beta", ["  "], "no alternative text"),
        ("no-such-figure", ["Two panels."], "there is no figure called 'no-such-figure'"),
    ],
)
def test_a_figure_without_text_or_with_another_name_is_an_error(name, content, words):
    with pytest.raises(DirectiveError) as caught:
        run(name, content)
    assert words in caught.value.msg
