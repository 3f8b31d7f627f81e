"""AP of COCO: its formula, its files, and annotations and results that are refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.metrics import coco_matching
from paddle_pose.metrics.coco_ap import NAMES, CocoAP, GroundTruth, score_results
from paddle_pose.metrics.oks import oks, oks_nms
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses, Sample

THREE = Skeleton(
    "three",
    ("head", "left_hand", "right_hand"),
    (("left_hand", "right_hand"),),
    (),
    (0.05, 0.1, 0.1),
    (1,) * 3,
)
SIGMAS = THREE.sigmas
AREA = 3000.0
WINDOW = Window((50.0, 50.0), (100.0, 100.0))


def person(number, **changes):
    """Returns the annotation of a person with three joints, 100 px from the next one."""
    points = np.array([[10.0, 10.0], [50.0, 20.0], [30.0, 60.0]]) + 100 * number
    triples = np.column_stack([points, np.full(3, 2)])
    return {
        "id": number,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 0,
        "area": AREA,
        "bbox": [100.0 * number, 100.0 * number, 60.0, 70.0],
        "num_keypoints": 3,
        "keypoints": triples.ravel().tolist(),
        **changes,
    }


def truth(*people):
    """Returns the contents of an annotation file."""
    return {
        "images": [{"id": 1}, {"id": 2}],
        "annotations": list(people),
        "categories": [{"id": 1}],
    }


def points_of(record):
    """Returns the joints [3, 2] of an annotation."""
    return np.reshape(record["keypoints"], (-1, 3))[:, :2]


def sample(number, detected=True, score=1.0, image_id=1):
    """Returns the sample of a person in a detected box, or in the annotated one."""
    annotated = Person(points_of(person(number)), np.full(3, 2), (0.0, 0.0, 1.0, 1.0), number, AREA)
    window = replace(WINDOW, center=(100.0 * number, 50.0))
    return Sample(image_id, Path("a.jpg"), window, () if detected else (annotated,), score)


def poses(keypoints, joint_scores=(1.0, 1.0, 1.0)):
    """Returns one pose."""
    return Poses(
        np.asarray(keypoints, float)[None],
        np.array([joint_scores], float),
        np.array([np.mean(joint_scores)]),
    )


def ap(metric, *predictions):
    """Returns the AP of predictions."""
    return metric.compute_scores(predictions).values["AP"]


def test_perfect_poses_score_one_and_a_size_without_people_is_nan(capsys):
    metric = CocoAP(truth(person(0), person(1)), THREE)
    scores = metric.compute_scores(
        [(sample(number, detected=False), poses(points_of(person(number)))) for number in (0, 1)]
    )
    values = scores.values
    assert tuple(values) == NAMES
    assert scores.intervals == {}
    assert [values[name] for name in NAMES if "(L)" not in name] == pytest.approx([1.0] * 8)
    assert np.isnan([values["AP(L)"], values["AR(L)"]]).all()
    assert "2 ground-truth boxes, 2 people after OKS-NMS" in scores.table
    assert capsys.readouterr().out == ""
    alone = metric.compute_scores([(sample(0), poses(points_of(person(0))))])
    assert alone.values["AR"] == 0.5, "predictions of an earlier call count"
    assert "1 detected boxes" in alone.table


def test_an_annotation_with_id_0_can_be_matched():
    """pycocotools takes a match with id 0 for no match; this project does not."""
    metric = CocoAP(truth(person(0)), THREE)
    assert ap(metric, (sample(0), poses(points_of(person(0))))) == pytest.approx(1.0)


def test_oks_is_the_formula():
    moved = points_of(person(0)) + np.array([[3.0, 4.0], [0.0, 0.0], [30.0, 40.0]])
    terms = [
        np.exp(-(d**2) / (2 * AREA * (2 * s) ** 2)) for d, s in zip((5, 0, 50), SIGMAS, strict=True)
    ]
    assert oks(moved, points_of(person(0)), AREA, SIGMAS) == pytest.approx(np.mean(terms))
    assert oks(moved, points_of(person(0)), AREA, SIGMAS, np.array([1, 1, 0]) > 0) == pytest.approx(
        np.mean(terms[:2])
    )
    sample_score = CocoAP(truth(person(0)), THREE).score_sample(
        sample(0, detected=False), poses(moved)
    )
    assert sample_score.quality == pytest.approx((np.mean(terms),))
    assert sample_score.words == f"OKS {np.mean(terms):.2f}"


def test_a_score_is_the_boxs_times_the_mean_of_the_joints_above_the_threshold(tmp_path):
    metric = CocoAP(truth(person(0), person(1)), THREE)
    predictions = [
        (sample(0, score=0.5), poses(points_of(person(0)), (0.9, 0.7, 0.2))),
        (sample(1, score=0.5), poses(points_of(person(1)), (0.1, 0.0, -0.2))),
    ]
    (path,) = metric.save(predictions, tmp_path / "new")
    assert path.name == "keypoints_results.json"
    first, second = json.loads(path.read_text(encoding="utf-8"))
    assert first["score"] == pytest.approx(0.5 * 0.8)
    assert second["score"] == 0.0
    assert first["keypoints"][2::3] == [0.9, 0.7, 0.2]
    assert (first["image_id"], first["category_id"]) == (1, 1)


def test_nms_keeps_the_better_of_two_similar_poses_and_both_of_two_distant_ones():
    near = points_of(person(0))
    people = np.stack([near + 1, near, near + 100])
    areas = np.full(3, AREA)
    assert oks_nms(people, np.array([0.5, 0.9, 0.1]), areas, SIGMAS) == [1, 2]
    assert oks_nms(people, np.array([0.9, 0.5, 0.95]), areas, SIGMAS) == [2, 0]
    # The area is the mean of the two: the same distance is similar for large people only.
    assert oks_nms(people, np.array([0.5, 0.9, 0.1]), areas / 100, SIGMAS) == [1, 0, 2]
    threshold = float(oks(near + 1, near, AREA, SIGMAS))
    assert oks_nms(people, np.array([0.5, 0.9, 0.1]), areas, SIGMAS, threshold) == [1, 0, 2]
    # Without any score all joints count alike.
    alike = np.zeros(people.shape[:2])
    assert oks_nms(people, np.array([0.5, 0.9, 0.1]), areas, SIGMAS, joint_scores=alike) == [1, 2]


def test_repeated_windows_and_the_order_change_nothing(tmp_path):
    found = [(sample(n, score=0.5 + n / 10), poses(points_of(person(n)) + 3 * n)) for n in range(3)]
    metric = CocoAP(truth(person(0), person(1), person(2)), THREE)
    first, second = (
        metric.compute_scores([found[n] for n in order]).values
        for order in ((0, 1, 2), (2, 0, 1, 0, 2))
    )
    assert first == pytest.approx(second, nan_ok=True)
    assert 0 < first["AP"] < 1
    best = (found[2][0], poses(points_of(person(2))))
    assert ap(metric, *found, best) == ap(metric, *found[:2], best) > first["AP"], (
        "the last poses of a window count"
    )


def test_of_two_boxes_at_one_place_the_one_with_the_higher_score_counts(tmp_path):
    metric = CocoAP(truth(person(0)), THREE)
    predictions = [(sample(0, score=score), poses(points_of(person(0)))) for score in (0.9, 0.3)]
    (path,) = metric.save(predictions, tmp_path)
    assert [record["score"] for record in json.loads(path.read_text(encoding="utf-8"))] == [0.9]
    assert "2 detected boxes, 1 people after OKS-NMS" in metric.compute_scores(predictions).table


def test_saved_results_score_the_same_when_they_are_read(tmp_path):
    annotations = tmp_path / "truth.json"
    annotations.write_text(
        json.dumps(truth(person(0), person(1), person(2, iscrowd=1))), encoding="utf-8"
    )
    metric = CocoAP(annotations, THREE)
    predictions = [
        (sample(n, score=0.3 * n), poses(points_of(person(n)) + 4 * n)) for n in (0, 1, 2)
    ]
    (path,) = metric.save(predictions, tmp_path)
    expected = metric.compute_scores(predictions).values
    assert score_results(path, annotations, THREE).values == pytest.approx(
        expected, abs=0, nan_ok=True
    )


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            person(4, area=0),
            r"annotations\[0\] \(id 4\): key 'area' is 0; OKS .* 0.53 x box width",
        ),
        ({k: v for k, v in person(4).items() if k != "area"}, "key 'area' is missing"),
        (person(4, image_id="1"), "key 'image_id' must be an integer, got '1'"),
        (person(4, id="4"), "key 'id' must be an integer, got '4'"),
        (person(4, category_id=1.0), "key 'category_id' must be an integer, got 1.0"),
        (person(4, image_id=9), "image 9 is not in the list of images"),
        (person(4, keypoints=[0] * 9), "no labelled joint"),
        (person(4, iscrowd=1), "no labelled joint"),
        (
            person(4, keypoints=[1] * 51),
            "must hold 3 numbers for each of the 3 joints .*: 9, got 51",
        ),
    ],
)
def test_annotations_that_could_only_give_a_wrong_ap_are_refused(record, message):
    with pytest.raises(ValueError, match=message):
        CocoAP(truth(record), THREE)


def test_people_who_do_not_count_need_no_area():
    unlabelled = person(3, keypoints=[0] * 9, area=0)
    metric = CocoAP(truth(person(0), unlabelled, person(2, iscrowd=1, area=0)), THREE)
    assert ap(metric, (sample(0), poses(points_of(person(0))))) == pytest.approx(1.0)


def test_a_score_needs_results_of_annotated_images():
    metric = CocoAP(truth(person(0)), THREE)
    for predictions in ([], [(sample(0, image_id=5), poses(points_of(person(0))))]):
        with pytest.raises(InputError):
            metric.compute_scores(predictions)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": "1"}, "record 0: key 'image_id' must be an integer, got '1'"),
        (
            {"image_id": 77},
            "1 images of the results are not in annotations, e.g. 77; .* same split",
        ),
        ({"category_id": 2}, "record 0: key 'category_id' is 2"),
        ({"keypoints": [1.0] * 6}, "record 0: key 'keypoints' must hold 9 numbers"),
        ({"keypoints": [float("nan")] * 9}, "record 0: key 'keypoints' must hold 9 numbers"),
        ({"score": None}, "record 0: key 'score' must be a number, got None"),
    ],
)
def test_wrong_results_of_other_programs_are_refused(tmp_path, changes, message):
    record = {"image_id": 1, "category_id": 1, "keypoints": person(0)["keypoints"], "score": 0.5}
    path = tmp_path / "results.json"
    path.write_text(json.dumps([record]), encoding="utf-8")
    assert score_results(path, truth(person(0)), THREE).values["AP"] == pytest.approx(1.0)
    path.write_text(json.dumps([{**record, **changes}]), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        score_results(path, truth(person(0)), THREE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "expected a list of results, got dict"),
        ("[1]", "record 0: expected a record"),
        ("[]", "the list is empty"),
    ],
)
def test_files_that_are_no_results_are_refused(tmp_path, text, message):
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        score_results(path, truth(person(0)), THREE)


def whole(image_id, *people, score=1.0):
    """Returns the sample of a whole image with some of the annotated people."""
    annotated = [
        Person(points_of(person(n)), np.full(3, 2), (0.0, 0.0, 60.0, 70.0), n, AREA) for n in people
    ]
    return Sample(
        image_id,
        Path(f"{image_id}.jpg"),
        Window((200.0, 200.0), (400.0, 400.0)),
        tuple(annotated),
        score,
    )


def found(*keypoints, scores=None):
    """Returns poses with person scores."""
    count = len(keypoints)
    points = np.reshape(np.array(keypoints, float), (count, 3, 2))
    return Poses(
        points,
        np.full((count, 3), 0.05),
        np.ones(count) if scores is None else np.array(scores, float),
    )


def test_in_a_whole_image_every_pose_has_its_own_score(tmp_path):
    metric = CocoAP(truth(person(0), person(1), person(2)), THREE, whole_images=True)
    all_points = [points_of(person(n)) for n in range(3)]
    predictions = [(whole(1, 0, 1, 2), found(*all_points, scores=(0.9, 0.4, 0.6)))]
    scores = metric.compute_scores(predictions)
    assert (scores.values["AP"], scores.values["AR"]) == pytest.approx((1.0, 1.0))
    assert "1 whole images, 3 people after OKS-NMS" in scores.table
    (path,) = metric.save(predictions, tmp_path)
    assert [record["score"] for record in json.loads(path.read_text(encoding="utf-8"))] == [
        0.9,
        0.6,
        0.4,
    ]
    values = metric.compute_scores([(whole(1, 0, 1, 2), found(*all_points[:2]))]).values
    assert values["AR"] == pytest.approx(2 / 3)
    assert values["AP"] == pytest.approx(67 / 101)  # recall 0, 0.01 ... 0.66
    assert metric.score_sample(whole(1, 0, 1, 2), found(*all_points[:2])).quality == pytest.approx(
        (2 / 3,), abs=1e-6
    )


def test_close_people_are_kept_and_a_duplicate_is_suppressed():
    close = person(
        1, keypoints=[v for x, y in points_of(person(0)) + np.array([12, 0]) for v in (x, y, 2)]
    )
    metric = CocoAP(truth(person(0), close), THREE, whole_images=True)
    first, second = points_of(person(0)), points_of(close)
    scores = metric.compute_scores(
        [(whole(1, 0), found(first, second, first + 0.5, scores=(0.9, 0.8, 0.7)))]
    )
    assert scores.values["AP"] == pytest.approx(1.0)
    assert "2 people after OKS-NMS" in scores.table
    # with the area of the window they would be similar
    assert oks_nms(np.stack([first, second]), np.ones(2), np.full(2, 400.0**2), SIGMAS) == [0]


def test_poses_in_an_image_without_people_are_false_positives():
    metric = CocoAP(truth(person(0)), THREE, whole_images=True)
    right = (whole(1, 0), found(points_of(person(0)), scores=(0.5,)))
    assert ap(metric, right, (whole(2), found())) == pytest.approx(1.0)
    # with a lower score than all true people, then with a higher one
    assert ap(
        metric, right, (whole(2), found(points_of(person(0)), scores=(0.4,)))
    ) == pytest.approx(1.0)
    assert ap(
        metric, right, (whole(2), found(points_of(person(0)), scores=(0.6,)))
    ) == pytest.approx(0.5)


def test_without_poses_ap_is_0():
    metric = CocoAP(truth(person(0)), THREE, whole_images=True)
    scores = metric.compute_scores([(whole(1, 0), found()), (whole(2), found())])
    values = scores.values
    assert (values["AP"], values["AR"], values["AP(M)"]) == (0, 0, 0)
    assert np.isnan(values["AP(L)"])
    assert "2 whole images, 0 people" in scores.table


def test_intervals_resample_images_and_count_them_as_often_as_they_are_drawn():
    rng = np.random.default_rng(0)
    people = [person(n + 1, image_id=n // 2 + 1) for n in range(24)]
    content = truth(*people)
    content["images"] = [{"id": n + 1, "width": 100, "height": 100} for n in range(12)]
    ground = GroundTruth(content, THREE)
    results = []
    for record in people:
        points = np.array(record["keypoints"], float).reshape(-1, 3)
        points[:, :2] += rng.normal(0, 4, (3, 2))
        results.append(
            {
                "image_id": record["image_id"],
                "category_id": 1,
                "keypoints": points.ravel().tolist(),
                "score": float(rng.uniform()),
            }
        )
    values = ground.score(results)
    matches = ground._matches(results)
    once = coco_matching.numbers(matches, np.ones((1, 12)))
    assert {name: float(value[0]) for name, value in once.items()} == pytest.approx(
        values, nan_ok=True
    )
    # Images 1 and 2, the first one twice, as a data set of its own
    counts = np.zeros((1, 12))
    counts[0, :2] = (2, 1)
    few = [record for record in people if record["image_id"] <= 2]
    copies = [
        {**record, "image_id": record["image_id"] + 100, "id": record["id"] + 100}
        for record in few
        if record["image_id"] == 1
    ]
    again = truth(*few, *copies)
    again["images"] = [{"id": n, "width": 100, "height": 100} for n in (1, 2, 101)]
    of_few = [record for record in results if record["image_id"] <= 2]
    doubled = [{**record, "image_id": 101} for record in of_few if record["image_id"] == 1]
    expected = GroundTruth(again, THREE).score([*of_few, *doubled])
    drawn = coco_matching.numbers(matches, counts)
    assert {name: float(value[0]) for name, value in drawn.items()} == pytest.approx(
        expected, nan_ok=True
    )
    assert 0 < values["AP"] < 1
    low, high = ground.intervals(results)["AP"]
    assert low < values["AP"] < high


def test_intervals_without_results_are_0():
    intervals = GroundTruth(truth(person(1)), THREE).intervals([], resamples=5)
    assert intervals["AP"] == intervals["AR"] == (0.0, 0.0)


def kinds(*categories):
    """Returns the content of a file with one person of each category in image 1."""
    people = [person(n, category_id=category) for n, category in enumerate(categories)]
    return {**truth(*people), "categories": [{"id": n} for n in sorted(set(categories))]}


def test_ap_is_the_mean_over_categories_with_the_same_joints(tmp_path):
    """As pycocotools computes it: 3 people of one category and 1 of the other weigh the same."""
    content = kinds(0, 0, 0, 5)
    path = tmp_path / "results.json"

    def scored(*found):
        results = [
            {
                "image_id": 1,
                "category_id": category,
                "keypoints": person(n)["keypoints"],
                "score": 0.9 - 0.1 * n,
            }
            for n, category in found
        ]
        path.write_text(json.dumps(results), encoding="utf-8")
        return score_results(path, content, THREE).values["AP"]

    assert scored((0, 0), (1, 0), (2, 0), (3, 5)) == pytest.approx(1)
    assert scored((0, 0), (1, 0), (2, 0)) == pytest.approx(0.5)
    assert scored((3, 5)) == pytest.approx(0.5)
    assert scored((0, 0), (1, 0), (2, 0), (3, 0)) == pytest.approx(0.5)
    with pytest.raises(InputError, match="'category_id' is 4; the annotated people have 0 or 5"):
        scored((0, 4))


def test_numbers_of_resampled_images_are_the_mean_over_categories():
    ground = GroundTruth(kinds(0, 0, 0, 5), THREE)
    results = [
        {
            "image_id": 1,
            "category_id": category,
            "keypoints": person(n)["keypoints"],
            "score": 0.9 - 0.1 * n,
        }
        for n, category in ((0, 0), (1, 0), (3, 5))
    ]
    values = ground.score(results)
    once = coco_matching.numbers(ground._matches(results), np.ones((1, 1)))
    assert 0.5 < values["AP"] < 1
    assert {name: float(value[0]) for name, value in once.items()} == pytest.approx(
        values, nan_ok=True
    )


def test_predictions_have_the_category_of_their_annotated_person():
    metric = CocoAP(kinds(0, 0, 0, 5), THREE)
    all_four = [(sample(n, detected=False), poses(points_of(person(n)))) for n in range(4)]
    scores = metric.compute_scores(all_four)
    assert scores.values["AP"] == pytest.approx(1)
    assert "2 categories (mean)" in scores.table
    assert ap(metric, *all_four[:3]) == pytest.approx(0.5)
    assert ap(metric, *all_four[3:]) == pytest.approx(0.5)


def test_people_of_detected_boxes_are_of_one_kind():
    """Nobody knows the category of a detected box."""
    metric = CocoAP(kinds(3, 5), THREE)
    both = [(sample(n), poses(points_of(person(n)))) for n in (0, 1)]
    scores = metric.compute_scores(both)
    assert scores.values["AP"] == pytest.approx(1)
    assert "2 categories as one" in scores.table
    assert ap(metric, both[0]) == pytest.approx(51 / 101)  # half of the people, as of one category


def test_areas_from_keypoints_are_used_by_a_flag():
    no_area = {key: value for key, value in person(0).items() if key != "area"}
    with pytest.raises(InputError, match="boxes_from_keypoints"):
        CocoAP(truth(no_area), THREE)
    metric = CocoAP(truth(no_area), THREE, boxes_from_keypoints=True)
    assert ap(metric, (sample(0), poses(points_of(person(0))))) == pytest.approx(1.0)
    at_one_point = person(1, keypoints=[9, 9, 2, 0, 0, 0, 0, 0, 0], bbox=[9, 9, 0, 0], area=0)
    metric = CocoAP(truth(no_area, at_one_point), THREE, boxes_from_keypoints=True)
    assert ap(metric, (sample(0), poses(points_of(person(0))))) == pytest.approx(1.0)
