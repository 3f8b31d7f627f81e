import paddle
import pytest

from paddle_pose.models.hrnet import HRNet
from paddle_pose.models.macs import count_macs


@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize(("width", "millions"), [(32, 28.5), (48, 63.6)])
def test_hrnet_has_the_published_parameter_counts(width, millions):
    network = HRNet(width=width)
    trainable = sum(p.size for p in network.parameters() if not p.stop_gradient) / 1e6
    assert trainable == pytest.approx(millions, abs=0.05)


@pytest.mark.usefixtures("zero_initial_weights")
def test_hrnet_has_the_published_macs():
    # Source: mmpose's table states 7.7 G for W32 at 256x192; the official README counts fewer
    # operations and states 7.1 G.
    assert 7.1 <= count_macs(HRNet(), (192, 256)) / 1e9 <= 7.75


@pytest.mark.parametrize("joints", [5, 16])
def test_hrnet_supports_any_number_of_joints(joints):
    network = HRNet(num_joints=joints, width=4, modules=(1, 1, 1), blocks=1, stem_channels=8)
    heatmaps = network(paddle.zeros([2, 64, 96, 3], dtype="uint8"))["heatmaps"]
    assert list(heatmaps.shape) == [2, 1, joints, 16, 24]


def test_every_parameter_has_a_gradient():
    network = HRNet(num_joints=2, width=4, modules=(1, 2, 2), blocks=1, stem_channels=8)
    network(paddle.randint(0, 256, [2, 64, 64, 3]).astype("uint8"))["heatmaps"].sum().backward()
    assert [
        name for name, p in network.named_parameters() if not p.stop_gradient and p.grad is None
    ] == []


def test_hrnet_rejects_a_wrong_image_size():
    with pytest.raises(ValueError, match="multiples of 32"):
        HRNet(width=4)(paddle.zeros([1, 48, 64, 3], dtype="uint8"))
