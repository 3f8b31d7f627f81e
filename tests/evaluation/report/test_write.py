import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
import scipy.io

from paddle_pose import __version__
from paddle_pose.data.mpii import read_ground_truth
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import coco_data, mpii_data, sections
from paddle_pose.evaluation.report.write import page_of, read, write
from paddle_pose.io.checksum import sha256_of
from paddle_pose.metrics.coco_ap import NAMES
from paddle_pose.skeletons import COCO_17, MPII_16


def rows(text):
    """Returns the cells of all table rows of a page, by their first cell."""
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", text, flags=re.DOTALL)
    cells = [
        [unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in found
    ]
    return {row[0]: row[1:] for row in reversed(cells)}  # of equal first cells the first row counts


class Page(HTMLParser):
    """Parser that records open tags, links that a browser would fetch, images and ids."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.fetched = []
        self.images = []
        self.ids = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        assert tag != "script"
        assert not any(name.startswith("on") for name in given)
        links = [given[name] for name in ("src", "href", "xlink:href") if name in given]
        self.fetched += [
            link for link in links if not link.startswith(("data:image/jpeg;base64,", "#"))
        ]
        self.ids += [(self.open.count("svg"), given["id"])] if "id" in given else []
        if tag in ("img", "svg"):
            self.images.append(given.get("alt") or given.get("aria-label"))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def checked(self):
        assert self.open == []
        assert self.fetched == []
        assert self.images
        assert all(self.images)
        return self


@pytest.fixture(scope="session")
def dataset(synthetic_mpii):
    """Returns the folder and the ground truth of a synthetic data set."""
    return synthetic_mpii, read_ground_truth(synthetic_mpii / "annotations" / "mpii_gt_val.mat")


def saved(path, points):
    scipy.io.savemat(path, {"preds": points + 1.0})
    return path


def test_published_predictions_have_the_published_values(shared, tmp_path):
    root = shared / "data" / "mpii_val"
    page = write(root / "predictions" / "hg_s2_b1.mat", tmp_path / "report.html", dataset_root=root)
    text = page.read_text(encoding="utf-8")
    Page(text).checked()
    assert "width=device-width" in text
    cells = rows(text)
    published = {
        "Head": "95.80",
        "Shoulder": "94.57",
        "Elbow": "88.12",
        "Wrist": "83.31",
        "Hip": "86.24",
        "Knee": "80.88",
        "Ankle": "77.44",
        "Mean": "87.30",
        "Plain mean": "86.76",
        "Mean@0.1": "23.91",
        "Mean@0.11": "28.08",
    }
    assert {name: cells[name][0] for name in published} == published
    kinds = [cells[name] for name in ("good", "jitter", "inversion", "swap", "miss")]
    assert sum(int(cell[0]) for cell in kinds) == 38430
    found = float(cells["good"][1]) + float(cells["jitter"][1])
    assert found == pytest.approx(87.30, abs=0.011)
    assert cells["miss"][2:4] == ["96.94 (+9.64)", "33.55 (+9.64)"]
    assert cells["all errors"][2] == "100.00 (+12.70)"
    assert "Check the coordinates" in text.split("<nav")[0]
    published_row = cells["HRNet-W48"]
    assert published_row[:2] == ["90.10", "33.70"]
    assert cells["people"] == ["2958"]
    assert "in proportion to the person" in text


def test_perfect_predictions_have_no_errors(dataset, tmp_path):
    root, truth = dataset
    path = saved(tmp_path / "pred.mat", truth.keypoints)
    text = page_of(*read(path, dataset_root=root))
    cells = rows(text)
    assert cells["Mean"][0] == cells["Mean@0.1"][0] == "100.00"
    assert cells["good"][1] == "100.00"
    assert "No systematic offset" in text
    assert len([alt for alt in Page(text).checked().images if alt.startswith("Person")]) == 8


def test_a_constant_offset_is_reported(dataset, tmp_path):
    root, truth = dataset
    path = saved(tmp_path / "pred.mat", truth.keypoints + 2)
    data, _ = read(path, dataset_root=root)
    assert data.values["Mean@0.1"] < 100
    text = page_of(data, None)
    assert "constant offset in pixels" in text
    again, _ = read(path, dataset_root=root, zero_based=True)
    assert np.allclose(again.found.predicted - data.found.predicted, 1)


@pytest.mark.parametrize("listed", [True, False])
def test_swaps_are_found_only_if_the_images_of_people_are_known(dataset, tmp_path, listed):
    root, truth = dataset
    path = saved(tmp_path / "p.mat", truth.keypoints)
    mat = root / "annotations" / "mpii_gt_val.mat"
    if not listed:
        mat = tmp_path / "mpii_gt_val.mat"
        mat.write_bytes((root / "annotations" / "mpii_gt_val.mat").read_bytes())
    data = mpii_data.read(path, mat)
    assert bool(data.images) == listed
    assert any("swaps count as misses" in note for note in data.notes) != listed
    assert "data:image/jpeg" in page_of(data, None)


def write_run(folder, truth, scores):
    """Writes predictions, config and metrics of a run into a folder, and returns the folder."""
    saved(folder / "pred.mat", truth.keypoints)
    records = [
        {"keypoints": points.tolist(), "scores": row.tolist()}
        for points, row in zip(truth.keypoints, scores, strict=True)
    ]
    (folder / "predictions.json").write_text(json.dumps({"predictions": records}))
    (folder / "config.json").write_text(
        json.dumps({"config": "tiny", "values": {"train.epochs": 2}})
    )
    lines = [
        {"kind": "train", "step": 1, "loss": 1.0},
        {"kind": "train", "step": 2, "loss": 0.5},
        {"kind": "train", "step": 3, "loss": None},
        {"kind": "eval", "step": 1, "Mean": None},
        {"kind": "eval", "step": 2, "Mean": 7.0},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_scores_protocol_and_run_are_read_from_a_folder(dataset, tmp_path):
    root, truth = dataset
    write_run(tmp_path, truth, np.full((8, 16), 0.75))
    truth_file = root / "annotations" / "mpii_gt_val.mat"
    protocol = {"metric": "pckh", "flip": True, "truth": str(truth_file)}
    (tmp_path / "scores.json").write_text(json.dumps({"protocol": protocol, "values": {}}))
    text = write(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    cells = rows(text)
    assert cells["flip"] == ["True"]
    assert cells["train.epochs"] == ["2"]
    assert cells["0.7 to 0.8"][1:] == ["0.75", "100.00"]
    assert "Expected calibration error 25.00 points" in text
    assert text.count("<svg") == 4  # thresholds, distances, scores, training
    Page(text).checked()


def test_a_report_names_its_files_command_and_date_but_no_folder_of_its_author(dataset, tmp_path):
    root, truth = dataset
    write_run(tmp_path, truth, np.full((8, 16), 0.75))
    weights = tmp_path / "model.pdparams"
    weights.write_bytes(b"weights")
    protocol = {
        "metric": "pckh",
        "checkpoint": str(weights),
        "boxes": f"detected ({tmp_path / 'boxes.json'})",
        "truth": str(root / "annotations" / "mpii_gt_val.mat"),
    }
    content = {"protocol": protocol, "command": f"val --weights {weights} --report"}
    (tmp_path / "scores.json").write_text(json.dumps(content))
    config = {"config": "tiny", "values": {"data.root": str(root), "model.format": None}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    text = write(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    cells = rows(text)
    assert cells["checkpoint"] == ["model.pdparams"]  # of the protocol
    digests = dict(zip(("name", "SHA-256"), cells["predictions"], strict=True))
    assert digests == {"name": "pred.mat", "SHA-256": sha256_of(tmp_path / "pred.mat")}
    assert sha256_of(weights) in text
    assert cells["command"] == ["val --weights model.pdparams --report"]
    assert cells["boxes"] == ["detected (boxes.json)"]
    assert cells["model.format"] == ["not set"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", cells["made"][0])
    assert cells["with"] == [f"paddle_pose {__version__}"]
    assert str(tmp_path) not in text
    assert str(root) not in text


def test_links_of_the_table_of_contents_have_targets_and_empty_sections_are_left_out(
    dataset, tmp_path
):
    root, truth = dataset
    path = saved(tmp_path / "pred.mat", truth.keypoints)
    text = page_of(*read(path, dataset_root=root))
    targets = {ident for _, ident in Page(text).ids}
    links = re.findall(r'<a href="#(.*?)">', text)
    assert len(links) > 5
    assert set(links) <= targets
    assert "calibration-of-the-scores" not in links  # a .mat file has no scores
    assert "8 people" in text
    assert "not comparable" in text  # published results are of 2958 people


def test_joints_have_one_name_and_one_order_in_all_tables(dataset, tmp_path):
    root, truth = dataset
    path = saved(tmp_path / "pred.mat", truth.keypoints + 1)
    text = page_of(*read(path, dataset_root=root))
    tables = re.findall(r"<table>(.*?)</table>", text, flags=re.DOTALL)
    order = ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"]
    firsts = [
        [name for name in re.findall(r"<tr[^>]*><td[^>]*>(.*?)</td>", one) if name in order]
        for one in tables
    ]
    assert [names for names in firsts if names] == [order] * 3
    assert "Head top" not in text


def test_the_evaluation_of_an_exported_file_has_its_run(dataset, tmp_path):
    root, truth = dataset
    run = tmp_path / "run"
    run.mkdir()
    write_run(run, truth, np.ones((8, 16)))
    (tmp_path / "val").mkdir()
    (run / "pred.mat").rename(tmp_path / "val" / "pred.mat")
    protocol = {
        "truth": str(root / "annotations" / "mpii_gt_val.mat"),
        "checkpoint": str(run / "exports/last.onnx"),
    }
    (tmp_path / "val/scores.json").write_text(json.dumps({"protocol": protocol, "values": {}}))
    _, found = read(tmp_path / "val")
    assert found is not None
    assert found.source == run / "config.json"


def test_a_run_without_predictions_has_its_curves(dataset, tmp_path):
    write_run(tmp_path, dataset[1], np.ones((8, 16)))
    (tmp_path / "pred.mat").unlink()
    text = write(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Config tiny" in text
    assert '<h2 id="training-run">' in text
    assert '<h2 id="results">' not in text


def test_invalid_and_missing_files_are_refused(dataset, tmp_path):
    root, truth = dataset
    with pytest.raises(FileNotFoundError, match="nothing: not found"):
        read(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"pred.mat nor keypoints_results.json"):
        read(tmp_path)
    write_run(tmp_path, truth, np.ones((8, 16)))
    with pytest.raises(InputError, match="--dataset_root D or --ground_truth FILE"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"mpii_gt_val.mat: not found"):
        read(tmp_path, dataset_root=tmp_path)
    saved(tmp_path / "pred.mat", truth.keypoints + 3)
    with pytest.raises(InputError, match=r"predictions.json: .*other predictions"):
        read(tmp_path, dataset_root=root)
    (tmp_path / "predictions.json").write_text("[]")
    with pytest.raises(InputError, match=r"not a predictions.json"):
        read(tmp_path, dataset_root=root)
    (tmp_path / "scores.json").write_text("[]")
    with pytest.raises(InputError, match=r"scores.json: expected"):
        read(tmp_path)
    (tmp_path / "scores.json").unlink()
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"metrics.jsonl: .*no training step"):
        read(tmp_path, dataset_root=root)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match=r"config.json: expected"):
        read(tmp_path, dataset_root=root)
    with pytest.raises(InputError, match="nothing to report"):
        page_of(None, None)


def coco_truth(count=6):
    """Returns the keypoints of people, [count, 17, 2], and their annotation file.

    There are two people per image; all joints are labelled and 100 px apart.
    """
    grid = np.stack([np.arange(17) % 5 * 100.0, np.arange(17) // 5 * 100.0], axis=1)
    points = grid + 700 * (np.arange(count) % 2)[:, None, None]
    people = [
        {
            "id": n + 1,
            "image_id": n // 2,
            "category_id": 1,
            "iscrowd": 0,
            "area": 20000.0,
            "bbox": [0, 0, 10, 10],
            "keypoints": np.concatenate([points[n], np.full((17, 1), 1 + n % 2)], axis=1)
            .ravel()
            .tolist(),
            "num_keypoints": 17,
        }
        for n in range(count)
    ]
    images = [
        {"id": n, "width": 700, "height": 700, "file_name": f"{n}.jpg"}
        for n in range(-(-count // 2))
    ]
    return points, {
        "images": images,
        "annotations": people,
        "categories": [{"id": 1, "name": "person"}],
    }


def results(points, image_ids, scores):
    return [
        {
            "image_id": int(i),
            "category_id": 1,
            "score": float(s),
            "keypoints": np.concatenate([p, np.full((17, 1), 0.5)], axis=1).ravel().tolist(),
        }
        for p, i, s in zip(points, image_ids, scores, strict=True)
    ]


def coco_page(tmp_path, found):
    folder = tmp_path / "annotations"
    folder.mkdir(exist_ok=True)
    (folder / "person_keypoints_val2017.json").write_text(json.dumps(coco_truth()[1]))
    (tmp_path / "results.json").write_text(json.dumps(found))
    return read(tmp_path / "results.json", dataset_root=tmp_path)[0]


def test_coco_results_with_every_type_of_error(tmp_path):
    points, _ = coco_truth()
    wrong = points.copy()
    wrong[0] = points[0][list(COCO_17.flip)]  # all but the nose inverted
    wrong[1, :8] += 2000  # missed
    wrong[2, 10:] = points[3, 10:]  # swapped
    data = coco_page(
        tmp_path,
        results(
            [*wrong[:5], points[0] + 5000], [0, 0, 1, 1, 2, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.95]
        ),
    )
    text = page_of(data, None)
    Page(text).checked()
    cells = rows(text)
    counts = {
        name: int(cells[name][0])
        for name in ("good", "jitter", "inversion", "swap", "miss", "unfound")
    }
    assert counts == {
        "good": 1 + 9 + 10 + 17 + 17,
        "jitter": 0,
        "inversion": 16,
        "swap": 7,
        "miss": 8,
        "unfound": 17,
    }
    assert data.unmatched == 1
    assert 0 < data.values["AP"] < 100
    # AP is 100 after all corrections: every error has a type.
    assert cells["both"][2].startswith("100.00 ")
    assert {cells["seen"][0], cells["labelled, hidden"][0]} == {"51"}


def test_published_results_are_shown_for_the_joints_of_the_data_set_only(tmp_path):
    points, _ = coco_truth()
    data = coco_page(tmp_path, results(points, np.arange(6) // 2, np.linspace(0.1, 0.9, 6)))
    assert sections.published_results(data) is not None
    other = replace(data, found=replace(data.found, skeleton=MPII_16))
    assert sections.published_results(other) is None


def test_coco_results_without_errors(tmp_path):
    points, _ = coco_truth()
    data = coco_page(tmp_path, results(points, np.arange(6) // 2, np.linspace(0.1, 0.9, 6)))
    assert data.values.keys() == set(NAMES)
    assert data.values["AP"] == pytest.approx(100)
    assert data.rescore(data.found, True)["AP"] == pytest.approx(100)
    assert data.unmatched == 0


def test_coco_results_that_are_all_unmatched(tmp_path):
    points, _ = coco_truth()
    data = coco_page(tmp_path, results(points[:2] + 5000, [0, 1], [0.5, 0.6]))
    assert (data.unmatched, data.values["AP"]) == (2, 0.0)
    cells = rows(page_of(data, None))
    assert cells["2 results removed"][2].startswith("0.00 ")
    assert cells["both"][2].startswith("100.00 ")


def test_results_with_better_scores_are_matched_first(tmp_path):
    points, annotations = coco_truth(2)
    twice = results([points[0], points[0] + 1.0, points[1]], [0, 0, 0], [0.3, 0.9, 0.5])
    triples = np.array([person["keypoints"] for person in annotations["annotations"]]).reshape(
        -1, 17, 3
    )
    matched = coco_data.match(twice, triples, np.full(2, 20000.0), np.zeros(2, int), COCO_17)
    assert matched.tolist() == [1, 2]


def test_zero_based_is_refused_for_coco(tmp_path):
    (tmp_path / "r.json").write_text("[]")
    with pytest.raises(InputError, match="--zero_based"):
        read(tmp_path / "r.json", ground_truth=tmp_path / "t.json", zero_based=True)
