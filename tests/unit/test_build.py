import pytest

from paddle_pose import build
from paddle_pose.configs.schema import CONFIGS, override
from paddle_pose.datasets.stick_figures import write_coco

MPII, COCO = CONFIGS["hourglass52_mpii_256"], CONFIGS["hrnet_w32_coco_256x192"]
CROPS = override(COCO, {"data.dataset": "movenet_crops"})


@pytest.mark.parametrize(
    ("config", "metric", "expected"),
    [
        (MPII, "auto", "PCKh"),
        (MPII, "pckh", "PCKh"),
        (MPII, "pck", "PCK"),
        (COCO, "auto", "CocoAP"),
        (COCO, "ap", "CocoAP"),
        (COCO, "pck", "PCK"),
        (COCO, "original_accuracy", "OriginalAccuracy"),
        (CROPS, "auto", "OriginalAccuracy"),
        (CROPS, "pck", "PCK"),
    ],
)
def test_the_metric_is_the_data_sets_or_the_one_asked_for(tmp_path, config, metric, expected):
    root = write_coco(tmp_path, num_train=0, num_val=1, size=(64, 64))
    assert type(build.metric(override(config, {"val.metric": metric}), root)).__name__ == expected


@pytest.mark.parametrize(
    ("config", "metric", "message"),
    [
        (MPII, "ap", "metric 'ap' needs COCO's annotation file.*expected pckh, pck, original_accuracy"),
        (COCO, "pckh", "metric 'pckh' needs MPII's head boxes.*expected ap, pck, original_accuracy"),
        (CROPS, "ap", "data set 'movenet_crops' has not; expected original_accuracy, pck"),
    ],
)
def test_a_metric_that_the_data_cannot_feed_is_refused(tmp_path, config, metric, message):
    with pytest.raises(ValueError, match=message):
        build.metric(override(config, {"val.metric": metric}), tmp_path)


def test_every_data_set_has_a_reader_and_a_usual_metric():
    assert build.READERS.keys() == build.USUAL_METRIC.keys()
    assert set(build.USUAL_METRIC.values()) <= build.METRICS.keys()
