from dataclasses import replace

import cv2
import numpy as np
import pytest

from paddle_pose import visualize
from paddle_pose.skeletons import COCO_17, MPII_16, Skeleton
from paddle_pose.structures import Person, Poses


@pytest.fixture
def image():
    return np.full((120, 160, 3), 90, np.uint8)


def one_person(scores):
    x, y = np.meshgrid(np.arange(4) * 30 + 30.0, np.arange(4) * 25 + 20.0)
    keypoints = np.stack([x.ravel(), y.ravel()], axis=-1)  # far apart from each other
    return Poses(keypoints[None], scores[None], np.ones(1))


def test_joints_are_drawn_at_their_position_in_the_colour_of_their_side(image):
    scores = np.zeros(16)
    for name, color in (
        ("left_wrist", visualize.LEFT),
        ("right_ankle", visualize.RIGHT),
        ("thorax", visualize.MIDDLE),
    ):
        j = MPII_16.joints.index(name)
        poses = one_person(np.where(np.arange(16) == j, 1.0, scores))
        drawing = visualize.draw_poses(image, poses, MPII_16)
        x, y = poses.keypoints[0, j].astype(int)
        assert tuple(drawing[y, x]) == color
        changed_y, changed_x = np.nonzero((drawing != image).any(axis=-1))
        assert np.hypot(changed_x - x, changed_y - y).max() < 6, "something was drawn elsewhere"


def test_small_dots_are_round(image):
    poses = one_person(np.where(np.isin(np.arange(16), (0, 15)), 1.0, 0.0))  # no limb's ends
    drawing = visualize.draw_poses(np.zeros_like(image), poses, MPII_16)
    x, y = poses.keypoints[0, 0].astype(int)
    weights = drawing[y - 6 : y + 7, x - 6 : x + 7].sum(axis=-1)
    along_y, along_x = np.mgrid[-6:7, -6:7]
    straight = np.average((along_x**4 + along_y**4) / 2, weights=weights)
    diagonal = np.average(
        ((along_x + along_y) ** 4 + (along_x - along_y) ** 4) / 8, weights=weights
    )
    assert straight / diagonal == pytest.approx(1, abs=0.1)  # 4 / 3 for a square on a corner


def test_a_limb_from_side_to_side_is_in_the_middle_and_the_mirror_pairs_name_the_sides(image):
    crab = Skeleton("crab", ("a", "b"), (("b", "a"),), (("a", "b"),), (0.1, 0.1), (1.0, 1.0))
    poses = Poses(np.array([[[30.0, 60.0], [130.0, 60.0]]]), np.ones((1, 2)), np.ones(1))
    drawing = visualize.draw_poses(image, poses, crab)
    colors = [drawing[60, x].astype(int) for x in (30, 80, 130)]
    for color, expected in zip(
        colors, (visualize.RIGHT, visualize.MIDDLE, visualize.LEFT), strict=True
    ):
        assert np.abs(color - expected).max() < 25  # the edges of a line are smooth
    assert COCO_17.side("left_hip") == "left"


def standing(height, center, score=1.0):
    """A person of COCO's joints, of that height in px, around a place."""
    left = {
        "eye": (0.03, 0.06), "ear": (0.06, 0.07), "shoulder": (0.13, 0.2), "elbow": (0.2, 0.37),
        "wrist": (0.22, 0.52), "hip": (0.08, 0.5), "knee": (0.09, 0.73), "ankle": (0.1, 0.97),
    }  # fmt: skip
    points = [(0.0, 0.08)]
    for name in COCO_17.joints[1:]:
        side, _, joint = name.partition("_")
        x, y = left[joint]
        points.append((x if side == "left" else -x, y))
    keypoints = (np.array(points) - (0, 0.5)) * height + np.array(center)
    return Poses(keypoints[None], np.full((1, 17), score), np.array([score]))


def together(*several):
    return Poses(
        np.concatenate([poses.keypoints for poses in several]),
        np.concatenate([poses.scores for poses in several]),
        np.concatenate([poses.person_scores for poses in several]),
    )


def changed(image, poses, by=0, **kind):
    """Returns where a drawing differs by more than that from the image, bool [h, w]."""
    drawing = visualize.draw_poses(image, poses, COCO_17, **kind)
    return (np.abs(drawing.astype(int) - image) > by).any(axis=-1)


