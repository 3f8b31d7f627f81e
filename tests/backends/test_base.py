import sys

import pytest

from paddle_pose.backends.base import check_input, needed
from paddle_pose.errors import MissingDependencyError


def test_a_missing_package_is_named_with_its_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        MissingDependencyError, match=r'run: pip install "onnxruntime>=1.17" \(or "paddle_pose\[onnx\]"'
    ):
        needed("onnxruntime", "onnxruntime>=1.17", "onnx")


def test_a_package_that_lacks_another_one_says_so_itself(monkeypatch, tmp_path):
    (tmp_path / "half_installed.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'nowhere_at_all'"):
        needed("half_installed", "half-installed", "onnx")


def test_an_installed_package_is_returned():
    assert needed("json", "json", "onnx").loads("1") == 1


def test_a_batch_of_images_is_accepted():
    check_input("model.onnx", ["N", 64, None, 3], "uint8")


@pytest.mark.parametrize(
    ("shape", "dtype"), [(["N", 3, 64, 64], "uint8"), ([64, 64, 3], "uint8"), ([1, 8, 8, 3], "float")]
)
def test_other_inputs_are_refused(shape, dtype):
    with pytest.raises(ValueError, match=r"model.onnx: its input is .* expected uint8 \[N, H, W, 3\] RGB"):
        check_input("model.onnx", shape, dtype)
