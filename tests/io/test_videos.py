import logging
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers import movies

from paddle_pose.errors import InputError, MissingDependencyError
from paddle_pose.io import media, videos
from paddle_pose.io.videos import VideoWriter, read_video

# Numbers of FFmpeg's AVColorSpace.
BT601 = 5
BT709 = 1
BT2020 = 9
LIMITED, FULL = 1, 2  # AVColorRange
CODECS = {  # for each suffix an encoder of the picture and one of sound
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".mkv": ("libx264", "aac"),
    ".mts": ("libx264", "aac"),
    ".flv": ("flv1", "libmp3lame"),
    ".mpg": ("mpeg2video", "mp2"),
    ".avi": ("mpeg4", "libmp3lame"),
    ".webm": ("libvpx", "libopus"),
    ".wmv": ("msmpeg4", "mp2"),
    ".3gp": ("mpeg4", "aac"),
}


def read(path):
    """Returns the pixels, the times, the mean rate, and the error at the end or None."""
    pixels, times = [], []
    rate = None
    try:
        for image, seconds, rate in read_video(path):  # noqa: B007 - what is left of it counts
            pixels.append(image)
            times.append(seconds)
    except InputError as error:
        return pixels, times, rate, error
    return pixels, times, rate, None


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def probe(path):
    """Returns a file's video stream and its streams of sound."""
    with av.open(str(path)) as container:
        return container.streams.video[0], container.streams.audio


def test_what_is_written_is_read(tmp_path):
    path = movies.write(tmp_path / "new" / "a.mp4", count=6, rate=10)
    seen = list(read_video(path))
    assert videos.length(path) == len(seen) == 6
    assert [round(seconds, 4) for _, seconds, _ in seen] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert {rate for _, _, rate in seen} == {10.0}
    for (pixels, _, _), drawn in zip(seen, movies.frames(6), strict=True):
        assert pixels.dtype == np.uint8
        assert np.abs(pixels[:, 24:].astype(int) - drawn[:, 24:]).mean() < 3  # compressed
        assert np.abs(pixels[24, 4].astype(int) - (220, 0, 0)).max() < 6, "red is the first channel"


@pytest.mark.parametrize(("suffix", "codecs"), CODECS.items(), ids=CODECS)
def test_every_format_is_read_with_its_times(tmp_path, caplog, suffix, codecs):
    path = tmp_path / f"a{suffix}"
    size = (176, 144)  # which .3gp can have
    picture, sound = codecs
    rate = 25  # which .mpg can have
    movies.encode(path, movies.noise(12, size), picture, rate=rate, sound=sound)
    pixels, times, mean, error = read(path)
    assert (len(pixels), pixels[0].shape, error) == (12, (144, 176, 3), None)
    # FFmpeg writes an empty frame into an AVI with sound, which lasts as long as another one.
    assert times == pytest.approx(np.arange(12) / rate, abs=0.041 if suffix == ".avi" else 0.0011)
    assert mean == pytest.approx(rate, rel=0.02)
    assert videos.length(path) == pytest.approx(12, abs=2)
    assert warnings_of(caplog) == []


def test_a_gif_is_read(tmp_path):
    images = [np.full((8, 12, 3), level, np.uint8) for level in (0, 96, 255)]
    movies.encode(tmp_path / "a.gif", images, "gif", pix_fmt="rgb8")
    pixels, times, rate, error = read(tmp_path / "a.gif")
    assert (len(pixels), times, rate, error) == (3, [0, 0.1, 0.2], 10, None)
    assert [int(image.mean()) for image in pixels] == pytest.approx([0, 96, 255], abs=20)


UPRIGHT = {
    "90": lambda image: np.rot90(image, -1),
    "180": lambda image: np.rot90(image, 2),
    "270": lambda image: np.rot90(image, 1),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "mirrored 90": lambda image: image.transpose(1, 0, 2),
    "mirrored 270": lambda image: np.rot90(image, 2).transpose(1, 0, 2),
}


