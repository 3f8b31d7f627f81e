from paddle_pose.exporting.write import put_in_place


def test_a_file_is_replaced_with_all_that_belongs_to_it(tmp_path):
    draft, target = tmp_path / "draft", tmp_path / "target"
    for folder, content in ((draft, "new"), (target, "old")):
        folder.mkdir()
        for name in ("m.xml", "m.bin", "m.xml.metadata.json"):
            (folder / name).write_text(content)
    put_in_place(draft / "m.xml", target / "m.xml")
    assert {path.name: path.read_text() for path in target.iterdir()} == dict.fromkeys(
        ("m.xml", "m.bin", "m.xml.metadata.json"), "new"
    )
