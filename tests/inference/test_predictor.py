"""Predictor: windows, batches and their order."""

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.inference.predictor import Predictor

CODEC = HeatmapCodec(input_size=(64, 96))


class Brightest:
    """A backend whose maps are the image at a low resolution: joints are at the brightest spot."""

    def __init__(self):
        self.sizes = []

    def __call__(self, images):
        self.sizes.append(len(images))
        cells = images[:, ::4, ::4, 0].astype(float) / 255  # the first pixel of each cell
        return {"heatmaps": np.repeat(cells[:, None, None], 16, axis=2)}


def image(*points):
    """Returns a black image with a bright spot at each point."""
    y, x = np.mgrid[:240, :320]
    light = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / 200) for px, py in points)
    return np.repeat((255 * np.minimum(light, 1)).astype(np.uint8)[..., None], 3, axis=2)


def test_poses_are_in_image_px_and_in_the_order_of_the_boxes():
    points = [(60.0, 50.0), (250.0, 170.0), (100.0, 200.0)]
    boxes = [(x - 25, y - 30, 50.0, 60.0) for x, y in points]
    backend = Brightest()
    poses = Predictor(backend, CODEC, batch_size=2)(image(*points), boxes)
    assert backend.sizes == [2, 1]
    assert poses.keypoints.shape == (3, 16, 2)
    assert poses.boxes.tolist() == [list(box) for box in boxes]
    for found, point in zip(poses.keypoints, points, strict=True):
        assert np.abs(found - point).max() < 4  # a cell is 4 x 75 / 96 px
    assert (poses.scores > 0.9).all()
    assert poses.person_scores.shape == (3,)


def test_every_window_is_passed_on_with_its_own_maps():
    points = [(60.0, 50.0), (250.0, 170.0), (100.0, 200.0)]
    received = []
    boxes = [(x - 25, y - 30, 50.0, 60.0) for x, y in points]
    Predictor(Brightest(), CODEC, batch_size=2)(image(*points), boxes, received.append)
    assert [crop.shape for crop, _ in received] == [(96, 64, 3)] * 3
    for crop, maps in received:
        shown = CODEC.visualize(maps)
        assert tuple(shown) == CODEC.skeleton.joints
        assert all(np.array_equal(cells, crop[::4, ::4, 0] / 255) for cells in shown.values())


def test_the_batch_size_does_not_change_the_poses():
    points = [(60.0, 50.0), (250.0, 170.0), (100.0, 200.0)]
    boxes = [(x - 30, y - 20, 50.0, 60.0) for x, y in points]
    one, all_ = (
        Predictor(Brightest(), CODEC, batch_size=n)(image(*points), boxes) for n in (1, 16)
    )
    for name in ("keypoints", "scores", "person_scores", "boxes"):
        assert np.array_equal(getattr(one, name), getattr(all_, name))


def test_without_boxes_the_window_is_the_whole_image_and_the_box_is_inside_it():
    poses = Predictor(Brightest(), CODEC)(image((310.0, 120.0)))
    # The image is 320 px wide, the map 16 cells.
    assert np.abs(poses.keypoints - [310, 120]).max() < 15
    assert poses.windows.tolist() == [[0, -120, 320, 480]]
    (x, y, width, height), joints = poses.boxes[0], poses.keypoints[0]
    assert (joints >= (x, y)).all()
    assert (joints <= (x + width, y + height)).all()
    assert x >= 0
    assert y >= 0
    assert x + width <= 320
    assert y + height <= 240


def test_windows_of_several_images_are_predicted_together_and_keep_their_order():
    points = [(60.0, 50.0), (250.0, 170.0), (100.0, 200.0)]
    box = {point: (point[0] - 25, point[1] - 30, 50.0, 60.0) for point in points}
    images = {
        "none": (image(points[0]), []),
        "two": (image(*points[:2]), [box[points[0]], box[points[1]]]),
        "whole": (image(points[2]), None),
        "none again": (image(points[0]), []),
        "one": (image(points[2]), [box[points[2]]]),
    }
    backend = Brightest()
    received = []
    predictor = Predictor(backend, CODEC, batch_size=3)
    labelled = ((name, *arguments) for name, arguments in images.items())
    found = list(predictor.stream(labelled, lambda name, maps: received.append(name)))
    assert backend.sizes == [3, 1]
    assert [name for name, _ in found] == list(images)
    assert received == ["two", "two", "whole", "one"]
    for name, poses in found:
        alone = Predictor(Brightest(), CODEC)(*images[name])
        assert np.array_equal(poses.keypoints, alone.keypoints)
        assert np.array_equal(poses.boxes, alone.boxes)