@pytest.mark.parametrize("turned", movies.TURNED)
def test_a_video_is_turned_and_mirrored_as_the_container_asks(tmp_path, turned):
    path = movies.encode(tmp_path / "a.mp4", movies.noise(2))
    before = read(path)[0]
    movies.turn(path, turned)
    after = read(path)[0]
    assert len(after) == 2
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(UPRIGHT[turned](one), other)


@pytest.mark.parametrize("matrix", [BT601, BT709, BT2020], ids=["601", "709", "2020"])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_colours_are_those_of_the_stated_matrix_and_range(tmp_path, matrix, colour_range, pix_fmt):
    colours = [(220, 30, 40), (20, 200, 60), (30, 50, 230), (128, 128, 128), (250, 240, 20)]
    images = [np.full((32, 32, 3), colour, np.uint8) for colour in colours]
    path = tmp_path / "a.mp4"
    numbers = (matrix, colour_range)
    options = {"crf": "1"}
    movies.encode(path, images, pix_fmt=pix_fmt, colours=numbers, options=options)
    stream, _ = probe(path)
    assert (stream.codec_context.colorspace, stream.codec_context.color_range) == numbers
    assert stream.codec_context.pix_fmt in (pix_fmt, pix_fmt.replace("yuv", "yuvj"))
    for pixels, colour in zip(read(path)[0], colours, strict=True):
        assert np.abs(pixels[8:24, 8:24].astype(int) - colour).max() <= 4


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the program ffmpeg")
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("turned", ["", "90", "180", "mirrored", "mirrored 270"])
def test_pixels_are_those_of_ffmpeg(tmp_path, pix_fmt, turned):
    path = movies.encode(tmp_path / "a.mp4", movies.noise(3), pix_fmt=pix_fmt)
    if turned:
        movies.turn(path, turned)
    pixels = np.stack(read(path)[0])
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    theirs = np.frombuffer(raw, np.uint8).reshape(pixels.shape)
    assert np.abs(pixels.astype(int) - theirs).max() <= 1


