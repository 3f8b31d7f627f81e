import paddle
import pytest

from paddle_pose.models.macs import count_macs
from paddle_pose.models.simple_baseline import SimpleBaseline


def trainable_millions(network) -> float:
    """Returns the number of trainable parameters in millions."""
    return sum(p.size for p in network.parameters() if not p.stop_gradient) / 1e6


@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize(("depth", "millions"), [(50, 34.0), (101, 53.0), (152, 68.6)])
def test_simple_baseline_has_the_published_parameter_counts(depth, millions):
    assert trainable_millions(SimpleBaseline(depth=depth)) == pytest.approx(millions, abs=0.05)


@pytest.mark.usefixtures("zero_initial_weights")
def test_simple_baseline_has_the_published_macs():
    # Source: mmpose's table, 5.46 G at 256x192. (The official 8.9 G counts a deconvolution once per
    # output cell.)
    assert count_macs(SimpleBaseline(), (192, 256)) / 1e9 == pytest.approx(5.46, rel=0.01)


@pytest.mark.parametrize("joints", [5, 16])
def test_simple_baseline_supports_any_number_of_joints(joints):
    network = SimpleBaseline(num_joints=joints, width=4, deconv_channels=4)
    heatmaps = network(paddle.zeros([2, 64, 96, 3], dtype="uint8"))["heatmaps"]
    assert list(heatmaps.shape) == [2, 1, joints, 16, 24]


def test_simple_baseline_rejects_wrong_depth_and_image_size():
    with pytest.raises(ValueError, match=r"depth.* 34;.* 50, 101, 152"):
        SimpleBaseline(depth=34)
    with pytest.raises(ValueError, match="multiples of 32"):
        SimpleBaseline(width=4)(paddle.zeros([1, 48, 64, 3], dtype="uint8"))


def test_bgr_order_reverses_the_channels():
    paddle.seed(0)
    rgb = SimpleBaseline(num_joints=2, width=4, deconv_channels=4)
    bgr = SimpleBaseline(num_joints=2, width=4, deconv_channels=4, order="bgr")
    bgr.set_state_dict(rgb.state_dict())
    for network in (rgb, bgr):
        network.normalize.factor.fill_(
            1 / 255
        )  # equal for all channels, so that only the order differs
        network.normalize.offset.fill_(0.0)
        network.eval()
    images = paddle.randint(0, 256, [1, 32, 32, 3])
    outputs = rgb(images)["heatmaps"], bgr(images.flip(axis=3))["heatmaps"]
    assert paddle.allclose(*outputs, rtol=1e-5, atol=1e-8)
