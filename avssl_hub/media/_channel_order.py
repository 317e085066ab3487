"""The order in which a file holds its channels, where decoders hand them out in another."""

import av

# Speakers in the order of the Vorbis specification, which Opus took over; FFmpeg sorts them by its own.
_VORBIS = {
    3: "FL FC FR",
    5: "FL FC FR BL BR",
    6: "FL FC FR BL BR LFE",
    7: "FL FC FR SL SR BC LFE",
    8: "FL FC FR SL SR BL BR LFE",
}


def stored_places(stream: av.audio.stream.AudioStream) -> tuple[int, ...]:
    """Tell where each channel of the file, in the order in which it is stored, stands among the decoded ones."""
    decoded = [channel.name for channel in stream.layout.channels]
    stored = _VORBIS.get(len(decoded), "").split()
    if stream.codec_context.name not in ("vorbis", "opus", "libvorbis", "libopus") or {*stored} != {*decoded}:
        return tuple(range(stream.channels))
    return tuple(decoded.index(speaker) for speaker in stored)
