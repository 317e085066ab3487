"""Spatial metadata: put in and read back, by FFmpeg too; all else in a file as it was; damage told, never believed."""

import io
import random
import struct
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from avssl_hub.errors import AvsslError, InvalidValueError
from avssl_hub.media import (
    MediaOpenError,
    MediaWriteError,
    SpatialAudio,
    SpatialMetadata,
    SpatialMetadataError,
    SphericalVideo,
    read_sound,
    read_spatial_metadata,
    write_media,
    write_spatial_metadata,
)
from avssl_hub.media._boxes import Box, Span
from avssl_hub.media._source import View
from avssl_hub.media._unreadable import unreadable_boxes
from avssl_hub.media.spherical_write import _move_chunks


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """An mp4 whose index comes first, with four channels of sound."""
    frames = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 32, 64, 3) * 20
    sound = torch.rand(4, 48000, generator=torch.Generator().manual_seed(0)) - 0.5
    return write_media(tmp_path_factory.mktemp("spherical") / "film.mp4", frames, 10, sound, 48000)


def _packets(path):
    with av.open(str(path)) as container:
        return [(packet.stream_index, packet.pts, bytes(packet)) for packet in container.demux() if packet.size]


def _quicktime(path):
    """A mov whose index comes last, with 16-bit sound, whose sample entry has QuickTime's longer head."""
    with av.open(str(path), "w", format="mov") as output:
        picture = output.add_stream("libx264", rate=10, options={"bf": "0"})
        picture.width, picture.height, picture.pix_fmt = 64, 32, "yuv420p"
        sound = output.add_stream("pcm_s16le", rate=48000, layout="4.0")
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((32, 64, 3), 20 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(picture.encode(frame))
        samples = np.arange(4 * 24000, dtype=np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="4.0")
        frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), 0
        output.mux(sound.encode(frame))
        for stream in (picture, sound):
            output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "video",
    [
        SphericalVideo(),
        SphericalVideo(stereo="top-bottom", pose=(10.0, -20.5, 3.25), software="a & b <c>"),
        SphericalVideo(bounds=(0.25, 0.25, 0.0, 0.0), stereo="left-right"),
        SphericalVideo("cubemap", details=struct.pack(">III", 0, 0, 0)),
        SphericalVideo("ytmp", details=b"whatever it is"),
    ],
)
def test_what_is_put_in_comes_back(film, tmp_path, video):
    audio = SpatialAudio(channel_map=(0, 2, 3, 1))
    path = write_spatial_metadata(film, tmp_path / "a.mp4", video, audio)
    assert read_spatial_metadata(path) == SpatialMetadata(video, audio)
    assert read_spatial_metadata(path.read_bytes()) == read_spatial_metadata(path)


def test_boxes_are_those_of_the_specifications(film, tmp_path):
    content = write_spatial_metadata(film, tmp_path / "a.mp4", SphericalVideo(), SpatialAudio()).read_bytes()
    at = content.index(b"SA3D")
    assert content[at - 4 : at + 32] == bytes.fromhex(
        "0000002453413344" + "00" + "00" + "00000001" + "00" + "00" + "00000004" + "".join(f"{k:08x}" for k in range(4))
    )
    at = content.index(bytes.fromhex("ffcc8263f8554a938814587a02521fdd"))
    assert content[at - 4 : at] == b"uuid"
    (length,) = struct.unpack(">I", content[at - 8 : at - 4])
    xml = content[at + 16 : at - 8 + length].decode()
    for part in ("Spherical>true<", "Stitched>true<", "ProjectionType>equirectangular<"):
        assert f"GSpherical:{part}/" in xml
    assert "StereoMode" not in xml
    # The equirectangular box: header, version, and four bounds of zero.
    at = content.index(b"equi", content.index(b"sv3d"))
    assert content[at - 4 : at + 24] == bytes.fromhex("0000001c65717569" + "00" * 20)


