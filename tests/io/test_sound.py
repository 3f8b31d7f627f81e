import logging
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from helpers import movies

from paddle_pose.io.videos import VideoWriter, read_video


def draw(source, path, count=None):
    """Writes a video with frames (at most `count`) and sound of another one; returns its seconds."""
    writer = None
    for number, (pixels, seconds, rate) in enumerate(read_video(source)):
        if number == count:
            break
        writer = writer or VideoWriter(path, pixels.shape[1::-1], rate, source)
        writer.write(pixels, seconds)
    writer.close()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return float(stream.duration * stream.time_base)


def heard(path):
    """Returns a sound's codec, begin and duration in s, samples, and the times of its packets."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        packets = [
            float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size
        ]
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        codec = container.streams.audio[0].codec_context
    seconds = sum(frame.samples for frame in frames) / codec.sample_rate
    samples = np.concatenate([frame.to_ndarray().astype(np.float64).mean(0) for frame in frames])
    return codec.name, packets[0], seconds, samples, packets


@pytest.mark.parametrize(
    ("suffix", "picture", "sound", "expected"),
    [
        (".mp4", "libx264", "aac", "aac"),
        (".mts", "libx264", "aac", "aac"),
        (".mkv", "libx264", "libopus", "opus"),
        (".mkv", "libx264", "flac", "flac"),
        (".avi", "mpeg4", "libmp3lame", "mp3float"),
        (".avi", "mpeg4", "pcm_s16le", "aac"),
        (".mpg", "mpeg2video", "mp2", "aac"),
        (".mkv", "libx264", "ac3", "aac"),
        (".wmv", "msmpeg4", "wmav2", "aac"),
    ],
)
def test_the_sound_accompanies_the_frames(tmp_path, caplog, suffix, picture, sound, expected):
    source = tmp_path / f"a{suffix}"
    movies.encode(source, movies.noise(60, (96, 64)), picture, rate=25, sound=sound)
    seconds = draw(source, tmp_path / "b.mp4")
    codec, begin, duration, samples, packets = heard(tmp_path / "b.mp4")
    assert codec in (expected, expected.removesuffix("float"))
    assert seconds == pytest.approx(60 / 25, abs=0.05)
    assert begin == pytest.approx(0, abs=0.05)
    assert duration == pytest.approx(seconds, abs=0.08)
    assert min(after - before for before, after in pairwise(packets)) > 0
    assert np.std(samples) > 0.05 * np.abs(samples).max() > 0, "it is the tone, not silence"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_sound_that_goes_on_ends_with_the_picture(tmp_path):
    source = movies.encode(
        tmp_path / "a.mkv", movies.noise(20), rate=10, sound="aac", sound_seconds=9
    )
    assert draw(source, tmp_path / "b.mp4") == 2
    assert heard(tmp_path / "b.mp4")[2] == pytest.approx(2, abs=0.06)


@pytest.mark.parametrize("sound", ["aac", "pcm_s16le"])
def test_the_sound_of_a_run_that_was_ended_early_ends_with_its_frames(tmp_path, sound):
    source = movies.encode(tmp_path / "a.mkv", movies.noise(60), rate=10, sound=sound)
    assert draw(source, tmp_path / "b.mp4", count=15) == 1.5
    assert heard(tmp_path / "b.mp4")[2] == pytest.approx(1.5, abs=0.06)


def test_sound_and_picture_begin_together_wherever_the_clock_of_the_file_does(tmp_path):
    """A beep in the first half second of the picture is heard there; the sound begins before."""
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as output:
        picture = output.add_stream("mpeg4", rate=10)
        picture.width, picture.height = 64, 48
        picture.pix_fmt = "yuv420p"
        tone = output.add_stream("pcm_s16le", rate=48_000)
        tone.codec_context.layout = "mono"
        for n in range(20):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = n + 10, Fraction(1, 10)
            output.mux(picture.encode(frame))
        output.mux(picture.encode(None))
        loud = np.zeros(3 * 48_000, np.int16)
        loud[48_000:72_000] = np.sin(np.arange(24_000) * 0.06) * 9000
        frame = av.AudioFrame.from_ndarray(loud[None], "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(tone.encode(frame))
        output.mux(tone.encode(None))
    draw(source, tmp_path / "b.mp4")
    samples = np.abs(heard(tmp_path / "b.mp4")[3])
    first, rest = samples[2400:22_000].mean(), samples[28_000:].mean()
    assert first > 20 * rest


def test_damaged_sound_does_not_end_the_video(tmp_path, caplog):
    source = movies.encode(tmp_path / "a.mts", movies.noise(60), "mpeg2video", rate=25, sound="mp2")
    content = bytearray(source.read_bytes())
    packets = [
        start
        for start in range(0, len(content), 188)
        if content[start + 1] & 31 == 1 and content[start + 2] == 1
    ]
    for start in packets[10:14]:
        content[start + 4 : start + 188] = bytes(184)
    source.write_bytes(content)
    assert draw(source, tmp_path / "b.mp4") == pytest.approx(2.4)
    assert heard(tmp_path / "b.mp4")[2] == pytest.approx(2.4, abs=0.1), "what is missing is silent"
    assert len(caplog.records) <= 2, "of the picture and of the sound"


def test_sound_that_cannot_be_decoded_is_left_out_which_is_said(tmp_path, caplog):
    source = movies.encode(tmp_path / "a.mkv", movies.noise(5), "mpeg4", sound="pcm_s16le")
    content = source.read_bytes()
    assert content.count(b"A_PCM/INT/LIT") == 1
    source.write_bytes(content.replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT"))
    assert draw(source, tmp_path / "b.mp4") == 0.5
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    (warning,) = [record.getMessage() for record in caplog.records]
    assert str(source) in warning
