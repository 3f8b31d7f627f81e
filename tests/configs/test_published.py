from paddle_pose.configs.published import PUBLISHED, TXYUGOOD_CURVES, of_config
from paddle_pose.configs.registry import CONFIGS


def test_the_original_projects_curve_ends_where_its_table_says():
    for size, points in TXYUGOOD_CURVES.items():
        best = max(points, key=lambda point: point[2])
        (row,) = [one for one in PUBLISHED if one.who == "original Paddle project" and one.input == f"{size}x{size}"]
        assert best[1:] == (row.values["Mean"], row.values["Mean@0.1"])
        assert [epoch for epoch, *_ in points] == sorted({epoch for epoch, *_ in points})
        assert points[-1][0] == 209


def test_boxes_are_read_from_the_name_of_a_number():
    (udp,) = of_config(CONFIGS["hrnet_w32_coco_256x192_udp"])
    assert udp.boxes == "boxes of a 65.1-AP detector"
    assert udp.values == {"AP": 0.768}
