"""What `predict_files` refuses, warns of and decides before a network runs."""

from pathlib import Path

import pytest

from paddle_pose.engine import predict
from paddle_pose.engine.predict import People, Results
from paddle_pose.errors import InputError
from paddle_pose.io.frames import Source

IMAGE = Source("image", Path("a.jpg"), Path("a"))
VIDEO = Source("video", Path("b.mp4"), Path("b"))
CAMERA = Source("camera", Path("0"), Path("camera_0"))


@pytest.mark.parametrize(
    ("name", "people", "results"),
    [
        ("--track", {"track": "oks"}, {}),
        ("--boxes", {"boxes": Path("b.json")}, {}),
        ("--detector", {"detector": "d"}, {}),
        ("--people", {"max_people": 2}, {}),
        ("--maps", {}, {"maps": True}),
    ],
)
def test_what_does_not_go_with_one_person_is_refused(name, people, results):
    predict.check_people(People(**people), Results(**results))
    predict.check_people(People(one_person=True, smooth=True), Results())
    with pytest.raises(InputError, match=f"--one_person does not go with {name}"):
        predict.check_people(People(one_person=True, **people), Results(**results))


@pytest.mark.parametrize(
    ("people", "sources", "flags"),
    [
        ({"min_score": 0.5, "detector": None}, [IMAGE], ["--box_threshold"]),
        ({"min_score": 0.5, "one_person": True}, [VIDEO], ["--box_threshold"]),
        ({"min_score": 0.5}, [IMAGE], []),
        ({"min_score": 0.5, "detector": "d"}, [IMAGE], []),
        ({"min_score": 0.5, "boxes": Path("b.json")}, [VIDEO], []),
        ({"smooth": True}, [IMAGE, IMAGE], ["--smooth"]),
        ({"track": "iou"}, [IMAGE], ["--track"]),
        ({"track": "oks", "smooth": True}, [IMAGE], ["--track", "--smooth"]),
        ({"one_person": True, "smooth": True}, [IMAGE], ["--smooth"]),
        ({"track": "oks", "smooth": True}, [IMAGE, VIDEO], []),
        ({"track": "oks", "smooth": True}, [CAMERA], []),
        ({}, [IMAGE], []),
    ],
)
def test_a_flag_without_effect_is_named_in_one_line(people, sources, flags, capsys):
    predict.warn_of_no_effect(People(**people), sources)
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == bool(flags)
    assert all(flag in said.err for flag in flags)
