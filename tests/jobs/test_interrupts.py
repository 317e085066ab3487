"""Ctrl-C that a callback swallows is heard all the same."""

import io
import signal
import threading
import time

import pytest
import torch

from avssl_hub.jobs.interrupts import heard_interrupts
from avssl_hub.media import MediaReader, write_media


@pytest.fixture(autouse=True)
def usual_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_swallowed_interrupt_is_raised_at_the_next_check():
    with heard_interrupts() as check:
        check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_handlers_of_others_stay():
    def mine(number, frame):
        pass

    signal.signal(signal.SIGINT, mine)
    with heard_interrupts() as check:
        assert signal.getsignal(signal.SIGINT) is mine
        signal.raise_signal(signal.SIGINT)
        check()


def test_other_threads_only_watch():
    errors = []

    def work():
        try:
            with heard_interrupts() as check:
                check()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []


class PressingFile(io.BytesIO):
    """A file during whose third read somebody presses Ctrl-C."""

    reads = 0

    def read(self, count=-1):
        self.reads += 1
        if self.reads == 3:
            signal.raise_signal(signal.SIGINT)
        return super().read(count)


def test_an_interrupt_inside_a_read_of_ffmpeg_waits_for_its_end(tmp_path, capfd):
    frames = torch.randint(0, 256, (64, 64, 64, 3), dtype=torch.uint8)
    content = write_media(tmp_path / "noise.mp4", frames, 16).read_bytes()

    def read_and_wait():
        with MediaReader(file) as reader:
            reader.read_video(0, 4, 16)
        time.sleep(5)

    file = PressingFile(content)
    with heard_interrupts(), pytest.raises(KeyboardInterrupt):
        read_and_wait()
    assert file.reads >= 3
    assert "Traceback" not in capfd.readouterr().err
