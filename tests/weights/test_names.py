"""Conversion of tensor names: every published tensor is used for exactly one tensor here."""

import json

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.weights.names import FAMILIES, convert_names, has_inters

PUBLISHED = {
    "hourglass52_mmpose1_mpii16": "MMPose",
    "hourglass52_original_paddle_mpii16": "txyugood's Paddle Hourglass",
}


@pytest.fixture(scope="module")
def hourglass52():
    """Returns the shapes of Hourglass-52 with its `inters` layers, by name."""
    pytest.importorskip("paddle")
    from paddle_pose.models.hourglass import hourglass52

    return {n: tuple(v.shape) for n, v in hourglass52(inters=True).state_dict().items()}


def published(shared, name):
    """Returns the tensors of a published file by name, each filled with its own number."""
    shapes = json.loads((shared / f"facts/checkpoint_names/{name}.json").read_text())["tensors"]
    return {n: np.broadcast_to(np.float64(i), shape) for i, (n, shape) in enumerate(shapes.items())}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("head", ["head.", "keypoint_head."])
def test_published_hourglass(shared, hourglass52, name, head):
    tensors = {
        (head + n.split(".", 1)[1] if "head." in n else n): t
        for n, t in published(shared, name).items()
    }
    ours = convert_names(tensors, hourglass52)
    assert list(ours) == list(hourglass52)
    assert all(value.dtype == np.float32 and value.flags.owndata for value in ours.values())
    used = {float(value.flat[0]) for value in ours.values()}
    kept = [n for n in tensors if not n.endswith("num_batches_tracked")]
    assert used == {float(tensors[n].flat[0]) for n in kept}  # each exactly once
    assert len(kept) == len(ours) == 412
    assert has_inters(tensors)


@pytest.mark.parametrize("name", PUBLISHED)
def test_layers_are_matched_with_the_same_layers(shared, hourglass52, name):
    tensors = published(shared, name)
    ours = convert_names(tensors, hourglass52)
    pairs = {
        "hourglass52_mmpose1_mpii16": {
            "stem.0.bn._mean": "backbone.stem.0.bn.running_mean",
            "stem.1.downsample.1._variance": "backbone.stem.1.0.downsample.1.running_var",
            "hourglasses.0.low2.low3.1.bn2.bias": (
                "backbone.hourglass_modules.0.low2.low3.1.bn2.bias"
            ),
            "heads.0.weight": "head.multi_final_layers.0.weight",
        },
        "hourglass52_original_paddle_mpii16": {
            "stem.0.bn._mean": "backbone.stem.0._batch_norm._mean",
            "stem.1.downsample.1._variance": "backbone.stem.1.0.downsample.0._batch_norm._variance",
            "hourglasses.0.low2.low3.1.bn2.bias": (
                "backbone.hourglass_modules.0.low2.low3.1.conv2._batch_norm.bias"
            ),
            "heads.0.weight": "keypoint_head.multi_final_layers.0.weight",
        },
    }[name]
    for our, theirs in pairs.items():
        assert ours[our].flat[0] == tensors[theirs].flat[0], our


def test_names_of_this_project_are_unchanged():
    own = {"b": np.arange(3), "a": np.float16([[1]])}
    read = convert_names(own, {"a": (1, 1), "b": (3,)})
    assert list(read) == ["a", "b"]
    np.testing.assert_array_equal(read["b"], np.float32([0, 1, 2]), strict=True)


def test_a_network_without_inters_refuses_a_file_with_them(shared, hourglass52):
    without = {n: s for n, s in hourglass52.items() if not n.startswith("inters.")}
    assert not has_inters(without)
    with pytest.raises(ValueError, match=r"10 unexpected: backbone\.inters\.0\.conv1\.weight, "):
        convert_names(published(shared, "hourglass52_mmpose1_mpii16"), without)


def test_every_mismatch_is_counted_and_listed():
    tensors = {
        "backbone.stem.0.conv.weight": np.zeros((2, 3)),
        "backbone.stem.0.bn.running_mean": np.zeros(2),
        "backbone.stem.0.bn.num_batches_tracked": np.zeros(()),
        "backbone.extra.weight": np.zeros(1),
        "head.multi_final_layers.0.bias": np.zeros(1),
        "keypoint_head.multi_final_layers.0.bias": np.zeros(1),
    }
    target = {"stem.0.conv.weight": (2, 4), "stem.0.bn._mean": (2,), "heads.0.bias": (1,)}
    missing = {f"hourglasses.{i}": (1,) for i in range(9)}
    with pytest.raises(InputError) as caught:
        convert_names(tensors, {**target, **missing})
    message = str(caught.value)
    assert "5 tensors, named as in MMPose, for the network's 12" in message
    assert "9 missing: hourglasses.0, hourglasses.1, hourglasses.2, ...;" in message
    assert "1 unexpected: backbone.extra.weight;" in message
    assert "stem.0.conv.weight (file (2, 3), network (2, 4))" in message
    assert "2 used twice: head.multi_final_layers.0.bias, keypoint_head" in message


def test_an_empty_file_is_refused():
    with pytest.raises(ValueError, match="1 missing: a"):
        convert_names({}, {"a": (1,)})


def test_naming_schemes_have_unique_names():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
