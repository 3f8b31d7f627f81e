import json

import pytest

from paddle_pose.io import manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.bin").write_bytes(bytes(range(50)))
    (tmp_path / "config.json").write_text("{}")
    manifest.write(tmp_path, {"python": "3"})
    return tmp_path


def test_every_changed_bit_is_an_error(folder):
    path = folder / "model.bin"
    manifest.check_file(path)
    whole = path.read_bytes()
    for place in range(0, 400, 37):
        path.write_bytes(
            bytes(byte ^ (1 << place % 8) * (n == place // 8) for n, byte in enumerate(whole))
        )
        with pytest.raises(ValueError, match=r"model\.bin: damaged: .*another checkpoint"):
            manifest.check_file(path)
    path.write_bytes(whole)
    manifest.check_file(path)
    manifest.check(folder)


def test_unlisted_file_is_not_checked(folder, tmp_path_factory):
    (folder / "model.onnx").write_bytes(b"later")
    manifest.check_file(folder / "model.onnx")
    alone = tmp_path_factory.mktemp("alone")
    manifest.check_file(alone / "model.bin")


@pytest.mark.parametrize(
    "content", [[1], {}, {"files": 3}, {"files": []}, {"name": "a web page", "icons": []}]
)
def test_manifests_of_other_programs_are_ignored(folder, content):
    (folder / manifest.MANIFEST).write_text(json.dumps(content))
    manifest.check_file(folder / "model.bin")


def test_truncated_manifest_is_an_error(folder):
    path = folder / manifest.MANIFEST
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ValueError, match=r"manifest\.json: not valid JSON"):
        manifest.check_file(folder / "model.bin")
