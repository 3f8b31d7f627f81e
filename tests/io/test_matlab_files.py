"""Variables of MATLAB and HDF5 files, and files that would harm the program that reads them."""

import io
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from paddle_pose.errors import InputError
from paddle_pose.io.matlab_files import is_hdf5, list_variables, read_variables

pytestmark = pytest.mark.usefixtures("child_processes")

PREDS = np.arange(96.0).reshape(3, 16, 2)


def test_wanted_variables_of_a_matlab_file_are_read(tmp_path):
    path = tmp_path / "a.mat"
    cells = np.array(["left", [1, 2]], object)
    scipy.io.savemat(path, {"preds": PREDS, "more": np.eye(2), "cells": cells})
    found = read_variables(path, ("preds", "cells", "none"), "")
    assert set(found.names) == {"preds", "more", "cells"}
    assert list(found.arrays) == ["preds"]
    np.testing.assert_array_equal(found.arrays["preds"], PREDS)
    assert found.others == {"cells": "object"}
    assert list_variables(path, "") == found.names


@pytest.mark.parametrize("start", [0, 512, 2048])
def test_hdf5_files_are_recognised_behind_a_user_block(tmp_path, start):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=start) as file:
        file["preds"] = PREDS
        file["text"] = "abc"
    assert is_hdf5(path)
    found = read_variables(path, ("preds", "text"), "")
    np.testing.assert_array_equal(found.arrays["preds"], PREDS)
    assert set(found.others) == {"text"}


def test_a_matlab_file_whose_damage_kills_scipy_is_one_message(tmp_path):
    content = io.BytesIO()
    scipy.io.savemat(content, {"preds": PREDS})
    path = tmp_path / "a.mat"
    for number in (0x00, 0xFF):
        damaged = bytearray(content.getvalue())
        damaged[192] = number  # the type of the numbers
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.mat: reading it ended .*; get it again"):
            read_variables(path, ("preds",), "get it again")


def test_a_matlab_file_that_inflates_to_gigabytes_is_refused(tmp_path):
    rows = 375_000_000  # 3 GB of doubles
    head = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, rows, 1)
    head += struct.pack("<II", 1, 5) + b"preds\0\0\0" + struct.pack("<II", 9, 8 * rows)
    squeeze = zlib.compressobj(1)
    packed = squeeze.compress(struct.pack("<II", 14, len(head) + 8 * rows) + head)
    zeros = bytes(1 << 24)
    for _ in range(8 * rows // len(zeros)):
        packed += squeeze.compress(zeros)
    packed += squeeze.flush()
    text = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)
    path = tmp_path / "a.mat"
    path.write_bytes(text + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(InputError, match=r"a\.mat: .*(memory|damaged).*; get it again"):
        read_variables(path, ("preds",), "get it again")


def external_link(path: Path) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["preds"] = PREDS
    with h5py.File(path, "w") as file:
        file["preds"] = h5py.ExternalLink("other.h5", "/preds")


def soft_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["here"] = PREDS
        file["preds"] = h5py.SoftLink("/here")


def external_storage(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_bytes(PREDS.tobytes())
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "preds", PREDS.shape, PREDS.dtype, external=[(str(secret), 0, PREDS.nbytes)]
        )


def virtual(path: Path) -> None:
    external_link(path)
    layout = h5py.VirtualLayout(PREDS.shape, PREDS.dtype)
    layout[:] = h5py.VirtualSource("other.h5", "preds", PREDS.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("preds", layout)


def huge(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("preds", (10**9, 16, 2), "f8", compression="gzip", chunks=(1000, 16, 2))


def group(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("preds")


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (external_link, "'preds' is a link"),
        (soft_link, "'preds' is a link"),
        (external_storage, "in other files"),
        (virtual, "in other files"),
        (huge, r"shape \(1000000000, 16, 2\)"),
        (group, "is a group"),
    ],
)
def test_hdf5_files_that_reach_beyond_themselves_are_refused(tmp_path, write, named):
    write(tmp_path / "a.h5")
    with pytest.raises(InputError, match=rf"a\.h5: .*{named}"):
        read_variables(tmp_path / "a.h5", ("preds",), "")
