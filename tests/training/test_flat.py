import numpy as np
import paddle
import pytest

from paddle_pose.training.flat import flat


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("shapes", [[[]], [[3]], [[2, 3]], [[2, 3], [], [4], [1, 2, 2]]])
def test_vector_contains_all_values_in_float32_and_is_a_copy(dtype, shapes):
    rng = np.random.default_rng(0)
    tensors = [paddle.to_tensor(rng.integers(-9, 9, shape)).astype(dtype) for shape in shapes]
    before = [tensor.astype("float32").numpy() for tensor in tensors]
    vector = flat(tensors)
    assert vector.dtype == paddle.float32
    assert np.array_equal(vector.numpy(), np.concatenate([values.ravel() for values in before]))
    vector.scale_(2.0)
    for tensor, values in zip(tensors, before, strict=True):
        assert np.array_equal(tensor.astype("float32").numpy(), values)
