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
    """A scores.json as val.py writes it."""
    run = folder / "run"
    (run / "best_model").mkdir(parents=True)
    (run / "log.txt").write_text("trained\n")
    protocol = {
        **{
            "config": config,
            "joints": {"mpii": "mpii_16", "coco": "coco_17"}[data],
            "data": data,
            "metric": metric,
        },
        **{
            "input": [192, 256] if data == "coco" else [256, 256],
            "flip": True,
            "shift": False,
            "decode": "dark",
        },
        **{
            "checkpoint": str(run / "best_model" / "model.pdparams"),
            "people": people,
            "boxes": boxes,
        },
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
    """The cells of one row by the names of their columns."""
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


def test_nobody_ran_anything_and_the_table_says_so():
    text = to_markdown(rows([]))
    (mine,) = cells(text, "hourglass52_mpii_256", "not run")
    assert {mine[name] for name in ("Mean", "Mean@0.10", "Mean@0.11")} == {"not run"}
    assert mine["command"] == "`python train.py --dataset_root D --image_size 256`"
    originals = cells(text, "Hourglass-52", "published")
    assert [row["Mean@0.10"] for row in originals if "MPII" in row["table"]] == ["32.108", "37.588"]
    assert "measured here" not in text


def test_the_two_thresholds_are_never_in_one_column():
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


def test_annotated_and_detected_boxes_are_never_in_one_table():
    by_title = {}
    for row in rows([]):
        by_title.setdefault(row.table.title, set()).add(row.table.boxes)
    assert all(len(boxes) == 1 for boxes in by_title.values())
    annotated = [
        title for title in by_title if title.startswith("COCO") and "ground-truth boxes" in title
    ]
    detected = [title for title in by_title if "COCO" in title and "detected boxes" in title]
    assert len(annotated) == len(detected) == 1
    published = {
        (row.who, row.table.boxes)
        for row in rows([])
        if row.table.dataset == "coco" and row.status == "published"
    }
    assert ("PaddleDetection", GROUND_TRUTH) in published
    assert ("mmpose", DETECTED) in published
    assert ("mmpose", GROUND_TRUTH) not in published


def test_a_measured_row_stands_beside_the_published_ones(tmp_path):
    path = scores(tmp_path)
    text = to_markdown(rows([path]))
    (mine,) = cells(text, "hourglass52_mpii_256", "measured here")
    assert mine["Mean"] == "88.95 (88.00 .. 89.90)"
    assert (mine["Mean@0.10"], mine["Mean@0.11"]) == ("33.25", "37.75")
    assert mine["protocol"] == "flip, no shift, dark"
    assert mine["command"] == "`python val.py --flip`"
    assert mine["log"] == str(tmp_path / "run" / "log.txt")
    assert mine["who"] == str(path)
    assert cells(text, "hourglass52_mpii_256", "not run") == []
    assert mine["table"] == cells(text, "hourglass52_mpii_256", "published")[0]["table"]


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
def test_whose_boxes_and_how_many_people_decide_on_the_table(tmp_path, boxes, people, title):
    path = scores(tmp_path, "hrnet_w32_coco_256x192", "ap", "coco", people, boxes)
    (mine,) = cells(to_markdown(rows([path])), "hrnet_w32_coco_256x192", "measured here")
    assert mine["table"].startswith(title)
    assert mine["AP"] == "74.41"
    assert mine["input"] == "256x192"


def test_a_part_of_the_data_or_of_the_joints_stands_apart(tmp_path):
    complete = cells(to_markdown(rows([])), "hourglass52_mpii_256", "published")[0]["table"]
    for n, changes in enumerate(({"people": 300}, {"joints": "coco_17"})):
        folder = tmp_path / str(n)
        text = to_markdown(rows([scores(folder, **changes)]))
        (mine,) = cells(text, "hourglass52_mpii_256", "measured here")
        assert mine["table"] != complete
        assert cells(text, "hourglass52_mpii_256", "not run"), "the complete set is still to be run"


def test_what_was_trained_otherwise_than_its_config_says_so(tmp_path):
    path = scores(tmp_path)
    weights = tmp_path / "run" / "best_model" / "model.pdparams"
    weights.touch()
    for changes, said in (
        ({}, "flip, no shift, dark"),
        (
            {"val.batch_size": 2, "codec.decode_by": "dark", "train.num_workers": 0},
            "flip, no shift, dark",
        ),
        (
            {"train.epochs": 2, "model.stem_channels": 8, "augment": None},
            "flip, no shift, dark; not the config's own augment, model.stem_channels, train.epochs",
        ),
        ({"augment.blur": 0.1}, "flip, no shift, dark; not the config's own augment.blur"),
        (
            {"model": "hrnet", "train.schedule": "cosine"},
            "flip, no shift, dark; not the config's own model, train.schedule",
        ),
    ):
        config = override(CONFIGS["hourglass52_mpii_256"], changes)
        (weights.parent / "config.json").write_text(to_json(config))
        (mine,) = cells(to_markdown(rows([path])), "hourglass52_mpii_256", "measured here")
        assert mine["protocol"] == said


def test_strange_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="not found"):
        rows([tmp_path / "scores.json"])
    path = tmp_path / "scores.json"
    for content in ([], {"protocol": {"config": "a"}, "values": {}}):
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match=str(path)):
            rows([path])
    path.write_text(
        json.dumps({"protocol": {"results": "somebody's.mat"}, "values": PCKH})
    )  # an older val.py wrote it
    with pytest.raises(InputError, match=str(path)):
        rows([path])


