import numpy as np
import paddle
import pytest
from paddle import nn

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.models.decoding import HeatmapKeypoints, with_decoding

RNG = np.random.default_rng(0)


class Answers(nn.Layer):
    """A network that answers given heatmaps."""

    def __init__(self, heatmaps):
        super().__init__()
        self.heatmaps = paddle.to_tensor(heatmaps)

    def forward(self, images):
        return {"heatmaps": self.heatmaps}


def noise(width, height):
    return RNG.normal(size=(4, 2, 16, height, width))


def at_every_border(width, height):
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
@pytest.mark.parametrize("maps", [noise, at_every_border, plateaus, empty])
def test_the_graph_reads_what_the_codec_reads(maps, alignment, decode_by):
    codec = HeatmapCodec(input_size=(24, 32), decode_by=decode_by, alignment=alignment)
    heatmaps = maps(*codec.map_size).astype(np.float32)
    answer = HeatmapKeypoints(Answers(heatmaps), codec)(None)["keypoints"].numpy()
    for found, poses in zip(answer, codec.decode({"heatmaps": heatmaps}), strict=True):
        assert np.allclose(found[:, :2], poses.keypoints[0], atol=1e-5)
        assert np.array_equal(found[:, 2], poses.scores[0].astype(np.float32))


def test_dark_is_no_graph():
    with pytest.raises(ValueError, match=r"--decode: a graph reads peaks by argmax or quarter, the config says dark"):
        HeatmapKeypoints(Answers(noise(8, 8)), HeatmapCodec(decode_by="dark"))


def test_the_codec_chooses_the_graph():
    layer = with_decoding(Answers(noise(8, 8)), HeatmapCodec(input_size=(32, 32)))
    assert isinstance(layer, HeatmapKeypoints)
    assert not layer.training
    with pytest.raises(ValueError, match="--decode: no graph decodes what object reads; export without --decode"):
        with_decoding(layer, object())
