import pytest

from paddle_pose.backends.base import check_input


def test_a_batch_of_images_is_accepted():
    check_input("model.onnx", ["N", 64, None, 3], "uint8")


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [(["N", 3, 64, 64], "uint8"), ([64, 64, 3], "uint8"), ([1, 8, 8, 3], "float")],
)
def test_other_inputs_are_refused(shape, dtype):
    with pytest.raises(
        ValueError, match=r"model.onnx: its input is .* expected uint8 \[N, H, W, 3\] RGB"
    ):
        check_input("model.onnx", shape, dtype)
