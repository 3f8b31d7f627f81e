"""Archives are extracted completely or refused by name, and interrupted runs are continued."""

import io
import shutil
import stat
import tarfile
import tracemalloc
import zipfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.io import archives
from paddle_pose.io.archives import Extracted, extract

_BYTES = np.random.default_rng(0).bytes
FILES = {
    "mpii/images/1.jpg": _BYTES(15000),
    "mpii/images/2.jpg": _BYTES(27000),
    "mpii/annotations/a.json": b"[]",
}


def tar_entry(name: str, content: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def write_tar(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return path


def write_zip(path: Path, files: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def whole(path: Path, kind: str) -> Path:
    if kind == "zip":
        return write_zip(path / "a.zip", FILES)
    mode = {"tar": "w", "tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}[kind]
    return write_tar(path / f"a.{kind}", [tar_entry(*item) for item in FILES.items()], mode)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["tar", "tgz", "tar.bz2", "tar.xz", "zip"])
def test_files_are_extracted_and_kept_by_a_second_run(kind, tmp_path):
    archive, folder = whole(tmp_path, kind), tmp_path / "out"
    assert archives.is_archive(archive)
    assert extract(archive, folder) == Extracted(written=3)
    assert tree(folder) == FILES
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert extract(archive, folder) == Extracted(kept=3)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_file_of_another_size_is_written_again(tmp_path):
    archive, folder = whole(tmp_path, "tgz"), tmp_path / "out"
    extract(archive, folder)
    (folder / "mpii/images/1.jpg").write_bytes(b"half")
    (folder / "mpii/images/2.jpg").unlink()
    assert extract(archive, folder) == Extracted(written=2, kept=1)
    assert tree(folder) == FILES


def test_folders_dots_and_macos_files_are_handled(tmp_path):
    entries = [
        tar_entry("./mpii", b"", type=tarfile.DIRTYPE),
        tar_entry("./mpii//images/./1.jpg", b"1"),
        tar_entry("./mpii/images/._1.jpg"),
        tar_entry("./__MACOSX/mpii/1.jpg"),
        tar_entry("./mpii/.DS_Store"),
        tar_entry("./mpii/README"),
    ]
    place = {"mpii/images/1.jpg": "images/1.jpg"}.get
    archive = write_tar(tmp_path / "a.tar.gz", entries)
    assert extract(archive, tmp_path / "out", place=place) == Extracted(
        written=1, macos=3, ignored=1
    )
    assert tree(tmp_path / "out") == {"images/1.jpg": b"1"}


NAMES = {
    "/etc/evil": "absolute",
    "../evil": "leaves the folder",
    "mpii/../../evil": "leaves the folder",
    "a/..": "leaves the folder",
    "C:/evil": "drive letter",
    "a/c:evil": "drive letter",
    "..\\evil": "backslash",
    "a\nb": "control",
}


def refuse(archive: Path, tmp_path: Path, match: str, **options: float) -> None:
    """Checks that an archive is refused, and that at most the valid member was extracted."""
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=match) as caught:
        extract(archive, tmp_path / "deep" / "out", **options)
    assert str(caught.value).startswith(str(archive))
    new = set(tmp_path.rglob("*")) - before
    allowed = {tmp_path / "deep", tmp_path / "deep/out", tmp_path / "deep/out/good"}
    assert new <= allowed
    assert not (tmp_path / "deep/out").exists() or all(
        path.is_file() for path in (tmp_path / "deep/out").iterdir()
    )


@pytest.mark.parametrize(("name", "why"), NAMES.items())
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_unsafe_names_are_an_error(name, why, kind, tmp_path):
    if kind == "tar":
        archive = write_tar(tmp_path / "a.tar.gz", [tar_entry("good"), tar_entry(name)])
    else:
        archive = write_zip(tmp_path / "a.zip", {"good": b"x", name: b"x"})
        why = "leaves the folder" if why == "backslash" else why
    refuse(archive, tmp_path, why)


def test_backslashes_of_a_zip_separate_folders(tmp_path):
    names = {"mpii\\images\\": b"", "mpii\\images\\1.jpg": b"1", "mpii/2.jpg": b"2"}
    archive = write_zip(tmp_path / "a.zip", names)
    extract(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"mpii/images/1.jpg": b"1", "mpii/2.jpg": b"2"}


@pytest.mark.parametrize("name", ["\\evil", "C:\\evil", "a\\..\\..\\evil", "\\\\host\\share\\evil"])
def test_unsafe_names_with_backslashes_are_an_error(name, tmp_path):
    archive = write_zip(tmp_path / "a.zip", {"good": b"x", name: b"x"})
    refuse(archive, tmp_path, "absolute|drive letter|leaves the folder")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        pytest.param(tarfile.SYMTYPE, "link", id="symbolic link"),
        pytest.param(tarfile.LNKTYPE, "link", id="hard link"),
        pytest.param(tarfile.FIFOTYPE, "fifo", id="fifo"),
        pytest.param(tarfile.CHRTYPE, "device", id="character device"),
        pytest.param(tarfile.BLKTYPE, "device", id="block device"),
    ],
)
def test_unsafe_kinds_in_a_tar_are_an_error(kind, why, tmp_path):
    entry = tar_entry("mpii/images", b"", type=kind, linkname="/etc", devmajor=1, devminor=3)
    refuse(write_tar(tmp_path / "a.tar.gz", [tar_entry("good"), entry]), tmp_path, why)


