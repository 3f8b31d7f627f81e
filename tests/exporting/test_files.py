import re

import pytest

from paddle_pose.errors import InputError
from paddle_pose.exporting.files import put_in_place

NAMES = ("m.xml", "m.bin", "m.xml.metadata.json")


def test_an_export_replaces_an_earlier_one_with_all_its_files(tmp_path):
    draft, target = tmp_path / "draft", tmp_path / "target"
    target.mkdir()
    for content in ("old", "new"):
        draft.mkdir(exist_ok=True)
        for name in NAMES:
            (draft / name).write_text(content)
        put_in_place(draft / "m.xml", target / "m.xml")
        assert {path.name: path.read_text() for path in target.glob("[!.]*")} == dict.fromkeys(
            NAMES, content
        )


@pytest.mark.parametrize("name", NAMES)
def test_files_that_no_export_wrote_are_not_replaced(name, tmp_path):
    draft, target = tmp_path / "draft", tmp_path / "target"
    for folder, names in ((draft, NAMES), (target, [name])):
        folder.mkdir()
        for each in names:
            (folder / each).write_text(folder.name)
    with pytest.raises(InputError, match=re.escape(str(target / name))):
        put_in_place(draft / "m.xml", target / "m.xml")
    assert {path.name: path.read_text() for path in target.iterdir()} == {name: "target"}
