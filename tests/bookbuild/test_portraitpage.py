"""A portrait to be stepped through: a frame for each saved step, and a button for each frame."""

from __future__ import annotations

import re

import pytest

from actlab import portrait
from bookbuild.pages import portraitpage


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(portrait, "STEPS", (0, 4, 8))
    train = portrait.train
    train.cache_clear()
    yield
    train.cache_clear()


def test_there_is_a_frame_with_its_text_for_each_step(few_steps, tmp_path, monkeypatch):
    drawn = portraitpage.frames("relu", tmp_path)
    assert [step for step, _, _ in drawn] == [0, 4, 8]
    assert all(path.read_text().count('data-variant="only"') == 1 for _, path, _ in drawn)
    assert drawn[1][2].startswith("The recurring network with ReLU after 4 steps: ")
    monkeypatch.setattr(portrait, "train", lambda *_: pytest.fail("trained again"))
    assert portraitpage.frames("relu", tmp_path) == drawn


def test_each_button_shows_its_frame_and_the_last_is_chosen(few_steps):
    html = portraitpage.controls("tanh")
    ids = re.findall(r'<input type="radio" name="portrait-tanh" id="([^"]+)"', html)
    assert ids == [f"portrait-tanh-{step}" for step in portrait.STEPS]
    for number, identifier in enumerate(ids, start=1):
        assert f'<label for="{identifier}">' in html
        assert f"#{identifier}:checked ~ .frames > :nth-child({number})" in html
    assert re.findall(r'id="([^"]+)" checked ', html) == ids[-1:]