@pytest.mark.parametrize(
    ("mode", "why"), [(stat.S_IFLNK, "link"), (stat.S_IFIFO, "fifo"), (stat.S_IFCHR, "device")]
)
def test_unsafe_kinds_in_a_zip_are_an_error(mode, why, tmp_path):
    refuse(write_zip(tmp_path / "a.zip", {"mpii/images": b"/etc"}, mode | 0o777), tmp_path, why)


def test_file_with_a_password_is_an_error(tmp_path):
    archive = write_zip(tmp_path / "a.zip", {"good": b"x"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(content))
    refuse(archive, tmp_path, "password")


@pytest.mark.parametrize("kind", ["tgz", "zip"])
def test_archives_that_unpack_to_too_much_are_an_error(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_RATIO_COUNTS_FROM", 10_000)
    content = {"bomb": bytes(5_000_000)}
    archive = (
        write_zip(tmp_path / "a.zip", content)
        if kind == "zip"
        else write_tar(tmp_path / "a.tgz", [tar_entry(*item) for item in content.items()])
    )
    refuse(archive, tmp_path, "'bomb' it unpacks to 5,000,000 bytes")
    refuse(archive, tmp_path, "unpacks to", max_bytes=4_000_000, max_ratio=1e9)


def test_false_size_is_an_error(tmp_path):
    info, _ = tar_entry("good")
    info.size = 10**15
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(2048))
    refuse(tmp_path / "a.tar", tmp_path, "1,000,000,000,000,000 bytes")


@pytest.mark.parametrize("kind", ["tar", "tgz", "tar.bz2", "tar.xz", "zip"])
def test_truncated_archive_is_an_error_at_every_length_and_can_be_continued(kind, tmp_path):
    archive, folder = whole(tmp_path, kind), tmp_path / "out"
    content = archive.read_bytes()
    # A plain tar file ends with at least 1024 zeros, of which some may be missing.
    end = len(content) if kind != "tar" else len(content.rstrip(b"\0"))
    rng = np.random.default_rng(0)
    for length in {0, 1, 511, 512, end - 1, *rng.integers(0, end, 25).tolist()}:
        archive.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"damaged or incomplete") as caught:
            extract(archive, folder)
        assert "stays" in str(caught.value)
        assert all(FILES[name] == found for name, found in tree(folder).items())
    archive.write_bytes(content)
    extract(archive, folder)
    assert tree(folder) == FILES


@pytest.mark.parametrize("kind", ["tgz", "tar.bz2", "tar.xz", "zip"])
def test_changed_byte_never_gives_a_wrong_file_without_an_error(kind, tmp_path):
    archive = whole(tmp_path, kind)
    content, rng = archive.read_bytes(), np.random.default_rng(1)
    for n, position in enumerate(rng.integers(0, len(content), 40)):
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        archive.write_bytes(bytes(changed))
        folder = tmp_path / f"out{n}"
        try:
            extract(archive, folder)
        except ValueError:
            continue
        # Content always has a checksum; names, dates and modes do not in every format.
        assert set(tree(folder).values()) <= set(FILES.values())


def test_unreadable_header_in_the_middle_is_an_error(tmp_path):
    archive = whole(tmp_path, "tar")
    content = bytearray(archive.read_bytes())
    second = content.index(b"mpii/images/2.jpg")
    content[second : second + 512] = b"\xff" * 512
    archive.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="header cannot be read"):
        extract(archive, tmp_path / "out")


@pytest.mark.parametrize("after", [0, 1, 2])
def test_interrupted_extraction_is_continued(after, tmp_path, monkeypatch):
    archive, folder = whole(tmp_path, "tgz"), tmp_path / "out"
    real, calls = archives.write_whole, []

    def interrupted(path, source, size):
        calls.append(path)
        if len(calls) > after:
            raise KeyboardInterrupt
        real(path, source, size)

    monkeypatch.setattr(archives, "write_whole", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(archive, folder)
    monkeypatch.setattr(archives, "write_whole", real)
    assert extract(archive, folder) == Extracted(written=3 - after, kept=after)
    assert tree(folder) == FILES


def test_draft_of_a_killed_run_is_removed(tmp_path):
    archive, folder = whole(tmp_path, "tgz"), tmp_path / "out"
    (folder / "mpii/images").mkdir(parents=True)
    (folder / "mpii/images/.1.part.jpg").write_bytes(b"half")
    extract(archive, folder)
    assert tree(folder) == FILES


@pytest.mark.parametrize("which", ["out", "out/mpii", "out/mpii/images"])
def test_link_among_the_folders_is_an_error(which, tmp_path):
    archive, elsewhere = whole(tmp_path, "tgz"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / which).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / which).symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(ValueError, match="is a link"):
        extract(archive, tmp_path / "out")
    assert tree(elsewhere) == {}


