"""Abilities that go right, wrong or on for ever; functions of a module, since another process runs them."""

import os
import signal
import time

from avssl_hub.app.abilities import Ability, Output, Shown


def load(model, device):
    return model, device


def ability(show, load=load):
    """Return an ability whose model is its own name and that shows one file."""
    rows = ((Output("file", "A file"),),)
    return Ability("made", "Made", "", "Start", "none", rows, load, show)


def load_for_ever(model, device):
    time.sleep(3600)


def good(pipe, film, folder, tick):
    return Shown(("Good.",), (None,))


def write(pipe, film, folder, tick):
    out = folder / f"{pipe[0]}.txt"
    out.write_text(f"{pipe[0]} on {pipe[1]}: {film.name}")
    return Shown(("Good.",), (out,))


def fail(pipe, film, folder, tick):
    raise ZeroDivisionError("by a strange film")


def go_on(pipe, film, folder, tick):
    (folder / "half_done").touch()
    for step in range(10**6):
        tick(step, 10**6, what="steps")
        time.sleep(0.001)


def crash(pipe, film, folder, tick):
    (folder / "half_done").touch()
    os.kill(os.getpid(), signal.SIGSEGV)
