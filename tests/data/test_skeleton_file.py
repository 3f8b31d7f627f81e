"""User-defined skeletons: files, categories, defaults and invalid values."""

import json

import pytest

from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.data.skeleton_file import DEFAULT_SIGMA, KEYS, read_skeleton
from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, MPII_16

HAND = ("Left hand", "right hand", "nose")


@pytest.fixture
def write(tmp_path):
    def write(content, name="my5.json"):
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


def annotations(*categories):
    return {
        "images": [],
        "annotations": [],
        "categories": [{"id": n, **one} for n, one in enumerate(categories)],
    }


def test_complete_file_is_read_without_defaults(write, capsys):
    content = {
        "name": "crab",
        "joints": ["claw", "eye", "tail"],
        "mirror_pairs": [["claw", "eye"]],
        "limbs": [["tail", "claw"]],
        "sigmas": [0.1, 0.2, 1],
        "weights": [1, 2, 3],
        "upper": ["eye"],
        "can_flip": False,
    }
    skeleton = read_skeleton(write(content))
    assert json.loads(json.dumps([getattr(skeleton, key) for key in KEYS])) == list(
        content.values()
    )
    assert capsys.readouterr().out == "=> skeleton crab: 3 joints\n"
    assert skeleton.side("claw") == "left"


def test_missing_keys_come_from_categories_and_defaults_are_logged(write, capsys):
    category = {"name": "hand", "keypoints": HAND, "skeleton": [[1, 3], [2, 3]]}
    skeleton = read_skeleton(
        write({"sigmas": [0.1, 0.1, 0.2]}), write(annotations({}, category), "a.json")
    )
    assert skeleton.joints == HAND
    assert skeleton.limbs == (("Left hand", "nose"), ("right hand", "nose"))
    assert skeleton.flip == (1, 0, 2)
    assert capsys.readouterr().out == (
        "=> skeleton my5: 3 joints; mirror pairs by name: Left hand - right hand; all weights 1; "
        "no half-body windows, because key 'upper' is missing\n"
    )
    by_itself = read_skeleton(None, write(annotations(category), "a.json"))
    assert (by_itself.name, by_itself.sigmas) == ("a", (DEFAULT_SIGMA,) * 3)
    assert f"sigmas {DEFAULT_SIGMA}," in capsys.readouterr().out
    fewer = read_skeleton(
        write({"joints": ["nose", "Left hand"]}), write(annotations(category), "a.json")
    )
    assert fewer.limbs == (("Left hand", "nose"),)
    captured = capsys.readouterr()
    assert "mirror pairs by name: none" in captured.out
    assert "Left hand looks one-sided" in captured.out
    assert not fewer.can_flip
    assert skeleton.can_flip


@pytest.mark.parametrize(
    ("content", "can_flip"),
    [
        ({"joints": ["nose", "chin"]}, False),
        ({"joints": ["nose", "chin"], "mirror_pairs": []}, True),
        ({"joints": ["nose", "l_eye", "r_eye"]}, True),
        ({"joints": ["nose", "l_eye", "r_eye"], "can_flip": False}, False),
        ({"joints": ["nose", "l_eye", "r_eye", "l_ear"]}, False),
        ({"joints": ["l_eye", "r_eye", "l_ear"], "mirror_pairs": [["l_eye", "r_eye"]]}, True),
    ],
)
def test_images_are_mirrored_only_with_known_pairs(write, capsys, content, can_flip):
    skeleton = read_skeleton(write(content))
    assert skeleton.can_flip == can_flip
    said = "not mirrored" in capsys.readouterr().out
    assert said == (not can_flip and "can_flip" not in content)
    config = override(CONFIGS["hrnet_w32_coco_256x192"], {"codec.skeleton": skeleton})
    assert (config.augment.flip > 0) == can_flip
    assert config.val.flip == can_flip
    for key in ("val.flip", "augment.flip"):
        changes = {"codec.skeleton": skeleton, key: 1.0 if key == "augment.flip" else True}
        if can_flip:
            assert override(config, changes).val.flip
        else:
            with pytest.raises(InputError, match=f"{key}.*cannot be mirrored"):
                override(config, changes)


def test_known_skeletons_need_no_file(write):
    assert read_skeleton("mpii_16") is MPII_16
    assert read_skeleton(None, write(annotations({"keypoints": COCO_17.joints}))) is COCO_17


def test_config_accepts_a_skeleton_file(write):
    config = override(
        CONFIGS["hourglass52_mpii_256"], {"codec.skeleton": str(write({"joints": ["a", "b"]}))}
    )
    assert config.codec.skeleton.joints == ("a", "b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"joint": ["a"]}, f"'joint'.* {', '.join(KEYS)}"),
        ({}, f"'joints'.* {', '.join(KEYS)}"),
        ([], f"{', '.join(KEYS)}.* list"),
        ({"joints": "nose"}, "'joints'.* 'nose'"),
        ({"joints": ["a", "A"]}, "joint names"),
        ({"joints": ["a", "b"], "limbs": [["a", "b", "c"]]}, "'limbs'"),
        ({"joints": ["a", "b"], "limbs": [["a", "c"]]}, r"\['c'\]"),
        ({"joints": ["a", "b"], "mirror_pairs": [[1, 2]]}, "'mirror_pairs'"),
        ({"joints": ["a", "b"], "sigmas": [0.1]}, "1 sigmas .* 2 joints"),
        ({"joints": ["a", "b"], "sigmas": [0.1, 0]}, "'sigmas'"),
        ({"joints": ["a", "b"], "weights": {"a": 1}}, "'weights'"),
        ({"joints": ["a", "b"], "upper": ["c"]}, r"\['c'\]"),
        ({"joints": ["a", "b"], "can_flip": 1}, "'can_flip' must be true or false"),
    ],
)
def test_invalid_file_raises(write, content, message):
    path = write(content)
    with pytest.raises(InputError, match=message) as caught:
        read_skeleton(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("limbs", "read"),
    [
        ([[0, 1], [1, 2]], (("a", "b"), ("b", "c"))),  # counted from 0
        ([[1, 2], [2, 3]], (("a", "b"), ("b", "c"))),
        ([[0, 1], [2, 3]], (("b", "c"),)),  # 0 and 3 contradict each other
        ([[1, 2], [3, 4], [-1, 2], [1, 1], [3], ["a", "b"], None], (("a", "b"),)),
        (3, ()),
        (None, ()),
    ],
)
def test_limbs_that_do_not_fit_are_left_out_with_a_note(write, limbs, read, capsys):
    path = write(annotations({"keypoints": ["a", "b", "c"], "skeleton": limbs}))
    assert read_skeleton(None, path).limbs == read
    noted = f"{path}: categories[0]: key 'skeleton'" in capsys.readouterr().err
    assert noted == (limbs not in (None, [[1, 2], [2, 3]]))


def test_a_file_without_names_says_what_helps(write):
    with pytest.raises(InputError, match=r"my5\.json: no category names .*=coco_17"):
        read_skeleton(None, write(annotations({"keypoints": []})))


def test_invalid_categories_raise(write):
    with pytest.raises(InputError, match=r"categories 0, 1 "):
        read_skeleton(None, write(annotations({"keypoints": ["a"]}, {"keypoints": ["b"]})))
    with pytest.raises(InputError, match=r"categories\[0\]: key 'keypoints' .* 17"):
        read_skeleton(None, write(annotations({"keypoints": 17})))
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        read_skeleton("absent.json")
