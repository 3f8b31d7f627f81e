"""Partial loading: fitting tensors are loaded, and the report lists all others."""

import re

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.weights.partial import fitting_tensors

paddle = pytest.importorskip("paddle")

from paddle_pose.models.hrnet import HRNet  # noqa: E402 - needs Paddle
from paddle_pose.models.simple_baseline import BLOCKS, SimpleBaseline  # noqa: E402

OFFICIAL = "named as in ResNets, the official HRNet and SimpleBaseline, MMPose's RTMPose"
WIDTH = 4


def shapes_of(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def zeros(shapes):
    """Returns tensors of these shapes, of zeros."""
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def norm(name, channels):
    """Returns the shapes of a batch normalisation as torch saves it, by name."""
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{kind}": (channels,) for kind in kinds}, f"{name}.num_batches_tracked": ()}


def resnet(depth, width=WIDTH, classes=10):
    """Returns the shapes of torchvision's resnet50, 101 or 152, by name."""
    shapes = {"conv1.weight": (width, 3, 7, 7), **norm("bn1", width)}
    before = width
    for stage, blocks in enumerate(BLOCKS[depth]):
        inside = width * 2**stage
        for block in range(blocks):
            layer = f"layer{stage + 1}.{block}"
            for conv, (out, inn, kernel) in enumerate(
                ((inside, before, 1), (inside, inside, 3), (4 * inside, inside, 1)), start=1
            ):
                shapes |= {
                    f"{layer}.conv{conv}.weight": (out, inn, kernel, kernel),
                    **norm(f"{layer}.bn{conv}", out),
                }
            if block == 0:
                shapes |= {f"{layer}.downsample.0.weight": (4 * inside, before, 1, 1)}
                shapes |= norm(f"{layer}.downsample.1", 4 * inside)
            before = 4 * inside
    return shapes | {"fc.weight": (classes, before), "fc.bias": (classes,)}


def numbered(shapes):
    """Returns tensors of these shapes, each filled with its own number."""
    return {
        name: np.full(shape, i + 1, np.float32) for i, (name, shape) in enumerate(shapes.items())
    }


def in_torch(name):
    return name.replace("._mean", ".running_mean").replace("._variance", ".running_var")


def check_report(lines, target, tensors):
    """Asserts that the numbers in the lines add up to all tensors of network and file."""
    loaded, total = map(int, re.match(r"loaded (\d+)/(\d+)", lines[0]).groups())
    counts = {"randomly initialized": 0, "not used": 0, "ignored": 0}
    for what, names in (line.split(": ", 1) for line in lines[1:]):
        names = re.sub(r" \(file \(.*?\), network \(.*?\)\)", "", names.split(", the first")[0])
        number = re.findall(r"\((\d+)\)|^(\d+) num_batches", names)
        grouped = sum(int(a or b) for a, b in number)
        single = 0 if what == "ignored" else sum("*" not in name for name in names.split(", "))
        counts[what.split(",")[0]] += grouped + single
    assert total == len(target) == loaded + counts["randomly initialized"]
    shapes_differ = sum("shape differs" in line for line in lines)
    if not shapes_differ:
        assert len(tensors) == loaded + counts["not used"] + counts["ignored"]


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_torchvisions_resnets_fill_the_backbone(depth):
    target = shapes_of(SimpleBaseline(depth=depth, width=WIDTH, deconv_channels=8))
    tensors = numbered(resnet(depth))
    taken, lines = fitting_tensors(tensors, zeros(target))
    assert [name for name in target if name not in taken] == [
        name for name in target if name.startswith(("deconv_layers.", "final_layer."))
    ]
    assert all(np.array_equal(value, tensors[in_torch(name)]) for name, value in taken.items())
    tracked = sum(name.endswith("num_batches_tracked") for name in tensors)
    assert lines == [
        f"loaded {len(target) - 17}/{len(target)} tensors, {OFFICIAL}",
        "randomly initialized: deconv_layers.* (15), final_layer.* (2)",
        "not used: fc.* (2)",
        f"ignored: {tracked} num_batches_tracked",
    ]
    check_report(lines, target, tensors)


def test_paddles_resnet_fills_the_backbone():
    block = paddle.vision.models.resnet.BottleneckBlock
    state = paddle.vision.models.ResNet(block, 50, num_classes=3).state_dict()
    tensors = {name: value.numpy() for name, value in state.items()}
    taken, lines = fitting_tensors(tensors, SimpleBaseline().state_dict())
    assert len(taken) == 265
    assert lines[0] == "loaded 265/282 tensors, named as in this project"
    assert lines[-1] == "not used: fc.* (2)"


def imagenet_hrnet(network):
    """Returns the shapes of an ImageNet file of HRNet, by name.

    It has the backbone of `network`, with fusion to all branches in the last module, and a
    classifier.
    """
    head = {
        "final_layer.0.weight": (2048, 1024, 1, 1),
        "final_layer.0.bias": (2048,),
        **norm("final_layer.1", 2048),
    }
    head |= {"classifier.weight": (1000, 2048), "classifier.bias": (1000,)}
    for branch in range(4):
        head |= {
            f"incre_modules.{branch}.0.conv1.weight": (8, 8, 1, 1),
            **norm(f"incre_modules.{branch}.0.bn1", 8),
        }
    for branch in range(3):
        head |= {
            f"downsamp_modules.{branch}.0.weight": (8, 8, 3, 3),
            f"downsamp_modules.{branch}.0.bias": (8,),
        }
        head |= norm(f"downsamp_modules.{branch}.1", 8)
    backbone = [n for n in shapes_of(network) if not n.startswith("final_layer.")]
    shapes = {in_torch(name): shapes_of(network)[name] for name in backbone}
    last = max(int(name.split(".")[1]) for name in backbone if name.startswith("stage4."))
    last_fusion = {
        f"stage4.{last}.fuse_layers.1.0.0.0.weight": (8, 4, 3, 3),
        **norm(f"stage4.{last}.fuse_layers.1.0.0.1", 8),
    }
    return shapes | last_fusion | head


def test_hrnets_imagenet_files_fill_the_backbone():
    network = HRNet(width=4, modules=(1, 1, 2), blocks=1, stem_channels=8)
    target, tensors = shapes_of(network), numbered(imagenet_hrnet(network))
    taken, lines = fitting_tensors(tensors, zeros(target))
    assert [name for name in target if name not in taken] == [
        "final_layer.weight",
        "final_layer.bias",
    ]
    assert lines[0] == f"loaded {len(target) - 2}/{len(target)} tensors, {OFFICIAL}"
    assert lines[1] == "randomly initialized: final_layer.* (2)"
    assert lines[2] == (
        "not used: stage4.1.fuse_layers.1.0.0.* (5), final_layer.* (6), classifier.* (2), "
        "incre_modules.* (20), downsamp_modules.* (18)"
    )
    check_report(lines, target, tensors)


def own_skeleton(*joints):
    """Returns a skeleton of these joints."""
    ones = (1.0,) * len(joints)
    return Skeleton("own", joints, mirror_pairs=(), limbs=(), sigmas=ones, weights=ones)


@pytest.mark.parametrize("entries", [1, 2])  # a heatmap, or the vectors (x, y), of each joint
def test_a_head_is_loaded_by_the_names_of_the_joints(entries):
    skeleton = own_skeleton("Left Wrist", "tail", "nose")
    file = {
        "backbone.weight": np.ones(2),
        "head.weight": np.random.default_rng(0).random((17 * entries, 4)),
        "head.bias": np.arange(17.0 * entries),
        "from_heatmaps.weight": np.arange(4 * 17.0 * entries).reshape(4, -1),
    }
    network = zeros({name: np.shape(value) for name, value in file.items()})
    for name in ("head.weight", "head.bias", "from_heatmaps.weight"):
        axis = network[name].shape.index(17 * entries)
        network[name] = np.take(network[name], range(3 * entries), axis) - 1.0
    taken, lines = fitting_tensors(file, network, COCO_17.joints, skeleton)
    assert taken.keys() == network.keys()
    for name in ("head.weight", "head.bias", "from_heatmaps.weight"):
        axis = file[name].shape.index(17 * entries)
        theirs = np.moveaxis(file[name], axis, 0).reshape(17, entries, -1).astype(np.float32)
        ours = np.moveaxis(taken[name], axis, 0).reshape(3, entries, -1)
        assert np.array_equal(ours[0], theirs[COCO_17.joints.index("left_wrist")])
        assert np.array_equal(ours[1], np.full_like(ours[1], -1.0))
        assert np.array_equal(ours[2], theirs[0])
        assert taken[name].flags.owndata
    assert lines[1] == (
        "loaded by joint: head.* (2), from_heatmaps.weight: 2 of 3 joints (Left Wrist, nose); "
        "randomly initialized: tail"
    )


@pytest.mark.parametrize(
    ("file_shape", "shape", "joints"),
    [
        ((17, 4), (3, 8), COCO_17.joints),  # another axis differs, too
        ((17, 4), (3, 4, 1), COCO_17.joints),
        ((18, 4), (3, 4), COCO_17.joints),  # no axis of joints
        ((34, 4), (3, 4), COCO_17.joints),  # two entries in the file, one in the network
        ((17, 4), (3, 4), ()),  # not known
        ((17, 4), (3, 4), tuple(f"point {n}" for n in range(17))),  # other joints
    ],
)
def test_what_differs_in_more_than_the_joints_is_randomly_initialized(file_shape, shape, joints):
    file = {"backbone.bias": np.zeros(2), "head.weight": np.zeros(file_shape)}
    network = zeros({"backbone.bias": (2,), "head.weight": shape})
    taken, lines = fitting_tensors(file, network, joints, own_skeleton("nose", "tail", "left_hip"))
    assert list(taken) == ["backbone.bias"]
    assert lines[1:] == [
        "randomly initialized, shape differs in the file: "
        f"head.weight (file {file_shape}, network {shape})"
    ]


def test_as_many_other_joints_take_the_head_of_the_file_as_it_is():
    file = {"head.bias": np.arange(2.0)}
    for joints, report in (
        (("b", "a"), ["head in the order of the file's joints: b, a"]),
        ("ab", []),
    ):
        taken, lines = fitting_tensors(
            file, zeros({"head.bias": (2,)}), joints, own_skeleton(*"ab")
        )
        assert np.array_equal(taken["head.bias"], file["head.bias"])
        assert lines[1:] == report


def test_other_joints_leave_the_head_randomly_initialized():
    target = shapes_of(SimpleBaseline(num_joints=16, width=WIDTH, deconv_channels=8))
    tensors = numbered(shapes_of(SimpleBaseline(num_joints=17, width=WIDTH, deconv_channels=8)))
    taken, lines = fitting_tensors(tensors, zeros(target))
    assert [name for name in target if name not in taken] == [
        "final_layer.weight",
        "final_layer.bias",
    ]
    assert lines[1] == (
        "randomly initialized, shape differs in the file: final_layer.weight "
        "(file (17, 8, 1, 1), network (16, 8, 1, 1)), final_layer.bias (file (17,), network (16,))"
    )
    check_report(lines, target, tensors)


def test_a_backbone_of_another_width_is_listed():
    target = shapes_of(SimpleBaseline(width=WIDTH, deconv_channels=8))
    tensors = numbered(shapes_of(SimpleBaseline(width=2 * WIDTH, deconv_channels=8)))
    taken, lines = fitting_tensors(tensors, zeros(target))
    assert {name.split(".")[0] for name in taken} <= {"deconv_layers", "final_layer"}
    assert lines[1].startswith(
        "randomly initialized, shape differs in the file: conv1.weight, bn1.* (4), layer1.* (50), "
    )
    assert lines[1].endswith("the first: conv1.weight (file (8, 3, 7, 7), network (4, 3, 7, 7))")
    check_report(lines, target, tensors)


def test_a_file_of_another_network_is_refused():
    target = {"stem.0.conv.weight": (4, 3, 7, 7), "heads.0.bias": (16,)}
    with pytest.raises(InputError, match="320 tensors") as caught:
        fitting_tensors(numbered(resnet(50)), zeros(target))
    assert "conv1.weight, bn1.weight, bn1.bias, ...;" in str(caught.value)
    assert "stem.0.conv.weight, heads.0.bias" in str(caught.value)
    with pytest.raises(InputError, match=r"bias \(file \(2,\), network \(3,\)\)"):
        fitting_tensors({"bias": np.zeros(2)}, {"bias": np.zeros(3)})


def test_two_tensors_with_the_same_converted_name_are_refused():
    twice = {
        "backbone.conv1.weight": np.zeros(1),
        "conv1.weight": np.zeros(1),
        "backbone.bn1.weight": np.zeros(1),
    }
    with pytest.raises(InputError, match=r"2 tensors.*: backbone\.conv1\.weight, conv1\.weight"):
        fitting_tensors(twice, zeros({"conv1.weight": (1,), "bn1.weight": (1,)}))


def test_loaded_tensors_own_their_memory():
    tensors = {"a": np.zeros((2, 3), np.float64).T}
    taken, _ = fitting_tensors(tensors, zeros({"a": (3, 2), "b": (1,)}))
    assert taken["a"].dtype == np.float32
    assert taken["a"].flags.owndata
    assert taken["a"].flags.c_contiguous
    assert list(taken) == ["a"]