def test_ffmpeg_sees_the_same(film, tmp_path):
    video = SphericalVideo(stereo="top-bottom", pose=(10.0, -20.5, 3.25))
    path = write_spatial_metadata(film, tmp_path / "a.mp4", video, SpatialAudio())
    with av.open(str(path)) as container:
        side = next(container.decode(video=0)).side_data
        # AVSphericalMapping: projection 0 is equirectangular; yaw, pitch, roll in 16.16. AVStereo3D: 2 is top-bottom.
        projection, *pose = struct.unpack_from("<4i", bytes(side["SPHERICAL"]))
        assert (projection, [angle / 65536 for angle in pose]) == (0, [10.0, -20.5, 3.25])
        assert struct.unpack_from("<i", bytes(side["STEREO3D"])) == (2,)


@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_pictures_and_sound_are_untouched_and_putting_in_twice_is_once(film, tmp_path, kind):
    source = film if kind == "mp4" else _quicktime(tmp_path / "film.mov")
    path = write_spatial_metadata(
        source, tmp_path / f"a.{kind}", SphericalVideo("cubemap", details=bytes(12)), SpatialAudio()
    )
    assert _packets(path) == _packets(source)
    assert torch.equal(read_sound(path)[0], read_sound(source)[0])
    once = write_spatial_metadata(source, tmp_path / f"b.{kind}", SphericalVideo(), SpatialAudio())
    write_spatial_metadata(path, path, SphericalVideo(), SpatialAudio(), overwrite=True)
    assert path.read_bytes() == once.read_bytes()
    added = once.stat().st_size - source.stat().st_size
    only_sound = write_spatial_metadata(source, tmp_path / f"c.{kind}", audio=SpatialAudio())
    assert only_sound.stat().st_size - source.stat().st_size == 36 < added
    assert read_spatial_metadata(only_sound) == SpatialMetadata(None, SpatialAudio())


def test_channels_out_of_order_do_not_end_ffmpeg(tmp_path):
    plain, named = _quicktime(tmp_path / "plain.mov"), tmp_path / "named.mov"
    audio = SpatialAudio(channel_map=(0, 2, 3, 1))
    content = write_spatial_metadata(plain, named, audio=audio).read_bytes()
    assert read_spatial_metadata(named).audio == audio
    assert torch.equal(read_sound(named)[0], read_sound(plain)[0])
    # FFmpeg reads in pieces of any size.
    at = content.index(b"SA3D")
    hidden = unreadable_boxes(io.BytesIO(content), len(content))
    for size in (1, 3, 1 << 20):
        view = View(io.BytesIO(content), len(content), hidden)
        read = b"".join(view.read(size) for _ in range(0, len(content), size))
        assert read == content[:at] + b"free" + content[at + 4 :]


def test_channels_in_order_and_what_only_looks_like_a_box_are_left_to_ffmpeg(film, tmp_path):
    in_order = write_spatial_metadata(film, tmp_path / "a.mp4", audio=SpatialAudio()).read_bytes()
    at = in_order.index(b"SA3D")
    cut = in_order[: at + 8]
    letters = in_order.replace(b"SA3D", b"free") + struct.pack(">I4s", 16, b"SA3DSA3D") + b"SA3D"
    for content in (in_order, cut, letters, b"SA3D" * 10, b"\0\0\0\x08ftyp\0\0\0\1"):
        assert unreadable_boxes(io.BytesIO(content), len(content)) == ()


def test_unknown_boxes_stay(film, tmp_path):
    content = film.read_bytes()
    extra = struct.pack(">I4s", 20, b"abcd") + b"kept as is!!"
    (tmp_path / "extra.mp4").write_bytes(content + extra + b"\1\2\3")
    path = write_spatial_metadata(tmp_path / "extra.mp4", tmp_path / "a.mp4", SphericalVideo())
    assert path.read_bytes().endswith(extra + b"\1\2\3")
    assert path.read_bytes()[: content.index(b"moov") - 4] == content[: content.index(b"moov") - 4]


