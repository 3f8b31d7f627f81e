import tarfile

import pytest

from paddle_pose.io.checksum import sha256_of
from paddle_pose.web_demo import server as page_server


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """Writes a small package with the layout of the npm package, and returns its path."""
    path = tmp_path / "copy.tgz"
    with tarfile.open(path, "w:gz") as package:
        for name in page_server.RUNTIME_FILES:
            (tmp_path / name).write_text(name)
            package.add(tmp_path / name, f"package/dist/{name}")
    monkeypatch.setattr(page_server, "RUNTIME_SHA256", sha256_of(path))
    return path