def label_places(monkeypatch, image, poses, **kind):
    """Returns the (left, top, right, bottom) of every label by its text."""
    places, draw = {}, visualize._draw_label

    def seen(drawing, text, place, height, color):
        across, up = visualize._label_size(text, height)
        places[text] = (place[0], place[1] - up, place[0] + across, place[1])
        draw(drawing, text, place, height, color)

    monkeypatch.setattr(visualize, "_draw_label", seen)
    visualize.draw_poses(image, poses, COCO_17, **kind)
    return places


def test_annotated_joints_without_a_limb_are_discs():
    image = np.zeros((200, 200, 3), np.uint8)
    keypoints = np.array([(50.0, 60.0), (150.0, 60.0), (100.0, 150.0)])
    skeleton = Skeleton("own", ("a", "b", "c"), (), (("a", "b"),), (1.0,) * 3, (1.0,) * 3)

    def drawn(visible):
        person = Person(keypoints, np.array(visible), (0, 0, 200, 200), 1)
        drawing = visualize.draw_truth(image, person, skeleton)
        return [drawing[y, x].min() > 100 for x, y in ((50, 60), (100, 60), (150, 60), (100, 150))]

    assert drawn([1, 1, 1]) == [True, True, True, True]
    assert drawn([1, 0, 1]) == [True, False, False, True]
    assert drawn([1, 1, 0]) == [True, True, True, False]


