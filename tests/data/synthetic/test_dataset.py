"""Synthetic people: exact joints, correct left and right, and the published layouts."""

import json
from itertools import pairwise, permutations
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from paddle_pose.data.synthetic import dataset as synthetic
from paddle_pose.data.synthetic.body import Appearance, Style, sample_appearance, sample_body
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii
from paddle_pose.data.synthetic.figure import Figure, fill, hull, person_parts
from paddle_pose.data.synthetic.scene import COCO_NAMES, MPII_NAMES, draw_scene, head_box
from paddle_pose.errors import InputError

UPRIGHT = Style(back_view=0, profile=0, tumble=0, roll=0, lean=0, cut=0, occluder=0)
SIZE = (96, 80)


def scenes(count, size=(128, 128), persons=(1, 1), style=Style(), seed=0):  # noqa: B008
    rngs = [np.random.default_rng((seed, index)) for index in range(count)]
    return [draw_scene(rng, size, persons, style) for rng in rngs]


def people(*args, **kwargs):
    return [person for scene in scenes(*args, **kwargs) for person in scene.persons]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def labels(folder: Path, name: str):
    return json.loads((folder / "annotations" / name).read_text())


# Joints


def test_filled_circle_is_centred_on_its_point():
    for center in ((20.0, 30.0), (20.25, 30.75), (33.5, 18.5)):
        image = np.zeros((64, 64, 3), np.uint8)
        fill(image, hull(np.array([center]), 7.0), np.full(3, 255.0))
        mass = image[..., 0] / 255.0
        y, x = np.mgrid[:64, :64]
        middle = (mass * x).sum() / mass.sum(), (mass * y).sum() / mass.sum()
        np.testing.assert_allclose(middle, center, atol=0.08)


def plain_appearance(color: float, **changes) -> Appearance:
    """Returns an appearance in one grey level, except for the given changes."""
    grey = np.full(3, color)
    sides = {"l": grey, "r": grey}
    values = dict.fromkeys(("skin", "hair", "shirt", "accent"), grey)
    values |= dict.fromkeys(("sleeves", "trousers", "shoes"), sides)
    values |= {"sleeve_length": 2.0, "trouser_length": 2.0, "light": np.zeros(2)}
    return Appearance(**(values | changes))


@pytest.mark.parametrize("limb", ["sleeves", "trousers"])
@pytest.mark.parametrize(("side", "other"), [("l", "r"), ("r", "l")])
def test_limb_is_drawn_at_its_joints(limb, side, other):
    """Changing the colour of one limb changes pixels along its joints, and none far from them."""
    arm, leg = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
    joints = arm if limb == "sleeves" else leg
    style = Style(back_view=0.5, profile=0, roll=20)
    hits = []
    for seed in range(12):
        body = sample_body(np.random.default_rng(seed), style)
        images = []
        for bright in (0.0, 200.0):
            colors = {side: np.full(3, bright), other: np.zeros(3)}
            appearance = plain_appearance(0.0, **{limb: colors})
            figure = Figure(body, appearance, np.array([150.0, 150.0]), 220.0)
            names = {f"{side}_{joint}" for joint in joints}
            image = np.zeros((300, 300, 3), np.uint8)
            for part in person_parts(figure):
                if part.joints <= names | {"pelvis"}:  # only this limb, so that nothing hides it
                    for layer in part.layers:
                        fill(image, layer.polygon, layer.color)
            images.append(image)
        changed = np.abs(images[1].astype(int) - images[0]).max(axis=2) > 50
        along = [figure.at(f"{side}_{joint}")[0] for joint in joints]
        along += [(along[0] + along[1]) / 2, (along[1] + along[2]) / 2]
        hits += [changed[round(float(y)), round(float(x))] for x, y in along[:2] + along[3:]]
        reach = 2 * max(np.linalg.norm(along[0] - along[1]), np.linalg.norm(along[1] - along[2]))
        ys, xs = np.nonzero(changed)
        assert np.hypot(xs - along[1][0], ys - along[1][1]).max() < reach + 20
    assert np.mean(hits) > 0.95


def test_left_is_on_the_right_in_the_image_except_in_back_views():
    left, right = MPII_NAMES.index("l_shoulder"), MPII_NAMES.index("r_shoulder")
    for back_view, sign in ((0, 1), (1, -1)):
        style = Style(back_view=back_view, profile=0.3, tumble=0, lean=0, roll=0)
        for person in people(20, style=style):
            assert sign * (person.mpii[left, 0] - person.mpii[right, 0]) > 0


