import json

import pytest

from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.data.skeleton_file import DEFAULT_SIGMA, KEYS, read_skeleton
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


def test_a_whole_file_is_taken_as_it_is_and_nothing_is_said_but_its_name(write, capsys):
    content = {
        "name": "crab",
        "joints": ["claw", "eye", "tail"],
        "mirror_pairs": [["claw", "eye"]],
        "limbs": [["tail", "claw"]],
        "sigmas": [0.1, 0.2, 1],
        "weights": [1, 2, 3],
        "upper": ["eye"],
    }
    skeleton = read_skeleton(write(content))
    assert json.loads(json.dumps([getattr(skeleton, key) for key in KEYS])) == list(
        content.values()
    )
    assert capsys.readouterr().out == "=> skeleton crab: 3 joints\n"
    assert skeleton.side("claw") == "left"


def test_what_a_file_leaves_out_comes_from_the_categories_and_is_said(write, capsys):
    category = {"name": "hand", "keypoints": HAND, "skeleton": [[1, 3], [2, 3]]}
    skeleton = read_skeleton(
        write({"sigmas": [0.1, 0.1, 0.2]}), write(annotations({}, category), "a.json")
    )
    assert skeleton.joints == HAND
    assert skeleton.limbs == (("Left hand", "nose"), ("right hand", "nose"))
    assert skeleton.flip == (1, 0, 2)
    assert capsys.readouterr().out == (
        "=> skeleton my5: 3 joints; mirrored by name: Left hand - right hand; weights 1; "
        "no half-body windows: no key 'upper'\n"
    )
    by_itself = read_skeleton(None, write(annotations(category), "a.json"))
    assert (by_itself.name, by_itself.sigmas) == ("a", (DEFAULT_SIGMA,) * 3)
    assert f"sigmas {DEFAULT_SIGMA} each, the mean of COCO's" in capsys.readouterr().out
    fewer = read_skeleton(
        write({"joints": ["nose", "Left hand"]}), write(annotations(category), "a.json")
    )
    assert fewer.limbs == (("Left hand", "nose"),)
    assert "nothing is named left and right" in capsys.readouterr().out


def test_known_skeletons_need_no_file(write):
    assert read_skeleton("mpii_16") is MPII_16
    assert read_skeleton(None, write(annotations({"keypoints": COCO_17.joints}))) is COCO_17


def test_a_config_takes_a_file(write):
    config = override(
        CONFIGS["hourglass52_mpii_256"], {"codec.skeleton": str(write({"joints": ["a", "b"]}))}
    )
    assert config.codec.skeleton.joints == ("a", "b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"joint": ["a"]}, f"unknown key 'joint'; the valid ones are {', '.join(KEYS)}"),
        (
            {},
            "key 'joints' is missing, and no annotation file names .* the valid keys are name, joints",
        ),
        ([], "expected an object with the keys name, .*; got list"),
        ({"joints": "nose"}, "key 'joints' must be a list of joint names, got 'nose'"),
        ({"joints": ["a", "A"]}, "joint names repeat"),
        (
            {"joints": ["a", "b"], "limbs": [["a", "b", "c"]]},
            "key 'limbs' must be a list of pairs of names",
        ),
        ({"joints": ["a", "b"], "limbs": [["a", "c"]]}, r"unknown joints \['c'\]"),
        (
            {"joints": ["a", "b"], "mirror_pairs": [[1, 2]]},
            "key 'mirror_pairs' must be a list of pairs of names",
        ),
        ({"joints": ["a", "b"], "sigmas": [0.1]}, "1 sigmas for 2 joints"),
        (
            {"joints": ["a", "b"], "sigmas": [0.1, 0]},
            "key 'sigmas' must be a list of positive numbers",
        ),
        (
            {"joints": ["a", "b"], "weights": {"a": 1}},
            "key 'weights' must be a list of positive numbers",
        ),
        ({"joints": ["a", "b"], "upper": ["c"]}, r"unknown joints \['c'\]"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(write, content, message):
    path = write(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_skeleton(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_wrong_categories_are_named(write):
    with pytest.raises(ValueError, match=r"categories 0, 1 have different keypoints; one skeleton"):
        read_skeleton(None, write(annotations({"keypoints": ["a"]}, {"keypoints": ["b"]})))
    with pytest.raises(
        ValueError, match=r"categories\[0\]: key 'keypoints' must list the joints' names, got 17"
    ):
        read_skeleton(None, write(annotations({"keypoints": 17})))
    with pytest.raises(ValueError, match=r"places outside 1\.\.2: \[\[0, 1\]\]"):
        read_skeleton(None, write(annotations({"keypoints": ["a", "b"], "skeleton": [[0, 1]]})))
    with pytest.raises(ValueError, match="must hold pairs of places, got 3"):
        read_skeleton(None, write(annotations({"keypoints": ["a", "b"], "skeleton": 3})))
    with pytest.raises(FileNotFoundError, match=r"absent\.json: not found"):
        read_skeleton("absent.json")
