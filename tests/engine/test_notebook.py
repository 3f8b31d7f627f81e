"""Images in rows and tables for notebooks."""

import io

import numpy as np
import PIL.Image
import pytest

from paddle_pose.engine.notebook import ImageGrid, Table
from paddle_pose.errors import InputError
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses


def flat(width: int, height: int, grey: int = 90) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


def result(width: int = 200, height: int = 100) -> PoseResult:
    keypoints = np.random.default_rng(0).uniform(20, 80, (1, 17, 2))
    poses = Poses(
        keypoints,
        np.ones((1, 17)),
        np.ones(1),
        boxes=np.array([[20.0, 20.0, 60.0, 60.0]]),
        windows=np.array([[-10.0, 10.0, 110.0, 80.0]]),
    )
    return PoseResult(flat(width, height), COCO_17, poses)


def test_images_of_all_kinds_get_one_width(tmp_path):
    PIL.Image.fromarray(flat(300, 200, 200)).save(tmp_path / "photo.png")
    images = [flat(100, 50), PIL.Image.fromarray(flat(400, 100)), tmp_path / "photo.png", result()]
    grid = ImageGrid(images, columns=2, width=406)
    assert grid.pixels.shape == (100 + 6 + 133, 406, 3)
    assert (grid.pixels[0, :200] == 90).all()
    assert (grid.pixels[0, 206:] == 255).all(), "a low image is in the middle of its row"
    assert (grid.pixels[50, 206:] == 90).all()
    assert (grid.pixels[106, :200] == 200).all()
    read = PIL.Image.open(io.BytesIO(grid._repr_jpeg_()))
    assert (read.format, read.size) == ("JPEG", (406, 239))


def test_people_are_drawn_in_the_final_size():
    small = np.asarray(result().draw(width=50))
    assert small.shape == (25, 50, 3)
    large = np.asarray(result().draw(width=800))
    wrist = (result().keypoints[0, 9] + 0.5) * 4 - 0.5
    x, y = wrist.round().astype(int)
    assert large.shape == (400, 800, 3)
    assert (large[y, x] != 90).any()
    drawn = ImageGrid([result()], columns=1, width=800)
    assert drawn.pixels.shape == (200, 400, 3), "twice the size of the image at most"
    assert np.array_equal(drawn.pixels, np.asarray(result().draw(width=400)))


def test_windows_are_outlined_inside_the_image():
    plain, outlined = (np.asarray(result().draw(windows=shown)) for shown in (False, True))
    rows, columns = np.nonzero((plain != outlined).any(axis=-1))
    assert columns.min() == 0
    edge = outlined[50:85, 100].min(axis=1)  # (-10 + 110, where no person covers it)
    assert (edge > 200).any()
    assert rows.min() >= 6


@pytest.mark.parametrize("width", [0, -3, 2.5, True])
def test_a_width_that_is_no_positive_whole_number_is_an_error(width):
    with pytest.raises(InputError, match="width"):
        result().draw(width=width)


def test_captions_stand_above_the_images():
    plain = ImageGrid([flat(100, 50)] * 2, columns=2, width=206)
    titled = ImageGrid([flat(100, 50)] * 2, columns=2, width=206, captions=["one", ""])
    band = titled.pixels.shape[0] - plain.pixels.shape[0]
    assert band >= 16
    assert np.array_equal(titled.pixels[band:], plain.pixels)
    assert (titled.pixels[:band, :100] < 128).any()
    assert (titled.pixels[:band, 106:] == 255).all()


def test_a_long_caption_ends_with_its_image():
    titled = ImageGrid([flat(100, 50)] * 2, width=206, captions=["left_shoulder " * 9, ""])
    assert (titled.pixels[:16, :100] < 128).any()
    assert (titled.pixels[:16, 100:] == 255).all()


def test_a_very_high_image_is_made_smaller():
    grid = ImageGrid([flat(100, 1000), flat(100, 100)], columns=2, width=206)
    assert grid.pixels.shape == (200, 206, 3)
    assert (grid.pixels[100, :100] == 90).all(axis=-1).sum() == 20


@pytest.mark.parametrize(
    ("images", "captions"), [([], ()), ([flat(4, 4)], ["a", "b"])], ids=["none", "captions"]
)
def test_no_image_or_other_captions_are_an_error(images, captions):
    with pytest.raises(InputError):
        ImageGrid(images, captions=captions)


def test_a_table_has_the_columns_of_all_rows():
    table = Table([{"input": 256, "Mean": np.float32(88.512)}, {"input": 384, "whose": "a|b"}])
    assert str(table).splitlines() == [
        "| input | Mean | whose |",
        "|---:|---:|---|",
        "| 256 | 88.51 |  |",
        "| 384 |  | a\\|b |",
    ]
    assert table._repr_markdown_() == str(table)


def test_columns_and_digits_of_a_table_can_be_chosen():
    table = Table([{"a": 1.0, "b": True, "c": "x"}], columns=["b", "a"], digits=3)
    assert str(table).splitlines() == ["| b | a |", "|---|---:|", "| True | 1.000 |"]
    assert str(Table([], columns=["a"])) == "| a |\n|---|"
