"""The corpus of ill-behaved media, made once a session."""

import numpy as np
import pytest

from tests.media.corpus import Sound, clicks, make, noise, picture, sine

REGULAR = [i / 10 for i in range(40)]

# Ten frames a second, but for a second and a half without any and half a second of twice as many.
VFR_TIMES = [*REGULAR[:10], *(2.5 + i / 20 for i in range(10)), *(3 + i / 10 for i in range(10))]

# Display rotation (degrees counter-clockwise, then flips) by name; phones write -90 for upright films.
TURNS = {
    "rotated_90": (-90, False, False),
    "rotated_180": (180, False, False),
    "rotated_270": (90, False, False),
    "mirrored": (0, True, False),
    "rotated_90_mirrored": (-90, True, False),
}

# A tone of its own for each channel of 5.1: front left, right, centre, low, back left, right.
SURROUND_TONES = (400, 800, 1200, 100, 2000, 2600)


def surround():
    return np.concatenate([sine(2, 48000, tone) for tone in SURROUND_TONES])


def stored_for(turn):
    """Return the pictures to store, 64 x 48, that this display rotation turns into readable ones."""
    degrees, mirror, flip = turn
    width, height = (48, 64) if degrees in (90, -90) else (64, 48)

    def stored(number):
        shown = picture(number, width, height)[:: -1 if flip else 1, :: -1 if mirror else 1]
        return np.rot90(shown, -degrees // 90)

    return stored


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Paths by name; frames at 10 a second for 4 seconds unless the name says otherwise."""
    folder = tmp_path_factory.mktemp("corpus")
    path = {}

    def add(name, file, *args, **kwargs):
        path[name] = make(folder / file, *args, **kwargs)

    tone = Sound(sine(4, 44100, channels=2), 44100, layout="stereo")
    add("plain", "plain.mp4", REGULAR, (Sound(clicks(0, 4, 48000), 48000),))
    add("long_gop", "long_gop.mp4", REGULAR, (tone,), options={"g": "40"}, container_options={"movflags": "faststart"})
    add("picture_only", "picture_only.mp4", REGULAR)
    add("sound_only", "sound_only.m4a", None, (tone,))
    add("aac_in_mkv", "aac.mkv", REGULAR, (tone,))
    add("one_frame", "one_frame.mp4", [0.0])
    add("vfr", "vfr.mp4", VFR_TIMES, (Sound(clicks(0, 4, 48000), 48000),))
    add("mono_8k", "mono_8k.mkv", REGULAR, (Sound(sine(4, 8000, 1000), 8000, "pcm_s16le"),))
    add("surround", "surround.flac", None, (Sound(surround(), 48000, "flac", "5.1"),))
    add("surround_unnamed", "surround.mkv", None, (Sound(surround(), 48000, "pcm_s16le", "5.1"),))
    short = Sound(noise(1.5, 24000), 24000, "pcm_s16le")
    add("unfinished", "unfinished.mkv", REGULAR, (short,), container_options={"live": "1"})
    add("non_ascii", "кино – été 映画.mp4", REGULAR)
    add("offset", "offset.mp4", [5 + t for t in REGULAR], (Sound(clicks(5, 4, 48000), 48000, start=5),))
    add("late_sound", "late_sound.mp4", REGULAR, (Sound(noise(2, 24000), 24000, "flac", start=1.0),))
    add("late_picture", "late_picture.mp4", [2 + t for t in REGULAR], (Sound(clicks(0, 6, 48000), 48000),))
    add("short_sound", "short_sound.mp4", REGULAR, (Sound(noise(1.5, 24000), 24000, "flac"),))
    two = [Sound(sine(4, 48000, frequency), 48000) for frequency in (500, 3000)]
    add("two_sounds", "two_sounds.mp4", REGULAR, tuple(two))
    add("cover_mp3", "cover.mp3", None, (Sound(noise(4, 44100), 44100, "libmp3lame"),), cover=True)
    add("cover_m4a", "cover.m4a", None, (tone,), cover=True, format="mp4")
    add(
        "mpeg4",
        "mpeg4.avi",
        REGULAR,
        (Sound(noise(4, 24000), 24000, "pcm_s16le"),),
        codec="mpeg4",
        options={"bf": "2", "b": "2M"},
    )
    for name, turn in TURNS.items():
        add(name, f"{name}.mp4", REGULAR, (tone,), turn=turn, pictures=stored_for(turn))
    path["empty"] = folder / "empty.mp4"
    path["empty"].touch()
    path["text"] = folder / "text.mp4"
    path["text"].write_text("not a film\n" * 200)
    path["truncated"] = folder / "truncated.mp4"
    whole = path["long_gop"].read_bytes()
    path["truncated"].write_bytes(whole[: len(whole) * 6 // 10])
    path["headless"] = folder / "headless.mp4"
    whole = path["plain"].read_bytes()
    path["headless"].write_bytes(whole[: len(whole) // 2])
    for extension in ("txt", "jpg", "mp3"):
        path[f"plain_{extension}"] = folder / f"disguised.{extension}"
        path[f"plain_{extension}"].write_bytes(path["plain"].read_bytes())
    return path
