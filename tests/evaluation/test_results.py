import json

import pytest

from paddle_pose.configs.overrides import override
from paddle_pose.configs.published import (
    COMPLETE,
    DETECTED,
    DETECTIONS,
    GROUND_TRUTH,
    PUBLISHED,
    numbers_of,
)
from paddle_pose.configs.registry import CONFIGS, to_json
from paddle_pose.errors import InputError
from paddle_pose.evaluation.results import BY_JOINT, by_joint, rows, to_html, to_markdown

PCKH = {"Head": 96.0, "Mean": 88.95, "Mean@0.1": 33.25, "Mean@0.11": 37.75}
AP = {"AP": 0.7441, "AP50": 0.905}


def scores(
    folder,
    config="hourglass52_mpii_256",
    metric="pckh",
    data="mpii",
    people=2958,
    boxes="ground truth",
    **more,
):
    """Writes a scores.json as val.py does, and returns its path."""
    run = folder / "run"
    (run / "best_model").mkdir(parents=True)
    (run / "log.txt").write_text("trained\n")
    protocol = {
        "config": config,
        "joints": {"mpii": "mpii_16", "coco": "coco_17"}[data],
        "data": data,
        "metric": metric,
        "input": [192, 256] if data == "coco" else [256, 256],
        "flip": True,
        "shift": False,
        "decode": "dark",
        "checkpoint": str(run / "best_model" / "model.pdparams"),
        "people": people,
        "boxes": boxes,
    }
    values = PCKH if metric == "pckh" else AP
    intervals = {"Mean": [88.0, 89.9]} if metric == "pckh" else {}
    content = {
        "protocol": {**protocol, **more},
        "values": values,
        "intervals": intervals,
        "command": "python val.py --flip",
    }
    path = folder / "scores.json"
    path.write_text(json.dumps(content))
    return path


def cells(text, model, status):
    """Returns the rows of a model with a status: their cells by the titles of the columns."""
    found = []
    for block in text.split("### ")[1:]:
        lines = [
            [cell.strip() for cell in line.strip("| ").split(" | ")]
            for line in block.splitlines()
            if "|" in line
        ]
        head = lines[0]
        found += [
            {"table": block.splitlines()[0], **dict(zip(head, line, strict=True))}
            for line in lines[2:]
            if line[0] == model
        ]
    return [row for row in found if row["status"] == status]


def test_configs_without_scores_are_not_run():
    text = to_markdown(rows([]))
    (own,) = cells(text, "hourglass52_mpii_256", "not run")
    assert {own[name] for name in ("Mean", "Mean@0.10", "Mean@0.11")} == {"not run"}
    assert own["command"] == "`python train.py --dataset_root D --image_size 256`"
    txyugood = cells(text, "Hourglass-52", "published")
    assert [row["Mean@0.10"] for row in txyugood if "MPII" in row["table"]] == ["32.108", "37.588"]
    assert "measured here" not in text


def test_the_thresholds_010_and_011_have_separate_columns():
    text = to_markdown(rows([]))
    (official,) = cells(text, "hrnet_w32_mpii_256", "published")
    assert (official["Mean@0.10"], official["Mean@0.11"]) == ("-", "37.7")
    reference, paddle_detection = [
        row for row in cells(text, "HRNet-W32", "published") if "MPII" in row["table"]
    ]
    assert (reference["Mean@0.10"], reference["Mean@0.11"]) == ("33.4", "-")
    assert (paddle_detection["Mean@0.10"], paddle_detection["Mean@0.11"]) == ("-", "38.5")
    for row in rows([]):
        if row.status == "published":
            assert not {"Mean@0.1", "Mean@0.11"} <= set(row.numbers), row


def test_annotated_and_detected_boxes_have_separate_tables():
    by_title = {}
    for row in rows([]):
        by_title.setdefault(row.table.title, set()).add(row.table.boxes)
    assert all(len(boxes) == 1 for boxes in by_title.values())
    annotated = [
        title for title in by_title if title.startswith("COCO") and "ground-truth boxes" in title
    ]
    detected = [
        title for title in by_title if title.startswith("COCO") and "detected boxes, AP" in title
    ]
    assert len(annotated) == len(detected) == 1
    # RTMPose's results at 384x288 were trained on more data than COCO's: they are apart.
    assert sum("trained on AIC and COCO" in title for title in by_title) == 1
    published = {
        (row.source, row.table.boxes)
        for row in rows([])
        if row.table.dataset == "coco" and row.status == "published"
    }
    assert ("PaddleDetection", GROUND_TRUTH) in published
    assert ("mmpose", DETECTED) in published
    assert ("mmpose", GROUND_TRUTH) not in published