def test_somebodys_predictions_have_a_table_of_their_own(tmp_path):
    path = tmp_path / "scores.json"
    protocol = {"results": "his/hg.mat", "data": "mpii", "ground truth": "gt.mat"}
    content = {
        "protocol": protocol,
        "values": PCKH,
        "intervals": {"Mean": [88, 89]},
        "command": "python val.py",
    }
    path.write_text(json.dumps(content))
    text = to_markdown(rows([path]))
    (his,) = cells(text, "hg.mat", "scored here")
    assert his["table"] == "MPII validation, boxes not stated, PCKh in percent: scored with gt.mat"
    assert (his["Mean"], his["Mean@0.10"], his["command"]) == (
        "88.95 (88.00 .. 89.00)",
        "33.25",
        "`python val.py`",
    )
    path.write_text(json.dumps({**content, "protocol": {**protocol, "data": "coco"}, "values": AP}))
    (his,) = cells(to_markdown(rows([path])), "hg.mat", "scored here")
    assert his["AP"] == "74.41"


def test_joint_by_joint_only_rows_that_tell_it(tmp_path):
    mine = json.loads(scores(tmp_path).read_text())
    values = dict.fromkeys(BY_JOINT, 90.0)
    (tmp_path / "scores.json").write_text(json.dumps({**mine, "values": {**PCKH, **values}}))
    text = to_markdown(by_joint(rows([tmp_path / "scores.json"])), BY_JOINT)
    original, larger = cells(text, "Hourglass-52", "published")
    assert (original["Head"], original["Ankle"], original["Mean"]) == ("96.66", "79.88", "88.717")
    assert (larger["input"], larger["Wrist"]) == ("384x384", "84.89")
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
    told = [row for row in by_joint(rows([])) if row.status == "published"]
    assert len(told) == 6
    for row in told:  # left and right are about as often labelled; the necks, 2,932 more joints, are in Mean alone
        groups = sum(float(row.numbers[name]) * count for name, count in labelled.items())
        neck = (float(row.numbers["Mean"]) * 38430 - groups) / 2932
        assert 95 < neck < 100, row


def test_every_config_with_published_numbers_is_in_a_table_and_every_line_names_a_config_that_exists():
    named = {row.model for row in rows([])}
    assert {name for name in CONFIGS if numbers_of(name)} <= named
    assert {one.config for one in PUBLISHED} - {""} <= set(CONFIGS)
    for one in PUBLISHED:
        if one.config:
            width, height = CONFIGS[one.config].codec.input_size
            assert one.input == f"{height}x{width}"
            assert one.dataset == CONFIGS[one.config].data.dataset
    assert {(one.dataset, one.boxes) for one in PUBLISHED} <= set(COMPLETE)


def test_html_holds_the_same_numbers(tmp_path):
    assert "88.95 (88.00 .. 89.90)" in to_html(rows([scores(tmp_path)]))