@pytest.mark.parametrize("boxes", [None, [], [(0, 0, 9, 9)] * 5])
def test_no_more_images_are_read_than_are_predicted_together(boxes):
    read = []

    def images():
        for n in range(20):
            read.append(n)
            yield n, image((5, 5)), boxes

    for n, _ in Predictor(Brightest(), CODEC).stream(images(), batch_size=4):
        assert len(read) - n <= 4


def test_with_a_batch_of_one_no_image_waits_for_another():
    read = []

    def images():
        for n in range(3):
            read.append(n)
            yield n, image((5, 5)), None

    results = Predictor(Brightest(), CODEC).stream(images(), batch_size=1)
    assert [len(read) for _ in results] == [1, 2, 3]


def test_a_batch_size_of_0_is_refused():
    with pytest.raises(ValueError, match="batch_size 0: expected at least 1"):
        next(Predictor(Brightest(), CODEC).stream([], batch_size=0))


def test_a_whole_image_can_be_stretched():
    received = []
    for fit in ("letterbox", "stretch"):
        predictor = Predictor(Brightest(), CODEC, fit=fit)
        predictor(np.full((40, 80, 3), 200, np.uint8), None, received.append)
    letterbox, stretch = (crop[:, 32, 0] for crop, _ in received)
    assert letterbox[[10, 85]].tolist() == [0, 0]
    assert (stretch[2:-2] == 200).all()


def test_without_boxes_in_the_list_there_are_no_poses():
    backend = Brightest()
    poses = Predictor(backend, CODEC)(image((5, 5)), [])
    assert (poses.keypoints.shape, poses.scores.shape) == ((0, 16, 2), (0, 16))
    assert (poses.person_scores.shape, poses.boxes.shape) == ((0,), (0, 4))
    assert backend.sizes == []


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))]
)
def test_other_arrays_are_refused(image):
    with pytest.raises(ValueError, match=r"expected uint8 \[h, w, 3\], got"):
        Predictor(Brightest(), CODEC)(image)


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (0, 0, float("nan"), 5)])
def test_an_empty_box_is_refused(box):
    with pytest.raises(ValueError, match="positive width and height"):
        Predictor(Brightest(), CODEC)(image((5, 5)), [(1, 1, 5, 5), box])


class OnePerson:
    """A MultiPose whose person stands at the middle of the input, in a box of half its size."""

    def __init__(self):
        self.shapes = []

    def __call__(self, images):
        self.shapes.append(images.shape[:3])
        count, height, width = (images.shape[0], images.shape[1] // 4, images.shape[2] // 4)
        maps = {
            name: np.zeros((count, channels, height, width), np.float32)
            for name, channels in zip(MultiPoseCodec().outputs, (1, 17, 34, 34, 2, 2), strict=True)
        }
        maps["centers"][:, :, height // 2, width // 2] = 0.9
        maps["heatmaps"][:, :, height // 2, width // 2] = 1
        maps["box_sizes"] += np.float32([width / 2, height / 2])[:, None, None]
        return maps


def test_images_of_equal_input_size_are_predicted_together_and_keep_their_order():
    backend = OnePerson()
    sizes = [(640, 480), (480, 640), (320, 240), (200, 200)]
    images = [(number, np.zeros((h, w, 3), np.uint8), None) for number, (w, h) in enumerate(sizes)]
    found = list(Predictor(backend, MultiPoseCodec(), context=1.0).stream(images, batch_size=4))
    assert backend.shapes == [(2, 192, 256), (1, 256, 192), (1, 256, 256)]
    assert [label for label, _ in found] == [0, 1, 2, 3]
    for (_, poses), size in zip(found, sizes, strict=True):
        assert poses.keypoints.shape == (1, 17, 2)
        assert np.allclose(poses.keypoints, np.array(size) / 2)


def test_boxes_of_the_network_are_kept_and_clipped_to_the_image():
    image = np.zeros((482, 640, 3), np.uint8)  # 30 px of the input lie below the image
    poses = Predictor(OnePerson(), MultiPoseCodec(), context=1.0)(image)
    assert np.allclose(poses.boxes, [[160, 140, 320, 280]])
    tall = np.zeros((16, 640, 3), np.uint8)
    poses = Predictor(OnePerson(), MultiPoseCodec(), context=1.0)(tall)
    assert np.allclose(poses.boxes, [[160, 16, 320, 0]])
