import re

import pytest

from paddle_pose.errors import InputError
from paddle_pose.exporting.files import put_in_place

NAMES = ("m.xml", "m.bin", "m.xml.metadata.json")


def test_a_file_is_replaced_with_all_that_belongs_to_it(tmp_path):
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
def test_no_file_is_replaced_that_no_export_wrote(name, tmp_path):
    draft, target = tmp_path / "draft", tmp_path / "target"
    for folder, names in ((draft, NAMES), (target, [name])):
        folder.mkdir()
        for each in names:
            (folder / each).write_text(folder.name)
    with pytest.raises(InputError, match=re.escape(str(target / name))):
        put_in_place(draft / "m.xml", target / "m.xml")
    assert {path.name: path.read_text() for path in target.iterdir()} == {name: "target"}