def test_faces_are_labelled_only_if_they_face_the_viewer():
    nose, eyes = COCO_NAMES.index("nose"), [COCO_NAMES.index(f"{side}_eye") for side in "lr"]
    facing = people(30, style=Style(back_view=0, profile=0, turn=10, cut=0, tumble=0))
    turned = people(60, style=Style(back_view=1, profile=0, turn=10, cut=0, tumble=0), seed=1)
    assert np.mean([person.coco_visible[nose] > 0 for person in facing]) > 0.95
    hidden = [person for person in turned if person.coco_visible[nose] == 0]
    assert len(hidden) > 0.95 * len(turned)
    assert all((person.coco_visible[eyes] > 0).sum() <= 1 for person in hidden)


def test_common_joints_are_equal_in_both_layouts():
    for person in people(10):
        for name in set(MPII_NAMES) & set(COCO_NAMES):
            mpii, coco = MPII_NAMES.index(name), COCO_NAMES.index(name)
            np.testing.assert_array_equal(person.mpii[mpii], person.coco[coco])
            assert person.mpii_visible[mpii] == person.coco_visible[coco]


# People in the image


def test_people_are_cut_off_only_on_request():
    for person in people(20, persons=(1, 4), size=(256, 128), style=Style(cut=0)):
        assert (person.mpii_visible > 0).all()
    cut = people(40, style=Style(cut=1))
    missing = [(person.mpii_visible == 0).sum() for person in cut]
    assert np.mean(np.array(missing) > 0) > 0.5
    assert max(missing) < 12


@pytest.mark.parametrize("size", [(128, 128), (200, 96)])
def test_boxes_contain_the_labelled_joints_and_are_inside_the_image(size):
    for person in people(16, size=size, persons=(1, 3), style=Style(cut=0.3)):
        x, y, width, height = person.box
        assert x >= 0
        assert y >= 0
        assert x + width <= size[0] - 1 + 1e-3
        assert y + height <= size[1] - 1 + 1e-3
        inside = person.mpii[person.mpii_visible > 0] - (x, y)
        assert (inside >= 0).all()
        assert (inside <= np.array([width, height]) + 1e-3).all()
        assert 0 < person.area <= (width + 2) * (height + 2)


def test_people_of_a_group_do_not_overlap_by_default():
    for scene in scenes(12, size=(256, 128), persons=(3, 3), style=Style(cut=0)):
        edges = [(person.box[0], person.box[0] + person.box[2]) for person in scene.persons]
        assert edges[0][1] <= edges[1][0] + 1
        assert edges[1][1] <= edges[2][0] + 1
    counts = {len(scene.persons) for scene in scenes(20, persons=(1, 4))}
    assert counts == {1, 2, 3, 4}


def count_hidden_by_others(scene) -> int:
    """Returns the number of hidden joints that are inside another person's box."""
    count = 0
    for person, other in permutations(scene.persons, 2):
        low, size = np.array(other.box[:2]), np.array(other.box[2:])
        inside = ((person.mpii >= low) & (person.mpii <= low + size)).all(axis=1)
        count += int((inside & (person.mpii_visible == 1)).sum())
    return count


def test_overlapping_people_are_in_the_image_and_hide_each_other():
    apart, close = (
        scenes(24, size=(256, 192), persons=(2, 4), style=Style(cut=0, occluder=0, overlap=overlap))
        for overlap in (0.0, 0.4)
    )
    touching = []
    for scene in close:
        assert 2 <= len(scene.persons) <= 4
        edges = [(person.box[0], person.box[0] + person.box[2]) for person in scene.persons]
        column = 256 / len(edges)
        for (_, right), (left, _) in pairwise(edges):
            assert right - left <= 0.4 * column + 1
            touching.append(right > left)
        for person in scene.persons:
            assert (person.mpii_visible > 0).all()
    assert 0.2 < np.mean(touching) < 0.95
    assert [len(scene.persons) for scene in close] == [len(scene.persons) for scene in apart]
    assert sum(map(count_hidden_by_others, apart)) == 0
    assert sum(map(count_hidden_by_others, close)) > 10


def test_occluders_only_hide_joints():
    clear = people(40, style=Style(occluder=0))
    behind = people(40, style=Style(occluder=1))
    newly = 0
    for before, after in zip(clear, behind, strict=True):
        np.testing.assert_array_equal(before.mpii, after.mpii)
        np.testing.assert_array_equal(before.mpii_visible > 0, after.mpii_visible > 0)
        assert (after.mpii_visible <= before.mpii_visible).all()
        newly += int((after.mpii_visible < before.mpii_visible).any())
    assert newly > 20


