import pytest

from paddle_pose.configs.published import PUBLISHED, TXYUGOOD_CURVES, numbers_of, of_config
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.weights import zoo


@pytest.mark.parametrize(
    ("config", "results"),
    [
        ("hourglass52_mpii_384", {"Mean": 89.4, "Mean@0.1": 36.6}),
        ("stacked_hourglass2_mpii_256", {"Mean": 87.3, "Mean@0.1": 23.9}),
        ("hrnet_w32_mpii_256", {"Mean": 90.3, "Mean@0.11": 37.7}),
        ("hrnet_w48_mpii_256", {}),
        ("hrnet_w48_coco_384x288", {"AP (detected boxes)": 0.763}),
        ("simple_baseline_r152_mpii_384", {"Mean": 90.2, "Mean@0.11": 39.433}),
        ("simple_baseline_r50_coco_256x192_dark", {"AP (detected boxes)": 0.724}),
        ("movenet_original_coco", {"acc": 0.76914}),
        ("movenet_thunder_coco", {}),
        ("hourglass_tiny_128", {}),
    ],
)
def test_published_results_of_a_config(config, results):
    assert numbers_of(config) == results


@pytest.mark.parametrize("name", [name for name in zoo.PUBLISHED if name.startswith("official_")])
def test_official_weights_and_their_config_have_the_same_results(name):
    file = zoo.PUBLISHED[name]
    published = dict(file.published)
    for metric, value in numbers_of(file.config).items():
        assert published[metric.removesuffix(" (detected boxes)")] == value
    assert bool(published) == bool(numbers_of(file.config))


def test_the_best_epoch_of_txyugoods_log_has_its_published_results():
    for size, points in TXYUGOOD_CURVES.items():
        best = max(points, key=lambda point: point[2])
        (row,) = [
            row
            for row in PUBLISHED
            if row.who == "original Paddle project" and row.input == f"{size}x{size}"
        ]
        assert best[1:] == (row.values["Mean"], row.values["Mean@0.1"])
        assert [epoch for epoch, *_ in points] == sorted({epoch for epoch, *_ in points})
        assert points[-1][0] == 209


def test_the_origin_of_boxes_is_parsed_from_the_name_of_a_result():
    (udp,) = of_config(CONFIGS["hrnet_w32_coco_256x192_udp"])
    assert udp.boxes == "boxes of a 65.1-AP detector"
    assert udp.values == {"AP": 0.768}
