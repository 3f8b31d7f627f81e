"""`prepare_mpii` on AI Studio's archive and the official release: complete, interrupted, unsafe."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from paddle_pose.cli import check, prepare_mpii
from paddle_pose.environment import command
from paddle_pose.io import archives

ROOT = Path(__file__).resolve().parents[2]
SPLITS = ("train", "val", "trainval", "test")


@pytest.fixture(params=["synthetic", "mpii5"])
def source(request: pytest.FixtureRequest) -> Path:
    if request.param == "synthetic":
        return request.getfixturevalue("synthetic_mpii")
    return request.getfixturevalue("shared") / "data" / "mpii5"


def entry(name: str, content: bytes = b"Mac OS X", kind: bytes = tarfile.REGTYPE, link: str = ""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def ai_studio(root: Path, path: Path, *more: tuple[tarfile.TarInfo, bytes]) -> Path:
    """Returns `mpii.tar.gz` as on AI Studio: a folder `mpii`, each file with a `._*` file."""
    entries = [entry("._mpii"), entry("mpii", kind=tarfile.DIRTYPE), entry("mpii/.DS_Store")]
    for file in [*sorted(root.glob("images/*")), *sorted(root.glob("annotations/mpii_*"))]:
        name = file.relative_to(root).as_posix()
        folder, _, last = name.rpartition("/")
        entries += [entry(f"mpii/{folder}/._{last}"), entry(f"mpii/{name}", file.read_bytes())]
    with tarfile.open(path, "w:gz") as tar:
        for info, content in [*entries, *more]:
            tar.addfile(info, io.BytesIO(content))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Returns the files below a folder without hidden files, such as locks."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def expected(root: Path) -> dict[str, bytes]:
    files = [*root.glob("images/*"), *root.glob("annotations/mpii_*")]
    content = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    if "annotations/mpii_trainval.json" not in content:
        both = [json.loads(content[f"annotations/mpii_{split}.json"]) for split in ("train", "val")]
        content["annotations/mpii_trainval.json"] = json.dumps(both[0] + both[1]).encode()
    return content


def prepare(*arguments: object) -> int:
    return prepare_mpii.main([str(argument) for argument in arguments])


def test_archive_is_prepared_as_mpii_layout(source, tmp_path, capsys):
    archive, output = ai_studio(source, tmp_path / "mpii.tar.gz"), tmp_path / "data" / "mpii"
    assert prepare(archive, "--output", output) == 0
    assert tree(output) == expected(source)
    printed = capsys.readouterr().out
    assert "(published: 22,246 in 14,679)" in printed
    assert "(published: 2,958 in 2,729)" in printed
    assert f"Next: {command('check')} --dataset_root {output}\n" in printed
    assert check.main(["--dataset_root", str(output)]) == 0


def test_second_preparation_changes_nothing(source, tmp_path, capsys):
    archive, output = ai_studio(source, tmp_path / "mpii.tar.gz"), tmp_path / "out"
    prepare(archive, "--output", output)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("[!.]*") if path.is_file()}
    capsys.readouterr()
    assert prepare(archive, "--output", output) == 0
    assert {
        path: path.stat().st_mtime_ns for path in output.rglob("[!.]*") if path.is_file()
    } == before
    assert ": 0 files written" in capsys.readouterr().out


@pytest.mark.parametrize("inside", ["", "mpii"])
def test_folder_and_zip_file_are_prepared(source, inside, tmp_path):
    output = tmp_path / "out"
    assert prepare(source, "--output", output) == 0
    assert tree(output) == expected(source)
    with zipfile.ZipFile(tmp_path / "mpii.zip", "w") as archive:
        for name, content in expected(source).items():
            archive.writestr(str(Path(inside) / name), content)
    assert prepare(tmp_path / "mpii.zip", "--output", tmp_path / "out2") == 0
    assert tree(tmp_path / "out2") == expected(source)
    assert prepare(output, "--output", output) == 0  # a folder that is prepared already
    assert tree(output) == expected(source)


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_interrupted_preparation_is_continued(source, after, tmp_path, monkeypatch):
    archive, output = ai_studio(source, tmp_path / "mpii.tar.gz"), tmp_path / "out"
    real, written = archives.write_whole, []

    def interrupted(path, content, size):
        if len(written) == after:
            path.with_name(f".{path.stem}.part{path.suffix}").write_bytes(
                b"half"
            )  # as a killed process leaves it
            raise KeyboardInterrupt
        real(path, content, size)
        written.append(path)

    monkeypatch.setattr(archives, "write_whole", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(archive, "--output", output)
    monkeypatch.setattr(archives, "write_whole", real)
    assert prepare(archive, "--output", output) == 0
    assert tree(output) == expected(source)


def test_killed_preparation_is_continued(synthetic_mpii, tmp_path):
    archive, output = ai_studio(synthetic_mpii, tmp_path / "mpii.tar.gz"), tmp_path / "out"
    slow = (
        "import sys, time; from paddle_pose.io import archives; real = archives.write_whole\n"
        "def slowly(*a):\n    time.sleep(0.02); real(*a)\n"
        "archives.write_whole = slowly\n"
        "from paddle_pose.cli import prepare_mpii; prepare_mpii.main(sys.argv[1:])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", slow, str(archive), "--output", str(output)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(output.glob("images/[!.]*.jpg"))) < 3:
            time.sleep(0.005)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert 3 <= len(list(output.glob("images/[!.]*.jpg"))) < 16
    assert prepare(archive, "--output", output) == 0
    assert tree(output) == expected(synthetic_mpii)


def test_incomplete_archive_is_an_error_and_its_files_are_kept(source, tmp_path, run_command):
    archive, output = ai_studio(source, tmp_path / "mpii.tar.gz"), tmp_path / "out"
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    done = run_command("prepare_mpii", archive, "--output", output)
    assert done.returncode == 2
    assert "damaged or incomplete" in done.stderr
    assert "download it again" in done.stderr
    assert tree(output).items() <= expected(source).items()
    archive.write_bytes(content)
    done = run_command("prepare_mpii", archive, "--output", output)
    assert done.returncode == 0, done.stderr
    assert tree(output) == expected(source)


HOSTILE = {
    "absolute": entry("/tmp/evil.jpg"),
    "climbing": entry("mpii/images/../../../evil.jpg"),
    "drive": entry("C:/images/evil.jpg"),
    "backslash": entry("mpii\\images\\..\\evil.jpg"),
    "symbolic link": entry("mpii/images", kind=tarfile.SYMTYPE, link="/tmp"),
    "hard link": entry("mpii/images/evil.jpg", kind=tarfile.LNKTYPE, link="/etc/passwd"),
    "device": entry("mpii/images/evil.jpg", kind=tarfile.CHRTYPE),
    "fifo": entry("mpii/images/evil.jpg", kind=tarfile.FIFOTYPE),
    "hidden among macOS files": entry("mpii/._../../../._evil.jpg"),
}


@pytest.mark.parametrize("member", HOSTILE)
def test_malicious_member_is_an_error(source, member, tmp_path):
    archive = ai_studio(source, tmp_path / "mpii.tar.gz", HOSTILE[member])
    with pytest.raises(ValueError, match="refused, member") as caught:
        prepare(archive, "--output", tmp_path / "deep" / "out")
    assert repr(HOSTILE[member][0].name) in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"mpii.tar.gz", "deep"}
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"out"}
    assert not any(path.is_symlink() or "evil" in path.name for path in tmp_path.rglob("*"))


def test_output_folder_that_is_a_link_is_an_error(synthetic_mpii, tmp_path):
    archive = ai_studio(synthetic_mpii, tmp_path / "mpii.tar.gz")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a link"):
        prepare(archive, "--output", tmp_path / "out")
    assert tree(tmp_path / "elsewhere") == {}


def test_images_and_annotations_may_be_in_separate_archives(source, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    for path in source.glob("images/*"):
        (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    assert prepare(tmp_path / "images", "--output", tmp_path / "out") == 1
    assert "Missing: annotations" in capsys.readouterr().err
    assert prepare(source / "annotations", "--output", tmp_path / "out2") == 1
    assert "Missing: images" in capsys.readouterr().err
    assert (
        prepare(
            tmp_path / "images",
            "--annotations",
            source / "annotations",
            "--output",
            tmp_path / "out",
        )
        == 0
    )
    assert tree(tmp_path / "out") == expected(source)


def test_empty_or_missing_folder_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty"):
        prepare(tmp_path / "empty", "--output", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        prepare(tmp_path / "nowhere", "--output", tmp_path / "out")


def test_missing_images_are_reported(synthetic_mpii, tmp_path, capsys):
    prepare(synthetic_mpii, "--output", tmp_path / "out")
    gone = sorted((tmp_path / "out/images").iterdir())[0]
    gone.unlink()
    assert prepare(tmp_path / "out/annotations", "--output", tmp_path / "out") == 1
    assert gone.name in capsys.readouterr().err


# The official release.


def structs(items: list[dict]) -> np.ndarray:
    array = np.empty((1, len(items)), dtype=[(key, object) for key in items[0]])
    for n, item in enumerate(items):
        array[0, n] = tuple(item.values())
    return array


def official(root: Path, folder: Path) -> tuple[Path, Path]:
    """Returns `mpii_human_pose_v1.tar.gz` (images) and `mpii_human_pose_v1_u12_2.zip` (.mat)."""
    truth = scipy.io.loadmat(root / "annotations/mpii_gt_val.mat")["headboxes_src"]
    annolist = []
    for split in ("train", "val"):
        for n, record in enumerate(
            json.loads((root / f"annotations/mpii_{split}.json").read_text())
        ):
            x1, y1, x2, y2 = truth[..., n if split == "val" else 0].ravel()
            marks = [
                {"x": x, "y": y, "id": slot}
                for slot, ((x, y), seen) in enumerate(
                    zip(record["joints"], record["joints_vis"], strict=True)
                )
                if seen
            ]
            place = {"x": record["center"][0], "y": record["center"][1]}
            box = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
            person = {
                **box,
                "annopoints": {"point": structs(marks)},
                "scale": record["scale"],
                "objpos": place,
            }
            annolist.append({"image": {"name": record["image"]}, "annorect": structs([person])})
    content = io.BytesIO()
    train = np.ones((1, len(annolist)), np.uint8)
    scipy.io.savemat(content, {"RELEASE": {"annolist": structs(annolist), "img_train": train}})
    with zipfile.ZipFile(folder / "mpii_human_pose_v1_u12_2.zip", "w") as archive:
        archive.writestr("mpii_human_pose_v1_u12_2/README.md", "MPII")
        archive.writestr(
            "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat", content.getvalue()
        )
    with tarfile.open(folder / "mpii_human_pose_v1.tar.gz", "w:gz") as tar:
        for path in sorted(root.glob("images/*")):
            info, data = entry(f"images/{path.name}", path.read_bytes())
            tar.addfile(info, io.BytesIO(data))
    return folder / "mpii_human_pose_v1.tar.gz", folder / "mpii_human_pose_v1_u12_2.zip"


def test_release_without_a_split_reports_the_missing_files(synthetic_mpii, tmp_path, capsys):
    images, annotations = official(synthetic_mpii, tmp_path)
    output = tmp_path / "out"
    assert prepare(images, "--annotations", annotations, "--output", output) == 1
    printed = capsys.readouterr()
    assert "detections_our_format.mat" in printed.err
    assert "--annotations FILE" in printed.err
    assert "train.py" not in printed.out
    assert len(json.loads((output / "annotations/mpii_trainval.json").read_text())) == 16
    assert not (output / "annotations/mpii_train.json").exists()


@pytest.mark.parametrize("by", ["mpii_gt_val.mat", "mpii_val.json"])
def test_release_with_a_split_is_prepared_completely(synthetic_mpii, by, tmp_path):
    images, annotations = official(synthetic_mpii, tmp_path)
    output = tmp_path / "out"
    first = prepare(images, "--annotations", annotations, "--output", output)  # without: incomplete
    split = synthetic_mpii / "annotations" / by
    assert (
        first,
        prepare(images, "--annotations", annotations, "--annotations", split, "--output", output),
    ) == (
        1,
        0,
    )
    for name in ("train", "val", "trainval"):
        made = json.loads((output / f"annotations/mpii_{name}.json").read_text())
        assert made == json.loads((synthetic_mpii / f"annotations/mpii_{name}.json").read_text())
    assert check.main(["--dataset_root", str(output)]) == 0