def test_joint_behind_its_own_body_is_hidden_but_labelled():
    """From the side, hips and wrists are sometimes behind the torso; the head top is not."""
    style = Style(profile=1, back_view=0, cut=0, occluder=0, tumble=0, lean=0)
    flags = np.array([person.mpii_visible for person in people(60, style=style)])
    assert (flags > 0).all()
    hidden = (flags == 1).mean(axis=0)
    ends = [MPII_NAMES.index(f"{side}_{name}") for side in "lr" for name in ("hip", "wrist")]
    assert 0.02 < hidden[ends].mean() < 0.6
    assert hidden[MPII_NAMES.index("head_top")] < 0.1


def test_head_boxes_have_the_ratio_of_mpii():
    for person in people(40, style=Style(tumble=0.5)):
        neck, top = person.mpii[MPII_NAMES.index("neck")], person.mpii[MPII_NAMES.index("head_top")]
        x1, y1, x2, y2 = person.head_box
        size = 0.6 * np.hypot(x2 - x1, y2 - y1)
        np.testing.assert_allclose(size, 0.75 * np.linalg.norm(top - neck), rtol=1e-9)
        for x, y in (neck, top):
            assert x1 - 0.2 * size <= x <= x2 + 0.2 * size
            assert y1 - 0.2 * size <= y <= y2 + 0.2 * size


def test_head_box_of_an_upright_head():
    assert head_box(np.array([10.0, 40.0]), np.array([10.0, 0.0])) == (-5.0, 0.0, 25.0, 40.0)


def test_head_of_a_standing_person_is_a_sixth_of_the_height():
    shares = []
    for seed in range(200):
        body = sample_body(np.random.default_rng(seed), UPRIGHT)
        if body.legs == "standing":
            feet = max(body.points["l_ankle"][1], body.points["r_ankle"][1])
            shares.append(body.head_length / (feet - body.points["head_top"][1]))
    assert 0.15 < np.mean(shares) < 0.21


@pytest.mark.parametrize("odd_sides", [0.35, 1.0])
@pytest.mark.parametrize("garment", ["sleeves", "trousers", "shoes"])
def test_colours_are_independent_of_the_side(garment, odd_sides):
    rng = np.random.default_rng(0)
    style = Style(odd_sides=odd_sides)
    background_color = np.full(3, 128.0)
    garments = [
        getattr(sample_appearance(rng, style, background_color), garment) for _ in range(600)
    ]
    left, right = (np.array([colors[side].mean() for colors in garments]) for side in "lr")
    difference = left - right
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(garments))
    assert abs(left.std() - right.std()) < 0.15 * left.std()
    if odd_sides == 1.0:
        assert abs(np.corrcoef(left, right)[0, 1]) < 0.2  # both contrast with the background


def test_all_poses_of_legs_occur():
    legs = {sample_body(np.random.default_rng(seed), Style()).legs for seed in range(150)}
    assert legs == {"standing", "astride", "walking", "stepping", "sitting", "crouching"}


# Layouts


def test_same_seed_gives_the_same_bytes(tmp_path):
    arguments = {"num_train": 3, "num_val": 2, "size": SIZE, "persons": (1, 2)}
    for write in (write_mpii, write_coco):
        first = contents(write(tmp_path / f"{write.__name__}1", seed=5, **arguments))
        assert first == contents(write(tmp_path / f"{write.__name__}2", seed=5, **arguments))
        other = contents(write(tmp_path / f"{write.__name__}3", seed=6, **arguments))
        images = [name for name in first if name.endswith(".jpg")]
        assert len({first[name] for name in images}) == 5  # train and val differ, too
        assert all(first[name] != other[name] for name in images)


def test_mpii_layout(tmp_path):
    write_mpii(tmp_path, num_train=4, num_val=12, size=SIZE, persons=(1, 3), style=Style(cut=0.4))
    train, val = labels(tmp_path, "mpii_train.json"), labels(tmp_path, "mpii_val.json")
    assert labels(tmp_path, "mpii_trainval.json") == train + val
    assert len({record["image"] for record in train}) == 4
    assert len({record["image"] for record in val}) == 12
    for record in train + val:
        assert cv2.imread(str(tmp_path / "images" / record["image"])).shape == (80, 96, 3)
        assert int(Path(record["image"]).stem) >= 0  # readers use the stem as the image's number
        joints, labelled = np.array(record["joints"]), np.array(record["joints_vis"]) == 1
        assert joints.shape == (16, 2)
        assert (joints[~labelled] == -1).all()
        side, scale = 250 * record["scale"], record["scale"]
        middle = np.array(record["center"]) + np.array([0, 15 * scale]) - 1
        assert (np.abs(joints[labelled] - 1 - middle) <= side / 2 / 1.25 + 1e-2).all()


