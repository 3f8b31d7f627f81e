import pytest

from paddle_pose.errors import InputError
from paddle_pose.io.weights_files import find_weights


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            ["config.json", "best_model/model.pdparams", "last/model.pdparams"],
            "best_model/model.pdparams",
        ),
        (["config.json", "manifest.json", "model.pdparams", "model.pdopt"], "model.pdparams"),
        (["pose.onnx", "pose.onnx.metadata.json"], "pose.onnx"),
        (["pose.xml", "pose.bin", "pose.xml.metadata.json"], "pose.xml"),
        (["pose.json", "pose.pdiparams", "pose.json.metadata.json"], "pose.json"),
    ],
    ids=["run", "checkpoint", "onnx", "openvino", "paddle"],
)
def test_folder_gives_the_weights_in_it(tmp_path, files, found):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_weights(tmp_path) == find_weights(str(tmp_path)) == tmp_path / found


def test_file_is_returned_unchanged_even_if_it_is_missing(tmp_path):
    assert find_weights(tmp_path / "model.pdparams") == tmp_path / "model.pdparams"


@pytest.mark.parametrize(
    "files",
    [["a.onnx", "b.onnx"], ["notes.txt", "data.json"], []],
    ids=["several", "none", "empty"],
)
def test_error_lists_the_content_of_other_folders(tmp_path, files):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(InputError) as caught:
        find_weights(tmp_path)
    assert all(name in str(caught.value) for name in [*files, str(tmp_path)])
