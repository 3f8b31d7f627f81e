"""The `[EVAL]` line."""

from paddle_pose.metrics.base import eval_line


def test_the_names_are_sorted_and_the_line_ends_with_a_space_as_txyugoods():
    values = {"Mean@0.1": 23.909445745511317, "Mean": 87.0, "Ankle": 77.4, "extra": 1.0}
    assert eval_line(values, ("Mean", "Mean@0.1", "Ankle"), "epoch=0:") == (
        "[EVAL] epoch=0:Ankle=77.4 Mean=87 Mean@0.1=23.909 "
    )
    assert eval_line(values, ()) == "[EVAL] "
