"""The flip test: what is averaged, and with what."""

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.inference.flip_test import FlipAverage

CODEC = HeatmapCodec(input_size=(32, 32), stride=4)
FLIP = list(CODEC.skeleton.flip)


def symmetric(images):
    """A backend whose maps of a mirrored image are the mirrored maps, with sides exchanged."""
    # [N, h, w]: the cells of a mirrored image are the mirrored cells.
    grey = images[:, ::4, ::4, 0].astype(float) + images[:, ::4, 3::4, 0]
    slots = np.arange(16)
    left = np.where(slots < np.array(FLIP), 1.0, np.where(slots > np.array(FLIP), -1.0, 0.0))
    column = np.linspace(-1, 1, grey.shape[-1])
    maps = (
        grey[:, None] * (1 + 0.1 * left[:, None, None] * column)
        + np.minimum(slots, FLIP)[:, None, None]
    )
    return {"heatmaps": maps[:, None]}


def test_the_maps_of_a_symmetric_backend_do_not_change():
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    before = images.copy()
    alone = symmetric(images)
    averaged = FlipAverage(symmetric, CODEC, shift=False)(images)
    assert np.allclose(averaged["heatmaps"], alone["heatmaps"])
    assert not np.allclose(
        FlipAverage(symmetric, CODEC, shift=True)(images)["heatmaps"], alone["heatmaps"]
    )
    assert np.array_equal(images, before)


@pytest.mark.parametrize("shift", [False, True])
def test_the_other_maps_are_the_codecs_mirror_of_those_of_the_mirrored_images(shift):
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    received = []

    def backend(batch):
        received.append(batch)
        rng = np.random.default_rng(int(batch[0, 0, 0, 0]))
        return {"heatmaps": rng.random((3, 2, 16, 8, 8))}

    got = FlipAverage(backend, CODEC, shift)(images)["heatmaps"]
    assert np.array_equal(received[1], images[:, :, ::-1])
    expected = (
        backend(images)["heatmaps"] + CODEC.mirror(backend(images[:, :, ::-1]), shift)["heatmaps"]
    ) / 2
    assert np.array_equal(got, expected)


def test_every_map_is_averaged():
    class Codec:
        def mirror(self, maps, shift):
            return {name: value + 2 for name, value in maps.items()}

    got = FlipAverage(lambda _: {"a": np.zeros(3), "b": np.ones(2)}, Codec())(
        np.zeros((1, 4, 4, 3), np.uint8)
    )
    assert {name: value.tolist() for name, value in got.items()} == {"a": [1, 1, 1], "b": [2, 2]}