def test_places_beyond_32_bits_get_wider_tables():
    def index(places):
        table = Box(b"stco", struct.pack(f">II{len(places)}I", 0, len(places), *places))
        boxes = Box(b"stbl", children=[table, Box(b"free", b"x" * 60)])
        for kind in (b"minf", b"mdia", b"trak", b"moov"):
            boxes = Box(kind, children=[boxes])
        return boxes, table

    before = [10, 500, (1 << 32) - 50]
    moov, table = index(before)
    # The index lies at bytes 100 to 180 and has grown from 80 bytes to what it is now, and by 4 a place.
    growth = len(moov.encode()) + 4 * len(before) - 80
    _move_chunks(moov, Span(b"moov", 100, 8, 180), "a")
    assert table.kind == b"co64"
    assert struct.unpack(">II3Q", table.head) == (0, 3, 10, 500 + growth, (1 << 32) - 50 + growth)
    assert len(moov.encode()) == 80 + growth
    moov, table = index([10, 500])
    _move_chunks(moov, Span(b"moov", 100, 8, 180), "a")
    assert struct.unpack(">II2I", table.head) == (0, 2, 10, 500 + len(moov.encode()) - 80)


def test_version_1_alone_is_read():
    xml = (
        b'<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        b'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"><GSpherical:Spherical>true'
        b"</GSpherical:Spherical><GSpherical:StitchingSoftware>Rig</GSpherical:StitchingSoftware>"
        b"<GSpherical:ProjectionType>Equirectangular</GSpherical:ProjectionType>"
        b"<GSpherical:StereoMode>left-right</GSpherical:StereoMode>"
        b"<GSpherical:FullPanoWidthPixels>1000</GSpherical:FullPanoWidthPixels>"
        b"<GSpherical:FullPanoHeightPixels>500</GSpherical:FullPanoHeightPixels>"
        b"<GSpherical:CroppedAreaImageWidthPixels>500</GSpherical:CroppedAreaImageWidthPixels>"
        b"<GSpherical:CroppedAreaImageHeightPixels>500</GSpherical:CroppedAreaImageHeightPixels>"
        b"<GSpherical:CroppedAreaLeftPixels>250</GSpherical:CroppedAreaLeftPixels>"
        b"<GSpherical:CroppedAreaTopPixels>0</GSpherical:CroppedAreaTopPixels></rdf:SphericalVideo>"
    )
    expected = SphericalVideo(stereo="left-right", bounds=(0.0, 0.0, 0.25, 0.25), software="Rig")
    assert read_spatial_metadata(_with_xml(xml)) == SpatialMetadata(expected)
    assert read_spatial_metadata(_with_xml(xml.replace(b">true<", b">false<"))) == SpatialMetadata()
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]>' + xml
    for bad in (bomb, xml[:-20], b"\xff\xfe\0", b""):
        found = read_spatial_metadata(_with_xml(bad))
        assert found.video is None
        assert len(found.notes) == 1


def _with_xml(xml):
    uuid = Box(b"uuid", bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + xml)
    handler = Box(b"hdlr", bytes(8) + b"vide" + bytes(12))
    track = Box(b"trak", children=[Box(b"mdia", children=[handler]), uuid])
    return Box(b"ftyp", b"isom" + bytes(4)).encode() + Box(b"moov", children=[track]).encode()


def test_other_files_have_none(corpus):
    for name in ("aac_in_mkv", "mpeg4"):
        assert read_spatial_metadata(corpus[name]).video is None
    assert "no mp4" in read_spatial_metadata(b"RIFF" + bytes(100)).notes[0]
    with pytest.raises(MediaOpenError):
        read_spatial_metadata(b"")
    with pytest.raises(SpatialMetadataError, match="another kind"):
        write_spatial_metadata(corpus["aac_in_mkv"], corpus["aac_in_mkv"].with_name("never.mp4"), SphericalVideo())


