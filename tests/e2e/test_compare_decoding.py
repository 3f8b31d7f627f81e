"""`compare` on synthetic people has the same results as `val`, for each decoding."""

import json

import pytest

SMALL = (
    "--config",
    "hourglass_tiny_128",
    "--num_workers",
    "1",
    "--batch_size",
    "4",
    "--epochs",
    "30",
)
# Long enough that some joints are found: every decoding of an untrained network scores 0.
RECIPE = (
    "--learning_rate",
    "0.003",
    "-o",
    "train.schedule.warmup=0",
    "-o",
    "augment=none",
    "-o",
    "train.eval_every=1000",
)


def rows(said):
    """Returns the results by name in the printed table, by (decode, flip, shift)."""
    lines = said.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("decode"))
    names = lines[start].split()[3:]
    cells = [
        line.split()
        for line in lines[start + 1 : lines.index(next(x for x in lines if "Protocol" in x))]
    ]
    return {tuple(c[:3]): dict(zip(names, map(float, c[3:]), strict=True)) for c in cells}


@pytest.fixture(scope="module", params=["published", "udp"])
def trained(request, tmp_path_factory, synthetic_mpii, run_in):
    folder = tmp_path_factory.mktemp(request.param)
    alignment = ("-o", f"codec.alignment={request.param}")
    done = run_in(folder, "train.py", "--dataset_root", synthetic_mpii, *SMALL, *RECIPE, *alignment)
    assert done.returncode == 0, done.stderr
    return request.param, folder / "output" / "hourglass_tiny_128" / "last" / "model.pdparams"


def test_comparison_equals_separate_evaluations(trained, synthetic_mpii, run_in, tmp_path):
    alignment, weights = trained
    common = ("--weights", weights, "--dataset_root", synthetic_mpii)
    done = run_in(tmp_path, "compare", "--weights", weights)  # on the data of its run
    assert done.returncode == 0, done.stderr
    assert f"alignment {alignment}" in done.stdout
    found = rows(done.stdout)
    looks = {("no", "-"), ("yes", "no")} | ({("yes", "yes")} if alignment == "published" else set())
    assert set(found) == {
        (decode, *look) for decode in ("argmax", "quarter", "dark") for look in looks
    }
    assert len({tuple(numbers.values()) for numbers in found.values()}) > 1, (
        "all readings gave the same numbers"
    )
    shift = "yes" if alignment == "published" else "no"
    for decode, flags, key in [
        ("quarter", (), ("quarter", "yes", shift)),
        ("dark", ("--decode", "dark"), ("dark", "yes", shift)),
        ("argmax", ("--decode", "argmax", "--no-flip"), ("argmax", "no", "-")),
    ]:
        again = run_in(tmp_path, "val.py", *common, *flags)
        assert f"decode {decode}" in again.stdout, again.stderr
        assert f"shift {key[2] == 'yes'}" in again.stdout
        (path,) = (tmp_path / "output" / "val").glob("*/scores.json")
        values = json.loads(path.read_text(encoding="utf-8"))["values"]
        assert set(found[key]) == {"Mean", "Mean@0.1", "Mean@0.11"}
        for name, value in found[key].items():
            assert value == pytest.approx(values[name], abs=6e-4)


def test_unknown_decoding_is_an_error(trained, synthetic_mpii, run_in, tmp_path):
    _, weights = trained
    done = run_in(
        tmp_path,
        "val.py",
        "--weights",
        weights,
        "--dataset_root",
        synthetic_mpii,
        "--decode",
        "soft",
    )
    assert done.returncode == 2
    assert "invalid choice: 'soft'" in done.stderr