def test_link_in_the_place_of_a_file_is_replaced(tmp_path):
    archive, victim = whole(tmp_path, "tgz"), tmp_path / "victim"
    victim.write_bytes(FILES["mpii/images/1.jpg"])  # of the right size
    (tmp_path / "out/mpii/images").mkdir(parents=True)
    for name in ("1.jpg", ".1.part.jpg", ".2.part.jpg"):
        (tmp_path / "out/mpii/images" / name).symlink_to(victim)
    extract(archive, tmp_path / "out")
    assert victim.read_bytes() == FILES["mpii/images/1.jpg"]
    assert not (tmp_path / "out/mpii/images/1.jpg").is_symlink()


def test_file_in_the_place_of_a_folder_is_an_error_and_vice_versa(tmp_path):
    archive = whole(tmp_path, "tgz")
    (tmp_path / "out/mpii/images/1.jpg").mkdir(parents=True)
    with pytest.raises(ValueError, match="is a folder where a file is needed"):
        extract(archive, tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mpii").write_bytes(b"")
    with pytest.raises(ValueError, match="is a file where a folder is needed"):
        extract(archive, tmp_path / "out")


def test_two_different_files_with_one_target_are_an_error(tmp_path):
    archive = write_tar(
        tmp_path / "a.tgz", [tar_entry("a/1.jpg", b"1"), tar_entry("b/1.jpg", b"other")]
    )
    with pytest.raises(ValueError, match=r"two different files for 1\.jpg"):
        extract(archive, tmp_path / "out", place=lambda name: Path(name).name)


def test_too_little_room_on_the_disk_is_an_error_before_writing(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    archive = whole(tmp_path, "tgz")
    folder = tmp_path / "out"
    needed = 64_000_000 + archive.stat().st_size
    with pytest.raises(OSError, match=f"1,000 bytes are free, {needed:,} are needed"):
        extract(archive, folder)
    (folder / "begun").touch()
    with pytest.raises(OSError, match="1,000 bytes are free, 64,015,000 are needed"):
        extract(archive, folder)
    assert tree(folder) == {"begun": b""}


def test_progress_is_reported_and_a_missing_archive_is_an_error(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(archives.time, "monotonic", lambda: next(clock))
    lines: list[str] = []
    extract(whole(tmp_path, "zip"), tmp_path / "out", progress=lines.append)
    assert lines[-1].startswith("a.zip: ")
    assert lines[-1].endswith("%, 3 files written")
    with pytest.raises(FileNotFoundError, match="give the path of the archive"):
        extract(tmp_path / "no.zip", tmp_path / "out")


def test_zip_members_without_a_name_are_an_error(tmp_path):
    archive = write_zip(tmp_path / "a.zip", {"": b"x"})
    with pytest.raises(InputError, match=r"a\.zip: refused, a member has no name"):
        extract(archive, tmp_path / "out")


def test_tar_members_without_a_name_are_an_error(tmp_path):
    archive = write_tar(tmp_path / "a.tar.gz", [tar_entry("./")])
    with pytest.raises(InputError, match=r"a\.tar\.gz: refused, a member has no name"):
        extract(archive, tmp_path / "out")


def test_zip_members_of_an_unknown_method_are_an_error(tmp_path):
    archive = write_zip(tmp_path / "a.zip", {"1.jpg": b"x" * 100})
    content = bytearray(archive.read_bytes())
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.index(signature) + place
        content[start : start + 2] = (99).to_bytes(2, "little")
    archive.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.zip: damaged .*compression"):
        extract(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_zip_names_that_are_not_utf8_are_an_error(tmp_path):
    archive = write_zip(tmp_path / "a.zip", {"ä.jpg": b"x"})
    archive.write_bytes(archive.read_bytes().replace("ä".encode(), b"\xff\xfe"))
    with pytest.raises(InputError, match=r"a\.zip: damaged .*utf-8"):
        extract(archive, tmp_path / "out")


@pytest.mark.parametrize(
    "kind",
    [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME],
    ids=["pax", "global pax", "long name"],
)
def test_headers_of_a_tar_that_inflate_are_not_read(kind, tmp_path):
    large = tar_entry("long", bytes(40_000_000), type=kind)
    archive = write_tar(tmp_path / "a.tar.gz", [large, tar_entry("1.jpg")])
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"damaged .*a header of 40,000,000 bytes"):
            extract(archive, tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_long_names_of_both_formats_are_read(tmp_path):
    name = "/".join(["folder" * 10] * 5) + "/1.jpg"
    for number in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = tmp_path / f"{number}.tar"
        with tarfile.open(archive, "w", format=number) as tar:
            tar.addfile(tarfile.TarInfo(name))
        assert extract(archive, tmp_path / str(number)) == Extracted(written=1)


def test_too_many_members_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(InputError, match="more than 2 members"):
        extract(whole(tmp_path, "tgz"), tmp_path / "out")