def test_measured_and_published_rows_are_in_the_same_table(tmp_path):
    path = scores(tmp_path)
    text = to_markdown(rows([path]))
    (measured,) = cells(text, "hourglass52_mpii_256", "measured here")
    assert measured["Mean"] == "88.95 (88.00 .. 89.90)"
    assert (measured["Mean@0.10"], measured["Mean@0.11"]) == ("33.25", "37.75")
    assert measured["protocol"] == "flip, no shift, dark"
    assert measured["command"] == "`python val.py --flip`"
    assert measured["log"] == str(tmp_path / "run" / "log.txt")
    assert measured["source"] == str(path)
    assert cells(text, "hourglass52_mpii_256", "not run") == []
    assert measured["table"] == cells(text, "hourglass52_mpii_256", "published")[0]["table"]


@pytest.mark.parametrize(
    ("boxes", "people", "title"),
    [
        ("ground truth", 6352, "COCO val2017, ground-truth boxes, AP in percent"),
        (f"detected (data/{DETECTIONS})", 104125, "COCO val2017, detected boxes, AP in percent"),
        (
            "detected (mine.json)",
            104125,
            "COCO val2017, other detected boxes, detected (mine.json)",
        ),
        ("ground truth", 68, "COCO val2017, ground-truth boxes, AP in percent: 68 people"),
    ],
)
def test_boxes_and_number_of_people_decide_the_table(tmp_path, boxes, people, title):
    path = scores(
        tmp_path,
        config="hrnet_w32_coco_256x192",
        metric="ap",
        data="coco",
        people=people,
        boxes=boxes,
    )
    (measured,) = cells(to_markdown(rows([path])), "hrnet_w32_coco_256x192", "measured here")
    assert measured["table"].startswith(title)
    assert measured["AP"] == "74.41"
    assert measured["input"] == "256x192"


@pytest.mark.parametrize("name", ["bbox.json", DETECTIONS])
@pytest.mark.parametrize(
    ("number", "limits", "is_published"),
    [
        (104125, [0.001, 0.999], True),
        (104124, [0.001, 0.999], False),
        (104125, [1.0, 99.0], False),  # percent
        (0, [], False),
    ],
)
def test_the_content_of_detected_boxes_decides_the_table(
    tmp_path, name, number, limits, is_published
):
    path = scores(
        tmp_path,
        config="hrnet_w32_coco_256x192",
        metric="ap",
        data="coco",
        people=104125,
        boxes=f"detected (data/{name})",
        detected_boxes=number,
        detected_scores=limits,
    )
    (row,) = (row for row in rows([path]) if row.status == "measured here")
    assert (row.table.boxes == DETECTED) == is_published
    if not is_published:
        assert name in row.table.boxes


def test_partial_data_and_other_joints_have_separate_tables(tmp_path):
    complete = cells(to_markdown(rows([])), "hourglass52_mpii_256", "published")[0]["table"]
    for n, changes in enumerate(({"people": 300}, {"joints": "coco_17"})):
        folder = tmp_path / str(n)
        text = to_markdown(rows([scores(folder, **changes)]))
        (measured,) = cells(text, "hourglass52_mpii_256", "measured here")
        assert measured["table"] != complete
        assert cells(text, "hourglass52_mpii_256", "not run"), "the complete set was not evaluated"


def test_changes_of_the_config_are_part_of_the_protocol(tmp_path):
    path = scores(tmp_path)
    weights = tmp_path / "run" / "best_model" / "model.pdparams"
    weights.touch()
    for changes, protocol in (
        ({}, "flip, no shift, dark"),
        (
            {"val.batch_size": 2, "codec.decode_by": "dark", "train.num_workers": 0},
            "flip, no shift, dark",
        ),
        (
            {"train.epochs": 2, "model.stem_channels": 8, "augment": None},
            "flip, no shift, dark; changed from the config: "
            "augment, model.stem_channels, train.epochs",
        ),
        ({"augment.blur": 0.1}, "flip, no shift, dark; changed from the config: augment.blur"),
        (
            {"model": "hrnet", "train.schedule": "cosine"},
            "flip, no shift, dark; changed from the config: model, train.schedule",
        ),
    ):
        config = override(CONFIGS["hourglass52_mpii_256"], changes)
        (weights.parent / "config.json").write_text(to_json(config))
        (measured,) = cells(to_markdown(rows([path])), "hourglass52_mpii_256", "measured here")
        assert measured["protocol"] == protocol