def test_interlaced_frames_are_as_they_are(tmp_path):
    images = movies.noise(6)
    path = tmp_path / "a.mts"
    movies.encode(path, images, options={"crf": "1", "x264-params": "tff=1"})
    with av.open(str(path)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    movies.encode(tmp_path / "b.mts", images, options={"crf": "1"})
    for one, other in zip(read(path)[0], read(tmp_path / "b.mts")[0], strict=True):
        assert np.abs(one.astype(int) - other).max() <= 8


CASES = (
    "interlaced_video/interlaced.mp4",
    "interlaced_video/interlaced.mpg",
    "interlaced_video/interlaced.mts",
    "long_audio/film.flv",
    "long_audio/film.mkv",
    "av1/film.mp4",
)


@pytest.mark.parametrize("name", CASES)
def test_films_of_other_programs_are_read_whole(shared, caplog, name):
    pixels, times, rate, error = read(shared / "cases" / name)
    film = read(shared / "cases/interlaced_video/progressive.mp4")[0]
    assert (len(pixels), rate, error) == (36, 5, None)
    assert times == pytest.approx(np.arange(36) / 5)
    assert warnings_of(caplog) == []
    assert len({image.tobytes() for image in pixels}) >= 16, "the person moves"
    if name.startswith("interlaced"):
        distance = [
            np.abs(one.astype(int) - other).mean() for one, other in zip(pixels, film, strict=True)
        ]
        assert max(distance) < 8, "the same film, compressed otherwise"


def test_a_variable_rate_keeps_its_times_and_has_a_mean(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=4, rate=4, times=[0, 0.1, 0.6, 0.7])
    pixels, times, rate, error = read(path)
    assert (len(pixels), error) == (4, None)
    assert times == pytest.approx([0, 0.1, 0.6, 0.7])
    assert rate == 4  # 4 frames in 1 s


def test_times_that_the_container_takes_from_the_order_of_decoding_never_go_back(tmp_path):
    path = tmp_path / "a.avi"
    options = {"x264-params": "b-adapt=0:bframes=3"}
    movies.encode(path, movies.noise(40), rate=30, options=options)
    with av.open(str(path)) as container:
        stated = [frame.pts for frame in container.decode(video=0)]
    assert stated != sorted(stated), "AVI has no times of frames"
    pixels, times, rate, error = read(path)
    assert (len(pixels), rate, error) == (40, 30, None)
    assert min(np.diff(times)) > 0
    assert times[-1] == pytest.approx(39 / 30, abs=0.1)


@pytest.mark.parametrize("suffix", [".mkv", ".flv", ".mov"])
def test_sound_may_be_longer_than_the_picture(tmp_path, caplog, suffix):
    path = tmp_path / f"a{suffix}"
    codec = "flv1" if suffix == ".flv" else "libx264"
    sound = "libmp3lame" if suffix == ".flv" else "aac"
    movies.encode(path, movies.noise(10), codec, sound=sound, sound_seconds=9)
    pixels, _, _, error = read(path)
    assert (len(pixels), error, warnings_of(caplog)) == (10, None, [])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flv", ".avi", ".webm"])
def test_a_file_that_is_cut_is_named_once_after_its_frames(tmp_path, caplog, suffix):
    path = tmp_path / f"a{suffix}"
    picture, sound = CODECS[suffix]
    images = movies.noise(120)
    options = {"movflags": "+faststart"} if suffix == ".mp4" else {}  # its table comes first
    movies.encode(path, images, picture, rate=30, sound=sound, file_options=options)
    whole = read(path)[0]
    movies.cut(path, 0.5)
    pixels, times, _, error = read(path)
    assert 30 < len(pixels) < 90
    assert max(times) < 3
    assert error is not None
    assert str(error).startswith(f"{path}: ends after {len(pixels)} frames, at ")
    assert warnings_of(caplog) == [], "it is said once"
    for one, other in zip(whole[:30], pixels, strict=False):
        assert np.array_equal(one, other)


def test_a_cut_file_without_its_table_is_refused(tmp_path):
    path = movies.encode(tmp_path / "a.mp4", movies.noise(20))
    movies.cut(path, 0.5)
    with pytest.raises(InputError, match=r"a\.mp4: "):
        next(read_video(path))
    assert videos.length(path) == 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mts", ".flv", ".mpg", ".webm", ".avi"])
def test_what_is_damaged_is_passed_over_with_one_warning(tmp_path, caplog, suffix):
    path = tmp_path / f"a{suffix}"
    images = movies.noise(150, (128, 96))
    movies.encode(path, images, CODECS[suffix][0], rate=30, options={"g": "15"})
    whole, _, _, error = read(path)
    assert (len(whole), error, warnings_of(caplog)) == (150, None, [])
    for start in (0.3, 0.5):
        movies.overwrite(path, start, path.stat().st_size // 50)
    pixels, times, _, error = read(path)
    assert error is None
    assert 100 <= len(pixels) <= 150
    # AVI has no times: frames that are lost do not count.
    assert times[-1] == pytest.approx(149 / 30, abs=0.5 if suffix == ".avi" else 0.05)
    assert min(np.diff(times)) > 0
    (warning,) = warnings_of(caplog)
    assert str(path) in warning
    assert 0.8 < float(warning.partition(" s;")[0].split()[-1]) < 2.5
    assert np.array_equal(pixels[0], whole[0])
    assert np.array_equal(pixels[-1], whole[-1])


def test_a_film_whose_end_is_damaged_is_named_once(tmp_path, caplog):
    path = movies.encode(tmp_path / "a.mp4", movies.noise(60, (128, 96)))
    with av.open(str(path)) as container:
        begins = [packet.pos for packet in container.demux(video=0) if packet.size]
    movies.overwrite(path, begins[20] / path.stat().st_size, begins[-1] - begins[20])
    pixels, _, _, error = read(path)
    assert 10 < len(pixels) < 50
    assert error is not None
    assert str(path) in str(error)
    assert warnings_of(caplog) == []


def test_frames_of_another_size_are_scaled_to_the_first_ones(tmp_path):
    for name, size in (("a", (64, 48)), ("b", (96, 48))):
        movies.encode(tmp_path / f"{name}.mts", movies.noise(5, size), "mpeg2video", rate=25)
    joined = tmp_path / "c.mts"
    joined.write_bytes((tmp_path / "a.mts").read_bytes() + (tmp_path / "b.mts").read_bytes())
    pixels, times, _, _ = read(joined)
    assert [image.shape for image in pixels] == [(48, 64, 3)] * 9, (
        "FFmpeg loses one where they meet"
    )
    assert min(np.diff(times)) > 0


def test_of_several_video_streams_the_largest_is_read(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        streams = [output.add_stream("mpeg4", rate=10) for _ in range(2)]
        for stream, (width, height) in zip(streams, [(32, 16), (64, 48)], strict=True):
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuv420p"
        for stream in streams:
            output.mux(stream.encode(av.VideoFrame(stream.width, stream.height, "yuv420p")))
            output.mux(stream.encode(None))
    assert [image.shape for image in read(path)[0]] == [(48, 64, 3)]


NAMES = ("фильм 影片.mp4", "12:30 %d.mp4", "http:b.mkv", "%03d.gif")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    codec = ("gif", "rgb8") if name.endswith("gif") else ("mpeg4", "yuv420p")
    movies.encode(
        tmp_path / f"plain{Path(name).suffix}", movies.noise(3), codec[0], pix_fmt=codec[1]
    )
    Path(f"plain{Path(name).suffix}").rename(name)
    assert len(read(Path(name))[0]) == 3
    movies.write(Path("new", Path(name).stem + ".mp4"), count=2)
    assert len(read(Path("new", Path(name).stem + ".mp4"))[0]) == 2


def test_a_title_in_another_encoding_is_no_fault(tmp_path):
    path = movies.encode(tmp_path / "a.mkv", movies.noise(2), "mpeg4")
    content = path.read_bytes()
    assert content.count(b"Lavf") >= 1
    path.write_bytes(content.replace(b"Lavf", b"L\xe9\xe8f"))
    assert len(read(path)[0]) == 2
    assert videos.length(path) == 2


def test_no_video_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.mp4: not found"):
        next(read_video(tmp_path / "a.mp4"))
    for content in (b"nothing" * 100, b"", b"Text, nicht Film.\n" * 300):
        (tmp_path / "a.mp4").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.mp4: not a video that can be decoded"):
            next(read_video(tmp_path / "a.mp4"))
        assert videos.length(tmp_path / "a.mp4") == 0


def test_sound_alone_and_the_cover_of_an_album_are_no_video(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        tone = output.add_stream("aac", rate=48_000)
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        silence.sample_rate = 48_000
        silence.pts = 0
        output.mux(tone.encode(silence))
        output.mux(tone.encode(None))
    with pytest.raises(InputError, match=r"a\.mp4: no video stream"):
        next(read_video(path))
    cover = tmp_path / "b.mp4"
    with av.open(str(cover), "w") as output:
        tone = output.add_stream("aac", rate=48_000)
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height = 16, 16
        stream.pix_fmt = "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic.value
        output.mux(stream.encode(av.VideoFrame(16, 16, "yuvj420p")))
        output.mux(stream.encode(None))
        output.mux(tone.encode(silence))
        output.mux(tone.encode(None))
    assert len(probe(cover)[1]) == 1
    with pytest.raises(InputError, match=r"b\.mp4: no video stream"):
        next(read_video(cover))
    assert videos.length(cover) == 0


def test_a_codec_that_cannot_be_decoded_is_named_with_a_way_out(tmp_path):
    path = movies.encode(tmp_path / "a.mp4", movies.noise(2))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zz99"))
    with pytest.raises(InputError, match=r"a\.mp4: .*cannot decode.*ffmpeg -i"):
        next(read_video(path))


def test_without_pyav_the_package_is_named(tmp_path, monkeypatch):
    path = movies.write(tmp_path / "a.mp4", count=1)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependencyError, match=r"pip install \"av>="):
        next(read_video(path))
    assert videos.length(path) == 0


def test_a_video_without_frames_is_named(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=0)
    with pytest.raises(InputError, match=r"a\.mp4: no "):
        next(read_video(path))


def test_an_error_of_the_system_keeps_its_class_and_names_the_file(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(PermissionError) as caught, media.errors_of(path):
        av.error.err_check(-13)
    assert caught.value.filename == str(path)


def test_a_long_video_is_read_and_written_in_flat_memory(tmp_path):
    code = """
import resource, sys
from pathlib import Path
from helpers import movies
from paddle_pose.io.videos import VideoWriter, read_video
source, drawn = Path(sys.argv[1]), Path(sys.argv[2])
writer = VideoWriter(drawn, (128, 96), 30, source)
seen = []
for count, (pixels, seconds, _) in enumerate(read_video(source)):
    writer.write(pixels, seconds)
    if count in (400, 1400):
        seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
writer.close()
print(*seen)
"""
    source = movies.encode(tmp_path / "a.mp4", movies.frames(1500, (128, 96)), rate=30, sound="aac")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, source, tmp_path / "b.mp4"],
        env=environment,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    early, late = map(int, done.stdout.split())
    unit = 1024 if sys.platform != "darwin" else 1
    assert (late - early) * 1024 / unit < 8 * 1024, "a frame has 36 KB: 1,000 would be 36 MB"
    assert len(read(tmp_path / "b.mp4")[0]) == 1500


# Writing.


def test_what_is_written_is_what_browsers_play(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=30, rate=30_000 / 1001)
    stream, sound = probe(path)
    context = stream.codec_context
    assert videos.encoder() in videos.H264_ENCODERS
    assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)  # BT.709
    assert context.color_range == LIMITED
    assert stream.average_rate == stream.base_rate == Fraction(30_000, 1001)
    assert (stream.frames, stream.start_time, len(sound)) == (30, 0, 0)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays while it is fetched"


@pytest.mark.parametrize("rate", [5, 12.5, 23.976023976, 59.94005994, 119.88011988, 0.1, 1 / 7])
def test_the_mean_rate_is_kept(tmp_path, rate):
    path = movies.write(tmp_path / "a.mp4", count=9, rate=rate)
    pixels, times, mean, _ = read(path)
    assert len(pixels) == 9
    assert times == pytest.approx(np.arange(9) / rate, rel=1e-4)
    assert mean == pytest.approx(rate, rel=1e-6)


def test_times_that_a_container_rounded_are_regular_again(tmp_path):
    times = [round(n / 30, 3) for n in range(60)]
    path = movies.write(tmp_path / "a.mp4", count=60, rate=30, times=times)
    assert probe(path)[0].average_rate == probe(path)[0].base_rate == 30


def test_a_gap_stays_a_gap_and_no_time_goes_back(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=4, rate=10, times=[0, 0.1, 2.0, 1.9])
    assert read(path)[1] == pytest.approx([0, 0.1, 2.0, 2.0], abs=0.011)


def test_an_odd_size_loses_its_last_column_and_row(tmp_path):
    path = movies.write(tmp_path / "a.mp4", size=(65, 49))
    assert {pixels.shape for pixels, _, _ in read_video(path)} == {(48, 64, 3)}


def test_a_video_is_playable_after_any_number_of_frames(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=1)
    assert len(list(read_video(path))) == 1
    assert probe(path)[0].average_rate == 10


def test_without_an_encoder_for_h264_a_video_is_mpeg_4_which_is_said_once(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(videos, "H264_ENCODERS", ("no_such_encoder",))
    videos.encoder.cache_clear()
    try:
        for name in ("a.mp4", "b.mp4"):
            movies.write(tmp_path / name, count=6, rate=30_000 / 1001)
    finally:
        monkeypatch.undo()
        videos.encoder.cache_clear()
    stream, _ = probe(tmp_path / "b.mp4")
    assert (stream.codec_context.name, stream.average_rate) == ("mpeg4", Fraction(30_000, 1001))
    (warning,) = warnings_of(caplog)
    assert "H.264" in warning
    for pixels, drawn in zip(read(tmp_path / "a.mp4")[0], movies.frames(6), strict=True):
        assert np.abs(pixels[:, 24:].astype(int) - drawn[:, 24:]).mean() < 3


def test_a_frame_of_another_size_is_refused(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", (64, 48), 10)
    with pytest.raises(InputError, match=r"a frame of \(48, 64\) px in a video of \(64, 48\) px"):
        writer.write(np.zeros((64, 48, 3), np.uint8))
    writer.close()


def test_a_video_of_no_width_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.mp4"):
        VideoWriter(tmp_path / "a.mp4", (1, 48), 10)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        VideoWriter(tmp_path / "file" / "a.mp4", (64, 48), 10)
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        VideoWriter(tmp_path / "a.mp4", (64, 48), 10)
    assert caught.value.filename == str(tmp_path / "a.mp4")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "a.mp4"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        movies.write(path, count=3)
    assert caught.value.filename == str(path)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from helpers import movies
from paddle_pose.io import atomic
from paddle_pose.io.videos import VideoWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
count = 0
try:
    with atomic.replacing(Path("a.mp4")) as draft:
        writer = VideoWriter(draft, (256, 192), 30)
        for pixels in movies.noise(120, (256, 192)):
            writer.write(pixels)
            count += 1
        writer.close()
except OSError as error:
    print(count, error.filename)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
@pytest.mark.parametrize("in_close", [False, True], ids=["while writing", "at the end"])
def test_a_file_that_cannot_grow_leaves_nothing(tmp_path, in_close):
    path = tmp_path / "whole.mp4"
    writer = VideoWriter(path, (256, 192), 30)
    for pixels in movies.noise(120, (256, 192)):
        writer.write(pixels)
    writer.close()
    limit = path.stat().st_size - 200 if in_close else 100_000
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(limit)],
        cwd=tmp_path,
        env=environment,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    count, name = done.stdout.split()
    assert name == "a.mp4"
    assert (int(count) == 120) == in_close
    assert [file.name for file in tmp_path.iterdir()] == ["whole.mp4"]


# Cameras.


def test_a_camera_that_is_not_there_is_named():
    with pytest.raises(InputError, match="camera 99 cannot be opened"):
        next(videos.read_camera(99))


class Camera:
    """Sends three frames."""

    def __init__(self, number):
        self.left, self.released = 3, False

    def isOpened(self):  # noqa: N802
        return True

    def get(self, key):
        return 0.0

    def read(self):
        self.left -= 1
        return self.left >= 0, np.zeros((4, 6, 3), np.uint8)

    def release(self):
        self.released = True


def test_a_cameras_times_are_the_clocks(monkeypatch):
    clock = iter([5.0, 5.5, 7.0])
    monkeypatch.setattr(videos.cv2, "VideoCapture", Camera)
    monkeypatch.setattr(videos.time, "monotonic", lambda: next(clock))
    stream = videos.read_camera(0)
    assert [next(stream)[1:] for _ in range(3)] == [(0, 30), (0.5, 30), (2, 30)]
    with pytest.raises(InputError, match="camera 0 sends no more images"):
        next(stream)
