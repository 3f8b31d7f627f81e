"""Downloads of models of several files: from their URLs, an archive or copies."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest
from helpers.web_server import Site, serving

from paddle_pose.errors import InputError
from paddle_pose.io.download import RemoteFile
from paddle_pose.io.download_files import download_files

GRAPH, WEIGHTS = b'{"weightsManifest": 1}', np.random.default_rng(0).bytes(300_000)
CONTENTS = {"net.json": GRAPH, "net.bin": WEIGHTS}


def packed(members):
    """Returns a .tgz of (name, content or tarfile.TarInfo)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


ARCHIVE = packed(
    [("package/README.md", b"read me")]
    + [(f"package/models/{name}", content) for name, content in CONTENTS.items()]
)


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(
        Site({**{f"own/{name}": content for name, content in CONTENTS.items()}, "all.tgz": ARCHIVE})
    ) as site:
        yield site


def remote(site, name, content):
    return RemoteFile(
        "net", f"{site.address}{name}", hashlib.sha256(content).hexdigest(), size=len(content)
    )


def fetch(site, folder, copies=(), archive=True, **options):
    files = [remote(site, f"own/{name}", content) for name, content in CONTENTS.items()]
    packed = remote(site, "all.tgz", site.files["all.tgz"]) if archive else None
    return download_files(
        files, folder, archive=packed, copies=copies, timeout=5.0, pause=0.01, **options
    )


def is_complete(folder):
    return {path.name: path.read_bytes() for path in folder.glob("net.*")} == CONTENTS


def test_files_are_downloaded_from_their_own_urls_first(site, tmp_path):
    assert fetch(site, tmp_path) == [tmp_path / "net.json", tmp_path / "net.bin"]
    assert is_complete(tmp_path)
    assert [name for name, _ in site.asked] == ["own/net.json", "own/net.bin"]
    fetch(site, tmp_path)
    assert len(site.asked) == 2


def test_interrupted_file_is_continued(site, tmp_path):
    site.drops["own/net.bin"] = [100_000, 50_000]
    fetch(site, tmp_path)
    assert is_complete(tmp_path)
    assert [asked for name, asked in site.asked if name == "own/net.bin"] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]


@pytest.mark.parametrize(
    "missing", [["own/net.json", "own/net.bin"], ["own/net.bin"]], ids=["both", "second"]
)
def test_archive_is_downloaded_last(site, tmp_path, missing, caplog):
    caplog.set_level("INFO", logger="paddle_pose")
    for name in missing:
        del site.files[name]
    fetch(site, tmp_path)
    assert is_complete(tmp_path)
    assert site.asked[-1][0] == "all.tgz"
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [
        "all.tgz",
        "net.bin",
        "net.json",
    ]
    (said,) = [record.getMessage() for record in caplog.records if "all.tgz" in record.getMessage()]
    assert f"{len(ARCHIVE) / 1e6:.1f} MB" in said
    fetch(site, tmp_path)
    assert site.asked[-1][0] == "all.tgz"


def test_url_with_another_file_is_skipped(site, tmp_path):
    site.files["own/net.bin"] = b"a newer file"
    fetch(site, tmp_path)
    assert is_complete(tmp_path)


def test_interrupted_archive_is_continued(site, tmp_path):
    del site.files["own/net.json"]
    site.drops["all.tgz"] = [1000] * 4
    with pytest.raises(ConnectionError):
        fetch(site, tmp_path)
    assert (tmp_path / "all.tgz.part").read_bytes() == ARCHIVE[:4000]
    fetch(site, tmp_path)
    assert is_complete(tmp_path)
    assert site.asked[-1] == ("all.tgz", "bytes=4000-")


def test_error_of_the_server_is_raised_without_an_archive(site, tmp_path):
    del site.files["own/net.bin"]
    with pytest.raises(ConnectionError, match=r"net\.bin"):
        fetch(site, tmp_path, archive=False)


def test_archive_with_a_wrong_checksum_is_not_unpacked(site, tmp_path):
    del site.files["own/net.json"]
    expected = site.files["all.tgz"]
    files = [remote(site, f"own/{name}", content) for name, content in CONTENTS.items()]
    archive = remote(site, "all.tgz", expected)
    site.files["all.tgz"] = expected[:-1] + b"?"
    with pytest.raises(InputError, match=r"all\.tgz"):
        download_files(files, tmp_path, archive=archive, timeout=5.0, pause=0.01)
    assert list(tmp_path.glob("[!.]*")) == []


