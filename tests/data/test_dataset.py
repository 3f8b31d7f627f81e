"""Arrays from samples: crops, augmented training samples, and batches for evaluation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.data.augment import Augment
from paddle_pose.data.dataset import (
    PoseDataset,
    batches,
    black_out,
    crop,
    fingerprint,
    input_keypoints,
    inside_rectangle,
)
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.io import images
from paddle_pose.structures import Person, Sample

CODEC = HeatmapCodec(input_size=(128, 128))


@pytest.fixture
def samples(synthetic_mpii):
    return one_per_person(read_mpii(synthetic_mpii, "train"), CODEC.input_size)


def same(a, b):
    return all(
        np.array_equal(a["targets"][name], b["targets"][name]) for name in a["targets"]
    ) and np.array_equal(a["image"], b["image"])


def test_sample_depends_only_on_seed_epoch_and_index(samples):
    data, again = (PoseDataset(samples, CODEC, Augment(), seed=5) for _ in range(2))
    for key in [(3, 2), (0, 0), (3, 1)]:  # in any order
        assert same(data[key], again[key])
    item = data[3, 2]
    assert same(item, again[3, 2])
    assert not same(item, data[4, 2])
    assert not same(item, PoseDataset(samples, CODEC, Augment(), seed=6)[3, 2])
    assert same(data[0, 2], data[2])
    assert item["index"] == 2
    assert (item["image"].shape, item["image"].dtype) == ((128, 128, 3), np.uint8)
    assert item["targets"]["heatmaps"].shape == (16, 32, 32)
    assert len(data) == len(samples) == 8


def test_without_augmentation_all_epochs_show_the_own_window(samples):
    data = PoseDataset(samples, CODEC)
    assert same(data[0, 1], data[7, 1])
    assert np.array_equal(data[1]["image"], crop(samples[1], samples[1].window, CODEC))


def test_fingerprint_depends_on_samples_and_people(samples):
    one = fingerprint(samples)
    assert one == fingerprint(list(samples))
    assert one.startswith("8 samples, sha256 ")
    (person,), first = samples[0].persons, samples[0]

    def other(**changes):
        return replace(first, persons=(replace(person, **changes),))

    others = [
        replace(first, window=replace(first.window, center=(1.0, 2.0))),
        replace(first, image_path=first.image_path.with_name("x.jpg")),
        replace(first, persons=()),
        replace(first, score=0.5),
        other(visible=person.visible * 0),
        other(keypoints=person.keypoints + 1e-9),
        other(box=(*person.box[:3], person.box[3] + 1)),
        other(area=person.area + 1),
        other(head_size=30.0),
        other(crowd=True),
    ]
    lines = [fingerprint([changed, *samples[1:]]) for changed in others]
    assert len({one, fingerprint(samples[1:]), *lines}) == 2 + len(others)


def test_fingerprint_depends_on_image_sizes_but_not_on_folders(samples, tmp_path):
    moved = []
    for sample in samples:
        (tmp_path / sample.image_path.name).write_bytes(sample.image_path.read_bytes())
        moved.append(replace(sample, image_path=tmp_path / sample.image_path.name))
    assert fingerprint(moved) == fingerprint(samples)
    with moved[3].image_path.open("ab") as file:
        file.write(b"x")
    changed = fingerprint(moved)
    assert changed != fingerprint(samples)
    moved[3].image_path.unlink()
    assert fingerprint(moved) not in (changed, fingerprint(samples))


EVERYTHING = Augment(scale=0.25, half_body=0.5, shift=0.16, occlusion=1.0)


@pytest.mark.parametrize(
    "augment", [Augment(scale=0.25), EVERYTHING], ids=["published", "everything"]
)
@pytest.mark.parametrize("shrink", [1.0, 0.5], ids=["whole", "reduced"])
def test_augmentation_moves_pixels_and_keypoints_together(tmp_path, shrink, augment):
    """The image has a dot of its own grey level at each joint of the person.

    In a mirrored window, the dot of a left joint must be in the slot of the right one.
    """
    rng = np.random.default_rng(0)
    places = np.array([(x, y) for x in range(70, 131, 20) for y in range(70, 131, 20)], float)
    pixels = np.zeros((200, 200, 3), np.uint8)
    shades = 60 + 12 * np.arange(16)
    for (x, y), shade in zip(places.astype(int), shades, strict=True):
        pixels[y - 3 : y + 4, x - 3 : x + 4] = shade
    images.write(tmp_path / "dots.png", pixels)
    person = Person(places, np.ones(16, np.int64), (50.0, 50.0, 100.0, 100.0), 0)
    sample = Sample(0, tmp_path / "dots.png", Window((100.0, 100.0), (160.0, 160.0)), (person,))

    def reader(sample: Sample, window: Window):
        """Reads fewer pixels and returns the matrix to them, which the interface allows."""
        stored, image_to_pixels = images.read(sample.image_path)
        step = round(1 / shrink)
        return stored[::step, ::step], image_to_pixels * shrink

    num_mirrored = num_compared = 0
    for _ in range(40):
        window = augment.window(sample, CODEC.skeleton, rng)
        hidden = augment.hidden(CODEC.input_size, rng) or (0, 0, 0, 0)
        num_mirrored += window.flip
        shown = black_out(crop(sample, window, CODEC, reader), hidden)[..., 0].astype(int)
        keypoints, visible = input_keypoints(sample, window, CODEC)
        assert visible.shape == (1, 16)
        order = CODEC.skeleton.flip if window.flip else range(16)
        # The size of a dot in the smallest window: the centre of a cut dot is not at the joint.
        margin = 16 * (hidden[2] > 0)
        near_hidden = (
            hidden[0] - margin,
            hidden[1] - margin,
            hidden[2] + 2 * margin,
            hidden[3] + 2 * margin,
        )
        for (x, y), shade in zip(keypoints[0], shades[list(order)], strict=True):
            inside = 4 < x < 124 and 4 < y < 124
            if inside and inside_rectangle(np.array([x, y]), hidden):
                assert shown[round(y), round(x)] == 0
            elif inside and not inside_rectangle(np.array([x, y]), near_hidden):
                num_compared += 1
                assert shown[round(y), round(x)] == pytest.approx(shade, abs=2)
                dot_y, dot_x = np.nonzero(np.abs(shown - shade) <= 2)
                near = np.hypot(dot_x - x, dot_y - y) < 8
                assert np.hypot(dot_x[near].mean() - x, dot_y[near].mean() - y) <= 1
    assert 5 < num_mirrored < 35
    assert num_compared > 150


def test_occlusion_changes_only_hidden_pixels(samples):
    plain, hiding = (PoseDataset(samples, CODEC, Augment(occlusion=p), seed=5) for p in (0.0, 1.0))
    for index in range(len(samples)):
        before, after = plain[3, index], hiding[3, index]
        assert all(
            np.array_equal(before["targets"][name], after["targets"][name])
            for name in before["targets"]
        )
        changed = (before["image"] != after["image"]).any(axis=-1)
        assert (after["image"][changed] == 0).all()
        y, x = np.nonzero(changed)
        assert 0 < np.ptp(x) < 0.41 * 128
        assert 0 < np.ptp(y) < 0.41 * 128
        assert same(after, hiding[3, index])
        assert not same(after, hiding[4, index])


COLOURS = Augment(
    saturation_delta=30,
    value_delta=30,
    contrast=0.2,
    brightness=0.3,
    brightness_contrast_probability=1,
)


def test_pixel_options_change_only_pixels_and_precede_occlusion(samples):
    plain, coloured = (
        PoseDataset(samples, CODEC, augment, seed=5) for augment in (Augment(), COLOURS)
    )
    hiding = PoseDataset(samples, CODEC, replace(COLOURS, occlusion=1.0), seed=5)
    for index in range(len(samples)):
        before, after = plain[3, index], coloured[3, index]
        assert all(
            np.array_equal(before["targets"][name], after["targets"][name])
            for name in before["targets"]
        )
        assert not np.array_equal(before["image"], after["image"])
        assert same(after, coloured[3, index])
        rng = np.random.default_rng((5, 3, index))
        augment = replace(COLOURS, occlusion=1.0)
        augment.window(samples[index], CODEC.skeleton, rng)
        rectangle = augment.hidden(CODEC.input_size, rng)
        assert np.array_equal(
            hiding[3, index]["image"], black_out(augment.pixels(before["image"], rng), rectangle)
        )


@pytest.mark.parametrize("final", [COLOURS, None], ids=["final", "none"])
def test_final_augment_starts_at_its_epoch(samples, final):
    first, second = (PoseDataset(samples, CODEC, augment, seed=5) for augment in (Augment(), final))
    staged = PoseDataset(samples, CODEC, Augment(), 5, final_augment=final, final_augment_epoch=3)
    never = PoseDataset(samples, CODEC, Augment(), 5, final_augment=final)
    for epoch, stage in ((0, first), (2, first), (3, second), (7, second)):
        for index in (4, 0):
            assert same(staged[epoch, index], stage[epoch, index])
            assert same(never[epoch, index], first[epoch, index])
    assert not same(first[3, 0], second[3, 0])


def test_batch_for_the_device_has_keypoints_instead_of_targets(samples):
    encoding, sending = (
        PoseDataset(samples, CODEC, Augment(), 5, encodes=encodes) for encodes in (True, False)
    )
    examples = [sending.example((1, index)) for index in (3, 1)]
    batch = sending.batch(examples)
    assert batch.keys() == {"image", "index", "keypoints", "visible", "boxes"}
    assert batch["keypoints"].shape == (2, 1, 16, 2)
    assert batch["visible"].shape == (2, 1, 16)
    assert batch["boxes"].shape == (2, 1, 4)
    targets = CODEC.encode_batch(batch["keypoints"], batch["visible"])
    expected = encoding.batch(examples)
    assert all(np.array_equal(targets[name], expected["targets"][name]) for name in targets)
    assert np.array_equal(batch["image"], expected["image"])
    assert batch["index"].tolist() == [3, 1]


@pytest.mark.parametrize("people", [0, 2])
def test_device_targets_of_heatmaps_need_one_person_per_sample(samples, people):
    crowded = replace(samples[2], persons=samples[2].persons * people)
    sending = PoseDataset([samples[0], crowded], CODEC, encodes=False)
    with pytest.raises(InputError, match="sample 1 "):
        sending.batch([sending.example(0), sending.example(1)])


def test_batch_for_the_device_pads_to_the_largest_number_of_people(samples):
    codec = MoveNetCodec(skeleton=CODEC.skeleton, input_size=(64, 64))
    crowded = replace(samples[2], persons=samples[2].persons * 3)
    nobody = replace(samples[1], persons=())
    sending = PoseDataset([nobody, crowded, samples[0]], codec, encodes=False)
    examples = [sending.example(index) for index in range(3)]
    batch = sending.batch(examples)
    assert batch["keypoints"].shape == (3, 3, 16, 2)
    for n, (keypoints, visible, boxes) in enumerate(example.people for example in examples):
        count = len(keypoints)
        assert np.array_equal(batch["keypoints"][n, :count], keypoints)
        assert np.array_equal(batch["visible"][n, :count], visible)
        assert np.array_equal(batch["boxes"][n, :count], boxes)
        assert not batch["visible"][n, count:].any()
        assert (batch["boxes"][n, count:, :2] + batch["boxes"][n, count:, 2:] < -1000).all()
    alone = sending.batch(examples[:1])
    assert alone["keypoints"].shape == (1, 1, 16, 2)
    assert not alone["visible"].any()


def test_example_computes_the_matrix_of_its_window_once(samples, monkeypatch):
    computed = []
    original = Window.to_input
    monkeypatch.setattr(Window, "to_input", lambda *args: computed.append(args) or original(*args))
    PoseDataset(samples, CODEC, Augment(), 5).example((1, 0))
    assert len(computed) == 1


def test_occlusion_hides_joints_makes_joints_unlabelled(samples):
    plain, hiding = (
        PoseDataset(samples, CODEC, Augment(occlusion=1.0, occlusion_hides_joints=hides), seed=5)
        for hides in (False, True)
    )
    dropped = kept = 0
    for index, sample in enumerate(samples):
        rng = np.random.default_rng((5, 3, index))
        augment = Augment(occlusion=1.0)
        window = augment.window(sample, CODEC.skeleton, rng)
        x, y, width, height = augment.hidden(CODEC.input_size, rng)
        keypoints, _ = input_keypoints(sample, window, CODEC)
        columns, rows = np.floor(keypoints[0] + 0.5).T  # the pixel of each joint
        inside = (columns >= x) & (columns < x + width) & (rows >= y) & (rows < y + height)
        before, after = plain[3, index]["targets"], hiding[3, index]["targets"]
        assert np.array_equal(after["weights"], np.where(inside, 0, before["weights"]))
        assert not after["heatmaps"][inside].any()
        assert np.array_equal(after["heatmaps"][~inside], before["heatmaps"][~inside])
        dropped += int((before["weights"][inside] > 0).sum())
        kept += int((before["weights"][~inside] > 0).sum())
    assert dropped > 5
    assert kept > 30


@pytest.mark.parametrize("alignment", ["published", "udp"])
def test_half_bodies_use_the_skeleton_of_the_codec(samples, alignment):
    codec = replace(CODEC, alignment=alignment)
    halved = replace(codec, skeleton=replace(codec.skeleton, upper=()))
    augment = Augment(half_body=1.0)
    assert not same(
        PoseDataset(samples, codec, augment)[0], PoseDataset(samples, codec, Augment())[0]
    )
    assert same(PoseDataset(samples, halved, augment)[0], PoseDataset(samples, codec, Augment())[0])


def test_mirroring_swaps_positions_and_labels(samples):
    person = samples[0].persons[0]
    visible = np.zeros(16, np.int64)
    visible[[0, 10]] = 1, 2  # right ankle, right wrist
    sample = Sample(
        0, Path("a"), samples[0].window, (Person(person.keypoints, visible, person.box, 0),)
    )
    window = Window(sample.window.center, sample.window.size, flip=True)
    assert np.flatnonzero(input_keypoints(sample, window, CODEC)[1][0]).tolist() == [5, 15]
    plain = input_keypoints(sample, sample.window, CODEC)[0][0]
    turned = input_keypoints(sample, window, CODEC)[0][0]
    assert np.allclose(turned[5], [128 - plain[0, 0], plain[0, 1]])


def test_sample_without_people_has_no_keypoints():
    sample = Sample(0, Path("a"), Window((0.0, 0.0), (10.0, 10.0)), ())
    keypoints, visible = input_keypoints(sample, sample.window, CODEC)
    assert (keypoints.shape, visible.shape) == ((0, 16, 2), (0, 16))


@pytest.mark.parametrize("num_workers", [0, 3])
def test_batches_keep_the_order_and_the_last_is_smaller(samples, num_workers):
    got = list(batches(samples, CODEC, 3, num_workers))
    assert [len(images) for images, _ in got] == [3, 3, 2]
    assert [sample for _, group in got for sample in group] == samples
    images = np.concatenate([images for images, _ in got])
    for sample, image in zip(samples, images, strict=True):
        assert np.array_equal(image, crop(sample, sample.window, CODEC))
    assert list(batches([], CODEC, 3, num_workers)) == []


@pytest.mark.parametrize("num_workers", [0, 2])
def test_damaged_image_raises_with_its_name(samples, tmp_path, num_workers):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    listed = [*samples[:4], Sample(4, broken, samples[4].window, samples[4].persons), *samples[5:]]
    got = []
    with pytest.raises(InputError, match=r"broken\.jpg"):
        got.extend(batches(listed, CODEC, 2, num_workers))
    assert len(got) == 2


def test_batches_end_where_the_size_of_the_input_changes(tmp_path):
    codec = MultiPoseCodec(input_size=(64, 64))
    samples = []
    for number, size in enumerate([(80, 40), (90, 45), (88, 44), (40, 80), (60, 30)]):
        path = tmp_path / f"{number}.png"
        images.write(path, np.full((size[1], size[0], 3), 50 * number, np.uint8))
        samples.append(Sample(number, path, codec.image_window(size), ()))
    found = list(batches(samples, codec, batch_size=2))
    assert [images.shape for images, _ in found] == [
        (2, 32, 64, 3),
        (1, 32, 64, 3),
        (1, 64, 32, 3),
        (1, 32, 64, 3),
    ]
    assert [sample.image_id for _, group in found for sample in group] == list(range(5))
    assert (found[2][0] == 150).all()