def test_mpii_ground_truth_agrees_with_the_annotations(tmp_path):
    write_mpii(tmp_path, num_train=0, num_val=15, size=SIZE, persons=(1, 2), style=Style(cut=0.5))
    records = labels(tmp_path, "mpii_val.json")
    truth = scipy.io.loadmat(tmp_path / "annotations/mpii_gt_val.mat")
    for index, record in enumerate(records):
        missing = truth["jnt_missing"][:, index] == 1
        np.testing.assert_array_equal(~missing, np.array(record["joints_vis"]) == 1)
        points = truth["pos_gt_src"][:, :, index]
        np.testing.assert_array_equal(points[~missing], np.array(record["joints"])[~missing])
        assert (points[missing] == 0).all()
        box = truth["headboxes_src"][:, :, index]
        if not missing[8:10].any():
            size = 0.6 * np.linalg.norm(box[1] - box[0])
            np.testing.assert_allclose(
                size, 0.75 * np.linalg.norm(points[8] - points[9]), rtol=1e-3
            )
            np.testing.assert_allclose(box.mean(axis=0), points[8:10].mean(axis=0), atol=1e-3)
    assert truth["jnt_missing"].any()


def test_mpii_ground_truth_has_the_format_of_the_published_file(tmp_path, shared):
    write_mpii(tmp_path, num_train=0, num_val=5, size=SIZE)
    path = "annotations/mpii_gt_val.mat"
    written, published = (
        scipy.io.loadmat(root / path) for root in (tmp_path, shared / "data/mpii5")
    )
    for key in ("dataset_joints", "jnt_missing", "pos_gt_src", "headboxes_src"):
        assert (written[key].shape, written[key].dtype) == (
            published[key].shape,
            published[key].dtype,
        )
    names = [
        [str(cell[0]) for cell in truth["dataset_joints"][0]] for truth in (written, published)
    ]
    assert names[0] == names[1]
    records = [labels(root, "mpii_val.json") for root in (tmp_path, shared / "data/mpii5")]
    assert records[0][0].keys() == records[1][0].keys()


def test_coco_layout(tmp_path):
    write_coco(tmp_path, num_train=2, num_val=12, size=SIZE, persons=(1, 3), style=Style(cut=0.4))
    content = labels(tmp_path, "person_keypoints_val2017.json")
    images = {image["id"]: image for image in content["images"]}
    assert len(images) == 12
    assert len(content["categories"][0]["keypoints"]) == 17
    assert len(content["categories"][0]["skeleton"]) == 19
    identities = [annotation["id"] for annotation in content["annotations"]]
    assert len(set(identities)) == len(identities) >= 12
    for annotation in content["annotations"]:
        name = images[annotation["image_id"]]["file_name"]
        assert cv2.imread(str(tmp_path / "val2017" / name)).shape == (80, 96, 3)
        points = np.array(annotation["keypoints"]).reshape(17, 3)
        labelled = points[:, 2] > 0
        assert annotation["num_keypoints"] == labelled.sum()
        assert (points[~labelled] == 0).all()
        assert set(points[:, 2]) <= {0, 1, 2}
        x, y, width, height = annotation["bbox"]
        body = points[5:][labelled[5:], :2]
        assert (body >= np.array([x, y]) - 1e-3).all()
        assert (body <= np.array([x + width, y + height]) + 1e-3).all()
        assert annotation["area"] > 0
        assert (annotation["iscrowd"], annotation["category_id"]) == (0, 1)


def test_mpii_is_1_based_and_coco_0_based(tmp_path):
    arguments = {"num_train": 0, "num_val": 6, "seed": 3, "size": SIZE, "persons": (1, 2)}
    mpii = labels(write_mpii(tmp_path / "m", **arguments), "mpii_val.json")
    coco = labels(write_coco(tmp_path / "c", **arguments), "person_keypoints_val2017.json")
    for record, annotation in zip(mpii, coco["annotations"], strict=True):
        points = np.array(annotation["keypoints"]).reshape(17, 3)
        for name in set(MPII_NAMES) & set(COCO_NAMES):
            a, b = MPII_NAMES.index(name), COCO_NAMES.index(name)
            assert record["joints_vis"][a] == (points[b, 2] > 0)
            if record["joints_vis"][a]:
                one_based = np.array(record["joints"][a])
                np.testing.assert_allclose(one_based - 1, points[b, :2], atol=2e-4)