def test_archive_without_the_files_is_an_error(site, tmp_path):
    del site.files["own/net.json"]
    site.files["all.tgz"] = packed([("package/README.md", b"read me")])
    with pytest.raises(ConnectionError, match=r"net\.json"):
        fetch(site, tmp_path)


def link():
    info = tarfile.TarInfo("package/models/net.bin")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
    return info


HOSTILE = {
    "climbing": [("../net.json", GRAPH), ("package/net.bin", WEIGHTS)],
    "absolute": [("/tmp/net.json", GRAPH), ("package/net.bin", WEIGHTS)],
    "link": [("package/net.json", GRAPH), ("", link())],
    "two of a name": [("a/net.json", GRAPH), ("b/net.json", b"another one"), ("net.bin", WEIGHTS)],
    "another content": [("a/net.json", GRAPH), ("a/net.bin", WEIGHTS[:-1] + b"?")],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_unsafe_archive_is_an_error(site, tmp_path, kind):
    archive = tmp_path / "copy.tgz"
    archive.write_bytes(packed(HOSTILE[kind]))
    folder = tmp_path / "weights"
    with pytest.raises(InputError):
        fetch(site, folder, [archive])
    assert not (folder / "net.bin").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"copy.tgz", "weights"}
    assert not list(folder.glob(".unpacking_*"))
    assert site.asked == []


@pytest.fixture
def copies(tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    (folder / "other.txt").write_text("something else")
    return folder


@pytest.mark.parametrize("kind", ["folder", "files", "one of them", "renamed", "tgz", "zip"])
def test_copies_of_any_kind_are_used(site, tmp_path, copies, kind):
    given = {
        "folder": [copies],
        "files": [copies / "net.bin", copies / "net.json"],
        "one of them": [copies / "net.json"],
    }.get(kind)
    if kind == "renamed":
        given = [copies / "one", copies / "two"]
        for path, content in zip(given, CONTENTS.values(), strict=True):
            path.write_bytes(content)
    elif kind == "tgz":
        (copies / "all.tgz").write_bytes(ARCHIVE)
        given = [copies / "all.tgz"]
    elif kind == "zip":
        with zipfile.ZipFile(copies / "all.zip", "w") as archive:
            for name, content in CONTENTS.items():
                archive.writestr(f"models/{name}", content)
        given = [copies / "all.zip"]
    assert fetch(site, tmp_path / "weights", given) == [
        tmp_path / "weights" / name for name in CONTENTS
    ]
    assert sorted(path.name for path in (tmp_path / "weights").glob("[!.]*")) == sorted(CONTENTS)
    assert is_complete(tmp_path / "weights")
    assert site.asked == []


def test_copy_completes_the_existing_files(site, tmp_path, copies):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "net.json").write_bytes(GRAPH)
    fetch(site, folder, [copies / "net.json"])
    assert is_complete(folder)


def test_missing_or_wrong_copies_are_an_error(site, tmp_path, copies):
    (copies / "net.json").rename(tmp_path / "elsewhere.json")
    for given in ([copies / "net.bin"], [copies], [tmp_path / "nowhere"]):
        with pytest.raises(FileNotFoundError, match=r"net\.json|nowhere"):
            fetch(site, tmp_path / "weights", given)
    (tmp_path / "elsewhere.json").rename(copies / "net.json")
    (copies / "net.bin").write_bytes(b"wrong")
    with pytest.raises(InputError, match=r"net\.bin"):
        fetch(site, tmp_path / "weights", [copies])
    assert not (tmp_path / "weights" / "net.bin").exists()
    assert site.asked == []


def test_weights_with_the_suffix_of_an_archive_are_copied(site, tmp_path):
    copy = tmp_path / "net.pth.tar"
    copy.write_bytes(b"weights, no archive")
    file = RemoteFile(
        "net", f"{site.address}own/net.pth.tar", hashlib.sha256(copy.read_bytes()).hexdigest()
    )
    assert download_files([file], tmp_path / "weights", copies=[copy]) == [
        tmp_path / "weights" / "net.pth.tar"
    ]


def test_damaged_file_in_the_folder_is_named(site, tmp_path):
    (tmp_path / "net.bin").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"net\.bin"):
        fetch(site, tmp_path)
