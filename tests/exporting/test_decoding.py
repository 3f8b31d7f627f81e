import numpy as np
import paddle
import pytest
from helpers.vector_codec import DecodedVectorCodec, VectorCodec
from helpers.vector_network import VectorKeypoints
from paddle import nn

from paddle_pose.codecs.base import OutputSpec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.errors import InputError
from paddle_pose.exporting.decoding import (
    HeatmapKeypoints,
    MoveNetKeypoints,
    MultiPosePeople,
    with_decoding,
)

RNG = np.random.default_rng(0)


class FixedMaps(nn.Layer):
    """A network that returns the same maps for all images."""

    def __init__(self, heatmaps, **others):
        super().__init__()
        self.maps = {
            name: paddle.to_tensor(maps) for name, maps in {"heatmaps": heatmaps, **others}.items()
        }

    def forward(self, images):
        return self.maps


def noise(width, height):
    return RNG.normal(size=(4, 2, 16, height, width))


def at_every_cell(width, height):
    """Returns one map per cell, with its peak there."""
    maps = np.zeros((width * height, 1, 16, height, width))
    y, x = np.divmod(np.arange(width * height), width)
    maps[np.arange(width * height), 0, :, y, x] = 1
    return maps + 0.1 * noise(width, height)[:1, :1]


def plateaus(width, height):
    return np.round(noise(width, height) * 2)


def empty(width, height):
    return np.minimum(noise(width, height), 0)


@pytest.mark.parametrize("decode_by", ["argmax", "quarter"])
@pytest.mark.parametrize("alignment", ["published", "udp"])
@pytest.mark.parametrize("maps", [noise, at_every_cell, plateaus, empty])
def test_the_graph_and_the_codec_decode_the_same_keypoints(maps, alignment, decode_by):
    codec = HeatmapCodec(input_size=(24, 32), decode_by=decode_by, alignment=alignment)
    heatmaps = maps(*codec.map_size).astype(np.float32)
    output = HeatmapKeypoints(FixedMaps(heatmaps), codec)(None)["keypoints"].numpy()
    for found, poses in zip(output, codec.decode({"heatmaps": heatmaps}), strict=True):
        assert np.allclose(found[:, :2], poses.keypoints[0], atol=1e-5)
        assert np.array_equal(found[:, 2], poses.scores[0].astype(np.float32))


def test_dark_has_no_graph():
    with pytest.raises(InputError, match=r"decode: .*codec\.decode_by.*dark"):
        HeatmapKeypoints(FixedMaps(noise(8, 8)), HeatmapCodec(decode_by="dark"))


@pytest.mark.parametrize("regression_unit", ["cell", "map"])
def test_the_graph_and_the_codec_find_the_same_person(regression_unit):
    codec = MoveNetCodec(input_size=(96, 64), regression_unit=regression_unit)
    channels = {"centers": 1, "heatmaps": 17, "regressions": 34, "offsets": 34}
    maps = {
        name: RNG.random((5, count, 16, 24)).astype(np.float32) for name, count in channels.items()
    }
    maps["regressions"] = (maps["regressions"] - 0.5) * (1 if regression_unit == "map" else 20)
    output = MoveNetKeypoints(FixedMaps(**maps), codec)(None)["keypoints"].numpy()
    assert output.shape == (5, 1, 17, 3)  # as in Google's files
    for found, poses in zip(output, codec.decode(maps), strict=True):
        assert np.allclose(found[0, :, :2] * (64, 96), poses.keypoints[0][:, ::-1], atol=1e-4)
        assert np.allclose(found[0, :, 2], poses.scores[0])


def test_several_people_have_no_graph():
    with pytest.raises(InputError, match=r"decode: .*codec\.max_persons.* 6;"):
        MoveNetKeypoints(FixedMaps(noise(8, 8)), MoveNetCodec(max_persons=6))


def test_the_codec_decides_the_graph():
    layer = with_decoding(FixedMaps(noise(8, 8)), HeatmapCodec(input_size=(32, 32)))
    assert isinstance(layer, HeatmapKeypoints)
    assert not layer.training
    assert isinstance(with_decoding(FixedMaps(noise(8, 8)), MoveNetCodec()), MoveNetKeypoints)


def test_a_codec_of_another_package_names_its_own_graph():
    assert isinstance(with_decoding(FixedMaps(noise(8, 8)), DecodedVectorCodec()), VectorKeypoints)


def test_a_codec_without_a_graph_is_refused():
    with pytest.raises(InputError, match="VectorCodec"):
        with_decoding(FixedMaps(noise(8, 8)), VectorCodec())


def test_the_output_has_a_specification():
    decoder = with_decoding(FixedMaps(noise(8, 8)), HeatmapCodec(input_size=(32, 32)))
    assert decoder.output_spec((1, 16, 3)) == OutputSpec(
        name="keypoints",
        axes=("N", "K", "columns"),
        meaning="K joints in the skeleton's order; see columns and unit",
        unit="input px",
        columns=("x", "y", "score"),
    )
    decoder = with_decoding(FixedMaps(noise(8, 8)), MoveNetCodec())
    assert decoder.output_spec((1, 1, 17, 3)) == OutputSpec(
        name="keypoints",
        axes=("N", "P", "K", "columns"),
        meaning="one person, K joints in the skeleton's order; see columns and unit",
        unit="fraction",
        columns=("y", "x", "score"),
    )


def people_of_noise(codec, level):
    """Returns maps with many people: centres up to a level, boxes of all sizes, some empty."""
    width, height = (side // 4 for side in codec.input_size)
    shapes = dict(zip(codec.outputs, (1, 17, 34, 34, 2, 2), strict=True))
    maps = {name: RNG.normal(0, 3, (3, count, height, width)) for name, count in shapes.items()}
    maps["centers"] = RNG.uniform(0, level, maps["centers"].shape)
    maps["heatmaps"] = RNG.uniform(0, 1, maps["heatmaps"].shape)
    maps["box_sizes"] = RNG.normal(width / 3, width / 3, maps["box_sizes"].shape)
    return {name: values.astype(np.float32) for name, values in maps.items()}


@pytest.mark.parametrize("level", [1.0, 1e-6], ids=["people", "plateau"])
@pytest.mark.parametrize("size", [(64, 96), (96, 32)])
def test_the_graph_and_the_codec_of_multipose_return_the_same_people(size, level):
    codec = MultiPoseCodec(input_size=size)
    maps = people_of_noise(codec, level)
    found = MultiPosePeople(FixedMaps(**maps), codec)(None)["people"].numpy()
    expected = codec.people(maps)
    assert found.shape == expected.shape == (3, 6, 56)
    scale = np.array([*([size[1], size[0], 1] * 17), *([size[1], size[0]] * 2), 1])
    np.testing.assert_allclose(found * scale, expected * scale, rtol=0, atol=1e-4)


def test_a_multipose_graph_names_the_codec_of_its_file():
    codec = MultiPoseCodec(input_size=(64, 96), min_score=0.3)
    graph = with_decoding(FixedMaps(**people_of_noise(codec, 1.0)), codec)
    assert graph.file_codec.outputs == ("people",)
    assert not graph.file_codec.sizes_vary
    assert (graph.file_codec.input_size, graph.file_codec.min_score) == ((64, 96), 0.3)
    specs = graph.file_codec.output_spec({"people": (3, 6, 56)})
    assert (graph.output_spec((3, 6, 56)),) == specs