# Stamps


def test_complete_folder_is_not_changed(tmp_path, monkeypatch):
    arguments = {"num_train": 2, "num_val": 1, "size": SIZE}
    write_mpii(tmp_path, **arguments)
    before = contents(tmp_path)
    monkeypatch.setattr(synthetic, "draw_scene", None)  # drawing would fail
    assert write_mpii(tmp_path, **arguments) == tmp_path
    assert contents(tmp_path) == before


def test_folder_of_a_version_with_fewer_style_fields_is_not_changed(tmp_path):
    arguments = {"num_train": 1, "num_val": 0, "size": SIZE}
    stamp = write_coco(tmp_path, **arguments) / synthetic.STAMP
    content = json.loads(stamp.read_text())
    del content["style"]["overlap"]
    stamp.write_text(json.dumps(content))
    assert write_coco(tmp_path, **arguments) == tmp_path
    with pytest.raises(InputError, match=r"style\.overlap=0\.0.*style\.overlap=0\.4"):
        write_coco(tmp_path, **arguments, style=Style(overlap=0.4))


def test_interrupted_folder_is_completed(tmp_path, monkeypatch):
    arguments = {"num_train": 4, "num_val": 2, "size": SIZE}
    whole = contents(write_mpii(tmp_path / "whole", **arguments))
    draw, drawn = synthetic.draw_scene, []

    def draw_three(*args):
        if len(drawn) == 3:
            raise KeyboardInterrupt
        drawn.append(draw(*args))
        return drawn[-1]

    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "draw_scene", draw_three)
        with pytest.raises(KeyboardInterrupt):
            write_mpii(tmp_path / "broken", **arguments)
    assert not (tmp_path / "broken" / synthetic.STAMP).exists()
    with pytest.raises(InputError, match=r"broken"):
        write_mpii(tmp_path / "broken", **(arguments | {"seed": 9}))
    assert contents(write_mpii(tmp_path / "broken", **arguments)) == whole


def test_unfinished_file_of_another_process_is_ignored(tmp_path):
    draft = tmp_path / ".synthetic.begun.1f2e3d4c.part.json"
    draft.write_text("{")
    write_mpii(tmp_path, num_train=1, num_val=0, size=SIZE)
    assert {path.name for path in tmp_path.glob("[!.]*")} == {
        synthetic.STAMP,
        "images",
        "annotations",
    }


@pytest.mark.parametrize("change", [{"seed": 1}, {"num_val": 2}, {"style": Style(noise=0.0)}])
def test_folder_with_other_arguments_raises(tmp_path, change):
    arguments = {"num_train": 1, "num_val": 1, "size": SIZE}
    write_mpii(tmp_path, **arguments)
    with pytest.raises(InputError, match=f"{tmp_path.name}.*{next(iter(change))}"):
        write_mpii(tmp_path, **(arguments | change))
    with pytest.raises(InputError, match="layout"):
        write_coco(tmp_path, **arguments)


def test_folder_with_other_files_raises(tmp_path):
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(InputError, match=tmp_path.name):
        write_mpii(tmp_path, num_train=1, num_val=1)
    with pytest.raises(InputError, match=r"holiday\.txt"):
        write_coco(tmp_path / "holiday.txt", num_train=1, num_val=1)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]


@pytest.mark.parametrize(
    "wrong", [{"num_train": -1}, {"size": (8, 96)}, {"persons": (0, 1)}, {"persons": (3, 2)}]
)
def test_arguments_out_of_range_raise(tmp_path, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        write_mpii(tmp_path / "new", **({"num_train": 1, "num_val": 1} | wrong))
    assert not (tmp_path / "new").exists()


def test_another_process_may_begin_while_the_folder_is_looked_at(tmp_path, monkeypatch):
    """The files that it makes between two looks are no reason to refuse the folder."""
    folder = tmp_path / "people"
    arguments = {"num_train": 1, "num_val": 1, "size": (64, 64)}
    folder.mkdir()
    usual = Path.iterdir
    looks = []

    def iterdir(path):
        if path == folder and not looks:
            looks.append(path)
            request = synthetic._Request("mpii", 1, 1, 0, (64, 64), (1, 1), Style())
            synthetic._write_json(folder / synthetic._STARTED, request.stamp())
            (folder / "annotations").mkdir()
        return usual(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    write_mpii(folder, **arguments)
    assert looks == [folder]
    assert (folder / "annotations" / "mpii_train.json").is_file()
