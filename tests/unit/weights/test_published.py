"""The table of published files: complete, consistent, and labelled as others' numbers."""

import re

import pytest

from paddle_pose.weights.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_entries_are_complete(name):
    file = PUBLISHED[name]
    assert file.name == name
    assert file.url.startswith("https://")
    assert file.source.startswith("https://")
    assert re.fullmatch(r"[0-9a-f]{8,64}", file.sha256)
    assert file.url.endswith(file.file_name)
    assert file.sha256[:8] in file.file_name
    assert "not measured by this project" in file.protocol
    assert all(0 < value <= 100 for _, value in file.published)


@pytest.mark.parametrize(("side", "numbers"), [(256, (88.9, 31.7)), (384, (89.4, 36.6))])
def test_hourglass_numbers_are_mmposes(side, numbers):
    file = PUBLISHED[f"mmpose_hourglass52_mpii_{side}"]
    assert file.config == f"hourglass52_mpii_{side}"
    assert f"{side}x{side}" in file.url
    assert dict(file.published) == dict(zip(("Mean", "Mean@0.1"), numbers, strict=True))
