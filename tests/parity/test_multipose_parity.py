"""Google's MoveNet MultiPose from a TensorFlow.js file against outputs of the published graph."""

import numpy as np
import paddle
import pytest

from paddle_pose import build, geometry
from paddle_pose.configs import registry
from paddle_pose.engine.evaluate import evaluate
from paddle_pose.engine.pose_model import load_model
from paddle_pose.exporting.movenet_onnx import write_movenet
from paddle_pose.io import images

FOLDER = "data/movenet_tfjs"
PHOTOS = ("squat", "000000151938", "000000350679")
# Name of a map -> its name in the stored answers; those have y before x.
MAPS = {
    "centers": "center",
    "heatmaps": "kpt_heatmap",
    "regressions": "kpt_regress",
    "offsets": "kpt_offset",
    "box_sizes": "box_scale",
    "box_offsets": "box_offset",
}


@pytest.fixture(scope="module")
def multipose(shared):
    """Returns (config, network) of MultiPose with Google's weights."""
    config = registry.find("movenet_multipose_coco")
    return build.loaded(config, shared / FOLDER / "movenet-multipose.json")


def maps_of(network, image):
    """Returns the maps of an image by name, with the batch axis."""
    with paddle.no_grad():
        maps = network(paddle.to_tensor(image[None]))
    return {name: values.numpy() for name, values in maps.items()}


def test_all_tensors_are_loaded(multipose):
    config, network = multipose
    assert config.model.batch_norm == "none"
    assert len(network.state_dict()) == 160
    assert sum(tensor.size for tensor in network.parameters()) == 4_723_610


def test_maps_equal_those_of_the_published_graph(shared, multipose):
    with np.load(shared / FOLDER / "multipose_squat.npz") as stored:
        maps = maps_of(multipose[1], stored["input"])
    with np.load(shared / FOLDER / "multipose_maps_squat.npz") as stored:
        expected = {name: stored[theirs] for name, theirs in MAPS.items()}
    for name, values in expected.items():
        if name in ("centers", "heatmaps"):
            values = 1 / (1 + np.exp(-values))
        elif values.shape[2] >= 2:
            values = values.reshape(*values.shape[:2], -1, 2)[..., ::-1].reshape(values.shape)
        limit = 1e-4 if name in ("centers", "heatmaps") else 2e-3  # probabilities; cells
        assert np.abs(maps[name][0].transpose(1, 2, 0) - values).max() < limit, name


@pytest.mark.parametrize("photo", PHOTOS)
def test_people_equal_those_of_the_published_graph(shared, multipose, photo):
    config, network = multipose
    with np.load(shared / FOLDER / f"multipose_{photo}.npz") as stored:
        image, expected = stored["input"], stored["output"]
    people = config.codec.people(maps_of(network, image))[0]
    np.testing.assert_allclose(people, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("photo", PHOTOS[1:])
def test_images_are_prepared_as_for_the_published_graph(shared, photo):
    codec = registry.find("movenet_multipose_coco").codec
    pixels, _ = images.read(shared / f"data/coco_mini/val2017/{photo}.jpg")
    window = codec.image_window((pixels.shape[1], pixels.shape[0]))
    size = codec.size_of(window)
    made = geometry.warp(pixels, window.to_input(size), size, by_area=codec.by_area)
    with np.load(shared / FOLDER / f"multipose_{photo}.npz") as stored:
        expected = stored["input"]
        scale = stored["scale"]
    assert made.shape == expected.shape
    assert window.size[0] * scale == pytest.approx(size[0])
    assert np.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("side", "ap"), [(256, 0.280), (384, 0.315)])
def test_ap_is_that_of_the_published_graph(shared, tmp_path, side, ap):
    """AP of Google's graph on the 32 validation images, whole images of a long side of 256, 384."""
    weights = tmp_path / "model.onnx"
    config = registry.find("movenet_multipose_coco")
    write_movenet(config, shared / FOLDER / "movenet-multipose.json", weights)
    changes = {"codec.input_size": (side, side), "codec.min_score": 0.0}
    found = evaluate(
        weights, shared / "data/coco_mini", overrides=changes, device="cpu", progress=None
    )
    assert found.values["AP"] == pytest.approx(ap, abs=0.005)


def test_a_photo_is_predicted_with_the_boxes_of_the_graph(shared, multipose):
    path = shared / "data/coco_mini/val2017/000000350679.jpg"
    with np.load(shared / FOLDER / "multipose_000000350679.npz") as stored:
        expected = stored["output"].astype(float)
        size = np.array(stored["input"].shape[1::-1]) / stored["scale"]
        limit = stored["original"][::-1]
    with load_model(
        shared / FOLDER / "movenet-multipose.json", device="cpu", overrides={"codec.min_score": 0.0}
    ) as model:
        result = model.predict(path)
    expected = expected[np.argsort(-expected[:, -1], kind="stable")]
    visible = result.scores > 0.2  # grey levels differ by 1 in some pixels
    keypoints = expected[:, :51].reshape(6, 17, 3)[..., 1::-1] * size
    assert np.abs(result.keypoints - keypoints)[visible].max() < 1
    corners = np.clip(expected[:, [52, 51, 54, 53]] * np.tile(size, 2), 0, np.tile(limit, 2))
    boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    assert np.abs(result.boxes - boxes)[result.person_scores > 0.1].max() < 1
    assert np.allclose(result.person_scores, expected[:, -1], atol=0.01)