@pytest.mark.parametrize(
    ("score", "shown"), [(0.1974, "0.19"), (0.1999, "0.19"), (0.2, "0.20"), (0.29, "0.29")]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_drawn_rounded_down(monkeypatch, score, shown, dtype):
    image = np.zeros((200, 100, 3), np.uint8)
    poses = replace(standing(150, (50, 110)), person_scores=np.array([score], dtype))
    assert list(label_places(monkeypatch, image, poses, scores=True)) == [shown]


def lightness(color):
    """CIELAB's L*."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255
    ]
    return 116 * np.dot(linear, (0.2126, 0.7152, 0.0722)) ** (1 / 3) - 16


def test_lines_are_as_wide_as_the_person_is_large():
    image = np.full((3840, 2880, 3), 90, np.uint8)
    drawn = {}
    for height in (20, 200, 600, 2000):
        poses = standing(height, (1440, 1920))
        x, y = poses.keypoints[0, [13, 15]].mean(axis=0).round().astype(int)  # the left shin
        reach = round(0.08 * height)
        drawn[height] = int(changed(image, poses, by=60)[y, x - reach : x + reach + 1].sum())
    assert drawn[20] <= 2
    assert drawn[20] < drawn[200] < drawn[600] < drawn[2000]
    assert 25 <= drawn[2000] <= 60, "no thread, no blob"


@pytest.mark.parametrize("size", [(192, 144), (640, 480), (2880, 3840)])
def test_the_legs_of_a_person_of_any_size_are_apart(size):
    image = np.full((*size[::-1], 3), 90, np.uint8)
    for height in (20, 40, 0.3 * size[1], 0.9 * size[1]):
        poses = standing(height, (size[0] // 2, size[1] // 2))
        seen = changed(image, poses, by=60)
        shins = poses.keypoints[0, [13, 15, 14, 16]].reshape(2, 2, 2).mean(axis=1)
        for x, y in shins.round().astype(int):
            assert seen[y, x]
        x, y = shins.mean(axis=0).round().astype(int)
        assert not seen[y, x], height


def test_the_ring_round_a_joint_is_as_wide_as_the_person_is_large():
    rings = []
    for scale in (1, 4):
        image = np.full((480 * scale, 480 * scale, 3), 90, np.uint8)
        poses = standing(400 * scale, (240 * scale, 240 * scale))
        drawing = visualize.draw_poses(image, poses, COCO_17)
        x, y = poses.keypoints[0, 9].round().astype(int)  # the left wrist: below it is nothing
        rings.append(int((drawing[y : y + 40 * scale, x] < 30).all(axis=-1).sum()))
    assert rings[0] >= 1
    assert rings[1] == pytest.approx(4 * rings[0], abs=2)


def test_people_differ_in_colour_and_their_sides_in_lightness():
    for shades in (*visualize.PERSONS, visualize.NOT_TRACKED_YET):
        assert lightness(shades["left"]) - lightness(shades["right"]) > 25
    colors = [shades[side] for shades in visualize.PERSONS for side in ("left", "right")]
    assert len(set(colors)) == len(colors) == 16
    image = np.full((480, 640, 3), 90, np.uint8)
    two = together(standing(300, (160, 240)), standing(300, (480, 240)))
    drawing = visualize.draw_poses(image, two, COCO_17, color="person")
    for person, shades in enumerate(visualize.PERSONS[:2]):
        for joint, side in ((9, "left"), (10, "right"), (0, "middle")):
            x, y = two.keypoints[person, joint].round().astype(int)
            assert tuple(drawing[y, x]) == shades[side]


def test_tracked_people_keep_their_colour_and_are_grey_before():
    image = np.full((480, 640, 3), 90, np.uint8)
    two = together(standing(300, (160, 240)), standing(300, (480, 240)))
    wrists = two.keypoints[:, 9].round().astype(int)
    for ids, expected in (
        ([3, 1], [visualize.PERSONS[2], visualize.PERSONS[0]]),
        ([1, 3], [visualize.PERSONS[0], visualize.PERSONS[2]]),
        ([-1, 9], [visualize.NOT_TRACKED_YET, visualize.PERSONS[0]]),
    ):
        poses = replace(two, ids=np.array(ids))
        drawing = visualize.draw_poses(image, poses, COCO_17, color="person")
        assert [tuple(drawing[y, x]) for x, y in wrists] == [shades["left"] for shades in expected]


def test_nothing_changes_away_from_the_people():
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    poses = replace(standing(200, (320, 280), score=0.3), ids=np.array([1]))
    rows, columns = np.nonzero(changed(image, poses, boxes=True, scores=True, color="person"))
    assert rows.min() > 280 - 100 - 40
    assert rows.max() < 280 + 100 + 30
    assert columns.min() > 320 - 44 - 40
    assert columns.max() < 320 + 44 + 40


def test_low_scores_are_fainter():
    image = np.full((480, 640, 3), 90, np.uint8)
    changes = [
        np.abs(
            visualize.draw_poses(image, standing(300, (320, 240), score), COCO_17).astype(int)
            - image
        ).sum()
        for score in (0.19, 0.21, 0.3, 0.4, 0.5, 0.9)
    ]
    assert changes[0] == 0 < changes[1] < changes[2] < changes[3] < changes[4] == changes[5]


@pytest.mark.parametrize("size", [(192, 144), (640, 480), (2880, 3840)])
def test_ids_stand_above_the_heads_inside_the_image_apart_from_each_other(monkeypatch, size):
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    middle = standing(height / 3, (width / 2, height * 0.6))
    places = label_places(monkeypatch, image, replace(middle, ids=np.array([5])), scores=True)
    assert list(places) == ["#5  1.00"]
    left, _, right, bottom = places["#5  1.00"]
    eyes = middle.keypoints[0, 1:3]
    assert bottom < eyes[:, 1].min()
    assert left < eyes[:, 0].min() < eyes[:, 0].max() < right

    corners = [(x, y) for x in (0, width) for y in (0, height)]
    crowd = together(*[standing(height / 3, place) for place in (*corners, *corners)])
    places = label_places(monkeypatch, image, replace(crowd, ids=np.arange(1, 9)))
    assert len(places) == 8
    for n, (left, top, right, bottom) in enumerate(places.values()):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert bottom - top >= 8, "legible"
        for other in list(places.values())[:n]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_labels_are_written_where_there_are_any(monkeypatch, image):
    two = together(standing(80, (50, 60)), standing(80, (120, 60), score=0.1))
    assert label_places(monkeypatch, image, two) == {}
    tracked = replace(two, ids=np.array([7, 8]))
    assert list(label_places(monkeypatch, image, tracked)) == ["#7"], (
        "nothing is drawn of the other one"
    )
    assert list(label_places(monkeypatch, image, tracked, boxes=True)) == ["#7", "#8"]
    new = replace(two, ids=np.array([-1, -1]))
    assert label_places(monkeypatch, image, new) == {}
    assert list(label_places(monkeypatch, image, new, scores=True)) == ["1.00"]


def test_boxes_are_drawn_at_their_place_else_around_the_joints(image):
    poses = replace(standing(60, (80, 60)), boxes=np.array([[20.0, 10.0, 100.0, 90.0]]))
    at = changed(image, poses, boxes=True)
    assert at[10, 20:121].all()
    assert at[10:101, 20].all()
    assert not changed(image, poses)[10, 20:121].any()
    rows, columns = np.nonzero(changed(image, standing(60, (80, 60)), boxes=True))
    assert rows.max() > 60 + 30
    assert columns.min() < 80 - 14


def test_names_are_written_apart_from_each_other(monkeypatch):
    places, image = [], np.full((240, 320, 3), 90, np.uint8)
    monkeypatch.setattr(
        visualize,
        "caption",
        lambda pixels, text, place, height: places.append((*place, text, height)),
    )
    visualize.draw_poses(image, standing(80, (280, 60)), COCO_17, names=True)
    assert {text for _, _, text, _ in places} == set(COCO_17.joints)
    for n, (x, y, text, height) in enumerate(places):
        assert 0 <= x < 320 - visualize._text_masks(text, height)[1].shape[1]
        assert height <= y <= 240
        for left, line, other, _ in places[:n]:
            widths = [visualize._text_masks(name, height)[1].shape[1] for name in (text, other)]
            assert abs(y - line) > height or not -widths[0] < x - left < widths[1]


def test_text_fades_into_the_edge_of_the_image():
    pixels = np.full((20, 30, 3), 90, np.uint8)
    visualize.caption(pixels, "left_shoulder", (-20, 3))
    visualize.caption(pixels, "left_shoulder", (25, 30), 12, (255, 0, 0))
    visualize.caption(pixels, "away", (200, 200))
    assert (pixels != 90).any()
    assert (pixels[8:16] == 90).all()


def test_keypoints_far_outside_the_image_are_no_problem(image):
    poses = standing(60, (80, 60))
    poses.keypoints[0, 15] = (1e30, np.inf)
    poses.keypoints[0, 16] = (-4e6, 8e6)
    drawing = visualize.draw_poses(image, poses, COCO_17, boxes=True, names=True)
    assert (drawing != image).any()


def test_limb_is_drawn_only_with_both_joints(image):
    ankle, knee = (MPII_16.joints.index(name) for name in ("right_ankle", "right_knee"))
    scores = np.zeros(16)
    scores[[ankle, knee]] = 1.0
    poses = one_person(scores)
    x, y = poses.keypoints[0, [ankle, knee]].mean(axis=0).astype(int)
    drawn = visualize.draw_poses(image, poses, MPII_16)[y, x].astype(int)
    assert np.abs(drawn - visualize.RIGHT).max() < 25  # its edges are smooth
    scores[knee] = 0.1
    assert tuple(visualize.draw_poses(image, poses, MPII_16)[y, x]) == (90, 90, 90)


def test_input_image_is_unchanged_and_uncertain_or_missing_joints_are_not_drawn(image):
    before = image.copy()
    poses = one_person(np.full(16, 0.19))
    poses.keypoints[0, 3] = np.nan
    assert np.array_equal(visualize.draw_poses(image, poses, MPII_16), before)
    assert not np.array_equal(
        visualize.draw_poses(image, poses, MPII_16, threshold=0.1, names=True), before
    )
    assert np.array_equal(image, before)


def test_heatmaps_are_drawn_over_the_crop_in_the_order_of_joints(image):
    heatmaps = np.zeros((16, 30, 40), np.float32)
    heatmaps[5, 20, 30] = 1.0
    tiles = visualize.draw_heatmaps(image, heatmaps, MPII_16)
    height = tiles.shape[0] // 4
    band = height - 120  # of the caption, above the map
    assert tiles.shape == (4 * height, 4 * 160, 3)
    assert band >= visualize.MIN_TEXT
    assert tiles.dtype == np.uint8

    def tile(j):
        return tiles[j // 4 * height + band :, j % 4 * 160 :][:120, :160].astype(int)

    hottest = np.abs(tile(5) - tile(6)).sum(axis=-1)
    y, x = np.unravel_index(hottest.argmax(), hottest.shape)
    assert abs(x - 122) <= 4
    assert abs(y - 82) <= 4


def test_last_row_of_a_grid_is_filled_with_black():
    tiles = [np.full((2, 3, 3), n + 1, np.uint8) for n in range(5)]
    grid = visualize.grid(tiles, columns=4)
    assert grid.shape == (4, 12, 3)
    assert grid[0, ::3, 0].tolist() == [1, 2, 3, 4]
    assert grid[2, ::3, 0].tolist() == [5, 0, 0, 0]


def test_a_jpeg_for_a_notebook_holds_the_image(image):
    image = image.copy()
    image[16:48, 16:48] = (255, 0, 0)
    content = np.frombuffer(visualize.jpeg(image), np.uint8)
    read = cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]
    assert read.shape == image.shape
    assert np.abs(read.astype(int) - image).mean() < 2
    assert np.abs(read[24:40, 24:40].astype(int) - (255, 0, 0)).max() < 8
    assert len(visualize.jpeg(image, quality=30)) < len(content)