def test_files_of_another_form_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="not found"):
        rows([tmp_path / "scores.json"])
    path = tmp_path / "scores.json"
    for content in ([], {"protocol": {"config": "a"}, "values": {}}):
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match=str(path)):
            rows([path])
    # Older versions of val.py wrote such a file for a prediction file.
    path.write_text(json.dumps({"protocol": {"results": "predictions.mat"}, "values": PCKH}))
    with pytest.raises(InputError, match=str(path)):
        rows([path])


def test_prediction_files_have_a_separate_table(tmp_path):
    path = tmp_path / "scores.json"
    protocol = {"results": "folder/hg.mat", "data": "mpii", "ground truth": "gt.mat"}
    content = {
        "protocol": protocol,
        "values": PCKH,
        "intervals": {"Mean": [88, 89]},
        "command": "python val.py",
    }
    path.write_text(json.dumps(content))
    text = to_markdown(rows([path]))
    (row,) = cells(text, "hg.mat", "scored here")
    assert row["table"] == "MPII validation, boxes not stated, PCKh in percent: scored with gt.mat"
    assert (row["Mean"], row["Mean@0.10"], row["command"]) == (
        "88.95 (88.00 .. 89.00)",
        "33.25",
        "`python val.py`",
    )
    path.write_text(json.dumps({**content, "protocol": {**protocol, "data": "coco"}, "values": AP}))
    (row,) = cells(to_markdown(rows([path])), "hg.mat", "scored here")
    assert row["AP"] == "74.41"


def test_only_rows_with_all_joints_are_in_the_table_by_joint(tmp_path):
    content = json.loads(scores(tmp_path).read_text())
    values = dict.fromkeys(BY_JOINT, 90.0)
    (tmp_path / "scores.json").write_text(json.dumps({**content, "values": {**PCKH, **values}}))
    text = to_markdown(by_joint(rows([tmp_path / "scores.json"])), BY_JOINT)
    small, large = cells(text, "Hourglass-52", "published")
    assert (small["Head"], small["Ankle"], small["Mean"]) == ("96.66", "79.88", "88.717")
    assert (large["input"], large["Wrist"]) == ("384x384", "84.89")
    assert cells(text, "hourglass52_mpii_256", "measured here")[0]["Knee"] == "90.00"
    assert "Mean@" not in text
    assert "not run" not in text


def test_the_mean_of_the_published_groups_is_near_the_published_mean():
    labelled = {
        "Head": 2932,
        "Shoulder": 5888,
        "Elbow": 5867,
        "Wrist": 5837,
        "Hip": 5777,
        "Knee": 4963,
        "Ankle": 4234,
    }
    published = [row for row in by_joint(rows([])) if row.status == "published"]
    assert len(published) == 6
    # Left and right joints have about as many labels. The 2,932 necks are part of Mean only.
    for row in published:
        groups = sum(float(row.numbers[name]) * count for name, count in labelled.items())
        neck = (float(row.numbers["Mean"]) * 38430 - groups) / 2932
        assert 95 < neck < 100, row


def test_tables_contain_every_config_with_published_results_and_no_unknown_config():
    named = {row.model for row in rows([])}
    assert {name for name in CONFIGS if numbers_of(name)} <= named
    assert {result.config for result in PUBLISHED} - {""} <= set(CONFIGS)
    for result in PUBLISHED:
        if result.config:
            width, height = CONFIGS[result.config].codec.input_size
            assert result.input == f"{height}x{width}"
            assert result.dataset == CONFIGS[result.config].data.dataset
    assert {(result.dataset, result.boxes) for result in PUBLISHED} <= set(COMPLETE)


def test_html_contains_the_same_values(tmp_path):
    assert "88.95 (88.00 .. 89.90)" in to_html(rows([scores(tmp_path)]))
