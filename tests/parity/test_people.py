"""AP of the default person detection and pose networks on real images."""

import pytest

import paddle_pose as pp
from benchmarks import people
from benchmarks.people import Benchmark, rows
from paddle_pose.engine.predict import Results, predict_files


@pytest.fixture(scope="module")
def copies(shared):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/onnx.txt)")
    graphs = [shared / "data/movenet_tfjs" / f"movenet-{name}" for name in ("thunder", "lightning")]
    files = [graph.with_suffix(suffix) for graph in graphs for suffix in (".json", ".bin")]
    return [*files, shared / "data/nanodet/nanodet_m_416.onnx"]


@pytest.mark.slow
def test_people_benchmark_reaches_its_requirements_and_equals_score_file(
    shared, copies, tmp_path, monkeypatch
):
    # The rows that are compared below, and one of each other kind.
    monkeypatch.setattr(people, "SIDES", (256,))
    monkeypatch.setattr(people, "CONTEXTS", (1.25,))
    monkeypatch.setattr(people, "SCORES", (0.2,))
    data = shared / "data/coco_mini"
    table = {
        row.what: row for row in rows(Benchmark(data, resamples=20), from_file=copies, threads=1)
    }
    default = table["movenet_thunder, nanodet_m"]
    assert default.values["AP"] >= 0.44
    assert table["nanodet_m > 0.2"].values["AP"] >= 0.46
    assert table["movenet_thunder, annotated boxes x 1.25"].values["AP"] >= 0.43
    assert table["movenet_thunder alone"].values["AP"] < default.values["AP"]
    assert (default.num_images, default.num_people, table["nanodet_m > 0.2"].num_people) == (
        32,
        68,
        92,
    )
    assert all(
        row.intervals["AP"][0] < row.values["AP"] < row.intervals["AP"][1] for row in table.values()
    )

    images = [str(data / "val2017")]
    predict_files(
        images,
        "movenet_thunder",
        results=Results(tmp_path, save=("coco",)),
        threads=1,
        from_file=copies,
    )
    scored = pp.score_file(tmp_path / "keypoints_results.json", data=data)
    assert scored.values["AP"] == pytest.approx(default.values["AP"], abs=2e-3)
