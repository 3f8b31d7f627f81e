import pytest

from paddle_pose.backends.base import check_input
from paddle_pose.errors import InputError


def test_check_input_accepts_a_batch_of_images():
    check_input("model.onnx", ["N", 64, None, 3], "uint8")


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [(["N", 3, 64, 64], "uint8"), ([64, 64, 3], "uint8"), ([1, 8, 8, 3], "float")],
)
def test_check_input_rejects_other_inputs(shape, dtype):
    with pytest.raises(InputError, match=rf"model\.onnx: .*{dtype}"):
        check_input("model.onnx", shape, dtype)
