import h5py
import numpy as np
import pytest
import scipy.io

from paddle_pose.io.mpii_predictions import read_predictions

PREDS = np.random.default_rng(0).uniform(0, 500, (5, 16, 2))
ORDERS = pytest.mark.parametrize(
    "axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=["N162", "216N", "162N"]
)


@ORDERS
@pytest.mark.parametrize("kind", ["mat", "h5"])
def test_every_order_of_axes_is_read(tmp_path, kind, axes):
    path, stored = tmp_path / f"pred.{kind}", PREDS.transpose(axes)
    if kind == "mat":
        scipy.io.savemat(path, {"preds": stored, "note": "anything"})
    else:
        with h5py.File(path, "w") as file:
            file["preds"] = stored
            file.create_group("more")
    assert np.array_equal(read_predictions(path, 5), PREDS)


@pytest.mark.parametrize("people", [2, 16])
def test_number_of_people_equal_to_another_axis_is_read(tmp_path, people):
    """A number of people equal to the length of another axis must not swap the axes."""
    preds = np.random.default_rng(1).uniform(0, 500, (people, 16, 2))
    scipy.io.savemat(tmp_path / "pred.mat", {"preds": preds})
    assert np.array_equal(read_predictions(tmp_path / "pred.mat", people), preds)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pred": PREDS}, r"no variable 'preds'; it has \['pred'\]"),
        ({"preds": PREDS[:, :15]}, r"shape \(5, 15, 2\); expected \[N, 16, 2\]"),
        ({"preds": PREDS[0]}, r"shape \(16, 2\)"),
        ({"preds": PREDS[:4]}, "holds 4 people, the ground truth 5"),
        ({"preds": np.array(["a", "b"], object)}, "does not hold numbers"),
        (
            {"preds": np.where(np.arange(5)[:, None, None] == 3, np.nan, PREDS)},
            "person 3 has a coordinate that is NaN",
        ),
    ],
)
def test_invalid_content_is_an_error(tmp_path, content, message):
    path = tmp_path / "pred.mat"
    scipy.io.savemat(path, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_predictions(path, 5)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("kept", [0, 10, 60, 127, 140, 500])
def test_incomplete_file_is_an_error(tmp_path, kept):
    path = tmp_path / "pred.mat"
    scipy.io.savemat(path, {"preds": PREDS})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"pred.mat: (damaged, or of another kind|no variable)"):
        read_predictions(path, 5)
    with pytest.raises(FileNotFoundError, match=r"no.mat: not found"):
        read_predictions(tmp_path / "no.mat", 5)