@pytest.mark.parametrize(
    ("index", "got"),
    [
        (b"", "no index"),
        (struct.pack(">I4s", 1000, b"moov"), "cut 992 bytes before its end"),
        (struct.pack(">I4sI4s", 16, b"moov", 4, b"trak"), "a box of 4 bytes"),
        (struct.pack(">I4sI4s", 16, b"moov", 99, b"trak"), "'trak' of 99 bytes in 8 of 'moov'"),
        (struct.pack(">I4sQ", 1, b"moov", 1 << 62), "cut"),
        (struct.pack(">I4sQ", 1, b"moov", 3), "a box of 3 bytes"),
    ],
)
def test_damage_is_told(index, got):
    with pytest.raises(SpatialMetadataError, match=got):
        read_spatial_metadata(Box(b"ftyp", b"isom").encode() + index)


def test_cut_and_spoilt_files_give_an_answer_or_a_typed_error(film, tmp_path):
    content = write_spatial_metadata(film, tmp_path / "a.mp4", SphericalVideo(), SpatialAudio()).read_bytes()
    end = content.index(b"mdat")
    rng = random.Random(0)
    files = [content[:cut] for cut in range(1, end, 37)]
    for _ in range(600):
        spoilt = bytearray(content[: end + 100])
        for _ in range(rng.choice((1, 1, 4, 30))):
            at = rng.randrange(end)
            spoilt[at : at + 4] = rng.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x7f\0\0\1", rng.randbytes(4))
            )
        files.append(bytes(spoilt))
    answers = 0
    for number, file in enumerate(files):
        try:
            read_spatial_metadata(file)
            answers += 1
        except SpatialMetadataError:
            pass
        if number % 5 == 0:
            (tmp_path / "in.mp4").write_bytes(file)
            with suppress(AvsslError):
                write_spatial_metadata(
                    tmp_path / "in.mp4", tmp_path / "out.mp4", SphericalVideo(), SpatialAudio(), overwrite=True
                )
    assert 100 < answers < len(files) - 100


def test_an_index_of_countless_boxes_is_refused():
    many = struct.pack(">I4s", 8, b"free") * 200_000
    file = Box(b"ftyp", b"isom").encode() + struct.pack(">I4s", len(many) + 8, b"moov") + many
    with pytest.raises(SpatialMetadataError, match="more than"):
        read_spatial_metadata(file)


def test_what_cannot_be_said_is_refused(film, corpus, tmp_path):
    with pytest.raises(InvalidValueError, match="stereo"):
        write_spatial_metadata(film, tmp_path / "a.mp4", SphericalVideo(stereo="sideways"))
    for projection, details in (("cubemap", b""), ("fisheye", b"abcd")):
        with pytest.raises(InvalidValueError, match="projection"):
            write_spatial_metadata(film, tmp_path / "a.mp4", SphericalVideo(projection, details=details))
    with pytest.raises(InvalidValueError, match="acn"):
        write_spatial_metadata(film, tmp_path / "a.mp4", audio=SpatialAudio(ordering="1"))
    with pytest.raises(InvalidValueError, match="channels"):
        write_spatial_metadata(film, tmp_path / "a.mp4", audio=SpatialAudio(order=2))
    with pytest.raises(SpatialMetadataError, match="no sound track"):
        write_spatial_metadata(corpus["picture_only"], tmp_path / "a.mp4", audio=SpatialAudio())
    with pytest.raises(MediaWriteError, match="exists already"):
        write_spatial_metadata(film, film, SphericalVideo())
    assert not list(tmp_path.iterdir())


def test_fragments_are_refused(film, tmp_path):
    path = tmp_path / "fragments.mp4"
    with (
        av.open(str(film)) as source,
        av.open(str(path), "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    with pytest.raises(SpatialMetadataError, match="fragments"):
        write_spatial_metadata(path, tmp_path / "a.mp4", SphericalVideo())
    assert read_spatial_metadata(path) == SpatialMetadata()
