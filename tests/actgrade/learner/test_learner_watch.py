"""``actlab watch``, as somebody uses it: on a terminal and in a pipe, each in its own process."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from learner_course import RIGHT, WRONG_SIGN, Watching, notebook, progress, write_answer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs pseudo-terminals and /proc")

READY = "q quit"


def settled(watching) -> None:
    """Every process that belonged to it is gone."""
    end = time.monotonic() + 10
    while watching.children() and time.monotonic() < end:
        time.sleep(0.05)
    assert watching.children() == []


def terminal_settings(watching) -> list:
    import termios

    return termios.tcgetattr(watching.terminal)


def test_a_wrong_then_a_right_answer_and_every_key(watch, root):
    watching = watch()
    before = terminal_settings(watching)
    assert "not written yet" in watching.until(READY)
    assert terminal_settings(watching) != before

    write_answer(root, q1=WRONG_SIGN)
    said = watching.until("known mistake", READY)
    assert "Zero has the sign 0" in said

    watching.press("h")
    assert "Three cases." in watching.until("Hint 1 of 3", READY)

    write_answer(root, q1=RIGHT["q1"])
    said = watching.until("Full points", READY)
    assert "1/1  pass" in said
    assert "1 of 5 points" in said

    watching.press("n")
    watching.until("A leaky line", READY)
    watching.press("hhhh")
    said = watching.until("There are no more hints for 90_sample q2", READY)
    assert "`np.where` chooses." in said
    watching.press("l")
    assert "> q2" in watching.until("Two numbers", READY)

    # Nothing of q1 changed, so only q2 is graded.
    graded = progress(root)["chapters"]["90_sample"]["q1"]["graded"]
    write_answer(root, q2=RIGHT["q2"].replace("slope * x)", "0.0)"))
    watching.until("Without the slope this is ReLU", READY)
    assert progress(root)["chapters"]["90_sample"]["q1"]["graded"] == graded

    watching.press("r")
    watching.until("Without the slope this is ReLU", READY)
    watching.press("c")
    watching.until("Checked every answer: 1 of 5 points", READY)

    watching.press("x")
    watching.until("Put the stub of q2 back?", READY)
    watching.press("n")
    watching.until("Nothing was changed", READY)
    watching.press("xy")
    watching.until("The stub of q2 is back", READY)
    watching.until("not written yet", READY)  # the watcher sees its own change, too
    assert len(list((root / ".actlab" / "backups").iterdir())) == 1

    assert watching.children()
    watching.press("q")
    assert watching.wait() == 0
    assert terminal_settings(watching) == before
    settled(watching)


def test_a_pipe_gets_lines_without_codes_and_a_restart_knows_what_was_graded(watch, root):
    write_answer(root, q1=RIGHT["q1"])
    watching = watch("90", terminal=False)
    said = watching.until("90_sample q1      1/1  pass       The sign\n")
    write_answer(root, q3="def mean_and_spread(x):\n    return float(np.mean(x)), float(np.var(x))")
    said += watching.until("known mistake: The variance is the square of the spread")

    # Half a notebook, as an editor that writes in place leaves it for a moment ...
    whole = notebook(root).read_text()
    notebook(root).write_text(whole[: len(whole) // 2])
    said += watching.until("waiting for the next save")
    assert said.count("ends in the middle") == 1
    # ... and then all of it.
    notebook(root).write_text(whole)
    write_answer(root, q3=RIGHT["q3"])
    said += watching.until("q3      1/1  pass")
    notebook(root).unlink()
    said += watching.until("waiting for the next save")
    assert watching.children()
    os.kill(watching.process.pid, signal.SIGTERM)
    assert watching.wait() == 128 + signal.SIGTERM
    settled(watching)
    assert "\x1b" not in said
    assert "Traceback" not in said

    notebook(root).write_text(whole)
    write_answer(root, q2=RIGHT["q2"], q3=RIGHT["q3"])
    first = progress(root)["chapters"]["90_sample"]
    watching = watch(terminal=False)
    watching.until("q2      3/3  pass")
    second = progress(root)["chapters"]["90_sample"]
    assert second["q1"] == first["q1"]
    assert second["q2"]["passed"]
    assert watching.children()
    os.killpg(watching.process.pid, signal.SIGINT)
    assert watching.wait() == 130, watching.said
    settled(watching)


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("q", 0), ("hang up", 129)])
def test_it_can_be_left_while_an_answer_runs_for_ever(watch, root, key, code):
    write_answer(root, q1="def sign(x):\n    while True:\n        pass")
    watching = watch("90")
    before = terminal_settings(watching)
    watching.until("grading q1")
    # Until the kernels are there: the server itself, the learner's and the reference's.
    end = time.monotonic() + 30
    while len(watching.children()) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    if key == "hang up":
        os.kill(watching.process.pid, signal.SIGHUP)
    else:
        watching.press(key)
    assert watching.wait() == code, watching.said
    assert "Traceback" not in watching.said
    # Echo and lines are back, whatever the driver says about the moment before.
    after = terminal_settings(watching)
    assert after[3] | before[3] == after[3]
    settled(watching)


SHELL = """
import os, signal, subprocess, sys, termios, time
program = '''
import sys
from actgrade.learner.keyboard import Keyboard
with Keyboard() as keyboard:
    print("ready", flush=True)
    while (key := keyboard.wait(5)) != "q":
        print("key", key, flush=True)
'''
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
before = termios.tcgetattr(0)
# What a shell does with a job: a process group of its own, in the foreground.
job = subprocess.Popen([sys.executable, "-c", program], process_group=0)
os.tcsetpgrp(0, job.pid)
while termios.tcgetattr(0) == before:
    time.sleep(0.02)
os.killpg(job.pid, signal.SIGTSTP)
print("stopped", os.WIFSTOPPED(os.waitpid(job.pid, os.WUNTRACED)[1]))
print("restored", termios.tcgetattr(0) == before)
os.killpg(job.pid, signal.SIGCONT)
while termios.tcgetattr(0) == before:
    time.sleep(0.02)
print("going on", flush=True)
print("code", job.wait(), "restored", termios.tcgetattr(0) == before, flush=True)
"""


def test_ctrl_z_gives_the_terminal_back_for_a_while(root):
    watching = Watching(root, terminal=True, program=[sys.executable, "-c", SHELL])
    try:
        said = watching.until("going on")
        assert "stopped True" in said
        assert "restored True" in said
        watching.press("Kq")
        assert "key k" in watching.until("code 0 restored True")
    finally:
        watching.close()


def test_a_copy_and_a_magic_are_taken_as_a_class_takes_them(watch, root):
    copy = notebook(root).with_name("90_sample-Copy1.ipynb")
    released = notebook(root).read_bytes()
    write_answer(root, q1=f"%%time\n{RIGHT['q1']}")
    copy.write_bytes(notebook(root).read_bytes())
    notebook(root).write_bytes(released)
    watching = watch("90", terminal=False)
    said = watching.until("90_sample q1      1/1  pass       The sign\n")
    assert "Watching exercises/90_sample-Copy1.ipynb" in said
    assert "note: q1: line 1 (%%time) is left out" in said
    copy.write_bytes(copy.read_bytes().replace(b"return np.sign(x)", b"return -np.sign(x)"))
    watching.until("known mistake: The sign is flipped")
