import numpy as np
import pytest
from helpers import movies

from paddle_pose.io import videos
from paddle_pose.io.videos import VideoWriter, read_video


def test_what_is_written_is_read(tmp_path):
    path = movies.write(tmp_path / "new" / "a.mp4", count=6, rate=10)
    seen = list(read_video(path))
    assert videos.length(path) == len(seen) == 6
    assert [round(seconds, 4) for _, seconds, _ in seen] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert {rate for _, _, rate in seen} == {10.0}
    for (pixels, _, _), drawn in zip(seen, movies.frames(6), strict=True):
        assert pixels.dtype == np.uint8
        assert np.abs(pixels[:, 24:].astype(int) - drawn[:, 24:]).mean() < 6  # compressed
        assert pixels[24, 4, 0] > 150 > pixels[24, 4, 2], "red is the first channel"


@pytest.mark.parametrize(
    ("degrees", "shape", "red"),
    [(90, (64, 48), (4, 24)), (180, (48, 64), (24, 60)), (270, (64, 48), (60, 24))],
)
def test_a_phones_rotation_is_followed(tmp_path, degrees, shape, red):
    path = movies.write(tmp_path / "a.mp4", count=2)
    movies.turn(path, degrees)
    for pixels, _, _ in read_video(path):
        assert pixels.shape[:2] == shape
        assert pixels[red][0] > 150 > pixels[red][2]
        assert pixels[32 if shape[0] == 64 else 24, 24][2] < 150


def test_a_variable_rate_keeps_its_times_and_has_a_mean(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=4, rate=10)
    movies.set_durations(path, [1, 5, 1, 3])
    seen = list(read_video(path))
    assert [round(seconds, 4) for _, seconds, _ in seen] == [0, 0.1, 0.6, 0.7]
    assert seen[0][2] == pytest.approx(4.0)  # 4 frames in 1 s


def test_an_odd_size_loses_its_last_column_and_row(tmp_path):
    path = movies.write(tmp_path / "a.mp4", size=(65, 49))
    assert {pixels.shape for pixels, _, _ in read_video(path)} == {(48, 64, 3)}


def test_a_video_is_playable_after_any_number_of_frames(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=1)
    assert len(list(read_video(path))) == 1


def test_no_video_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.mp4: not found"):
        next(read_video(tmp_path / "a.mp4"))
    (tmp_path / "a.mp4").write_bytes(b"nothing" * 100)
    with pytest.raises(ValueError, match=r"a\.mp4: not a video that can be decoded"):
        next(read_video(tmp_path / "a.mp4"))
    assert videos.length(tmp_path / "a.mp4") == 0


def test_a_video_without_frames_is_named(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=0)
    with pytest.raises(ValueError, match=r"a\.mp4: (no frame could be read|not a video)"):
        next(read_video(path))


def test_a_video_that_ends_early_is_named_after_its_frames(tmp_path):
    path = movies.write(tmp_path / "a.mp4", count=40, size=(128, 96))
    content = bytearray(path.read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[start + (end - start) // 4 : end] = bytes(end - start - (end - start) // 4)
    path.write_bytes(content)
    seen = []
    with pytest.raises(ValueError, match=r"a\.mp4: ends after \d+ of 40 frames; is it complete\?"):
        seen.extend(iter_into(seen, read_video(path)))
    assert 5 < len(seen) < 30


def iter_into(seen, stream):
    for item in stream:
        seen.append(item)
    return []


def test_a_frame_of_another_size_is_refused(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", (64, 48), 10)
    with pytest.raises(ValueError, match=r"a frame of \(48, 64\) px in a video of \(64, 48\) px"):
        writer.write(np.zeros((64, 48, 3), np.uint8))
    writer.close()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        VideoWriter(tmp_path / "file" / "a.mp4", (64, 48), 10)


def test_a_camera_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="camera 99 cannot be opened"):
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
    with pytest.raises(ValueError, match="camera 0 sends no more images"):
        next(stream)
