import io
import json

import numpy as np
import PIL.Image
import pytest
from IPython.core.formatters import DisplayFormatter

from paddle_pose.errors import InputError
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses

IMAGE = np.full((60, 80, 3), 40, np.uint8)


def result(people=2, **more):
    rng = np.random.default_rng(0)
    poses = Poses(
        rng.uniform(5, 55, (people, 17, 2)),
        np.full((people, 17), 0.9),
        np.full(people, 0.8),
        boxes=np.tile([1.0, 2.0, 30.0, 40.0], (people, 1)),
        ids=np.arange(1, people + 1),
        windows=np.tile([0.0, 0.0, 80.0, 80.0], (people, 1)),
    )
    return PoseResult(IMAGE, COCO_17, poses, **more)


def test_the_drawing_is_a_pil_image_of_the_same_size_that_differs(tmp_path):
    drawing = result().draw()
    drawing.save(tmp_path / "poses.png")
    with PIL.Image.open(tmp_path / "poses.png") as saved:
        assert saved.size == (80, 60)
        assert not np.array_equal(np.asarray(saved), IMAGE)
    assert np.array_equal(np.asarray(result().draw(min_score=0.95)), IMAGE)


def test_what_is_drawn_can_be_chosen():
    kinds = [{}, {"color": "side"}, {"boxes": True}, {"scores": True}, {"joint_names": True}]
    drawings = [np.asarray(result().draw(**kind)) for kind in kinds]
    for n, drawing in enumerate(drawings):
        assert not any(np.array_equal(drawing, other) for other in drawings[:n]), kinds[n]
    with pytest.raises(InputError, match="color 'red'"):
        result().draw(color="red")


def test_a_notebook_shows_a_jpeg():
    shown, _ = DisplayFormatter().format(result())
    assert set(shown) == {"text/plain", "image/jpeg"}
    with PIL.Image.open(io.BytesIO(shown["image/jpeg"])) as drawing:
        assert (drawing.format, drawing.size) == ("JPEG", (80, 60))
    assert "2 people" in repr(result())


def test_it_is_jsons_types_and_cocos_results():
    content = json.loads(json.dumps(result(frame=3, seconds=0.25).to_dict()))
    assert (content["image"], content["width"], content["height"]) == (None, 80, 60)
    assert (content["frame"], content["seconds"], content["joints"]) == (
        3,
        0.25,
        list(COCO_17.joints),
    )
    person = content["persons"][1]
    assert (person["id"], person["box"], person["window"]) == (2, [1, 2, 30, 40], [0, 0, 80, 80])
    assert np.allclose(person["keypoints"], result().keypoints[1], atol=1e-3)
    records = json.loads(json.dumps(result().to_coco(image_id=7)))
    assert [(record["image_id"], record["category_id"], record["score"]) for record in records] == [
        (7, 1, 0.8)
    ] * 2
    assert np.allclose(
        np.reshape(records[0]["keypoints"], (17, 3))[:, :2], result().keypoints[0], atol=1e-3
    )


@pytest.mark.parametrize("image_id", ["a", 1.5, True, None], ids=repr)
def test_an_images_id_is_a_whole_number(image_id):
    with pytest.raises(InputError, match="image_id"):
        result().to_coco(image_id)
    assert result().to_coco(np.int64(7)) == result().to_coco(7)


@pytest.mark.parametrize("score", ["a", None, True], ids=repr)
def test_the_lowest_drawn_score_is_a_number(score):
    with pytest.raises(InputError, match="min_score"):
        result().draw(min_score=score)
