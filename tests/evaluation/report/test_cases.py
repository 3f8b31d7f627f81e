import re
from base64 import b64decode
from types import SimpleNamespace

import cv2
import numpy as np

from paddle_pose.evaluation.report import cases
from paddle_pose.metrics.errors import MatchedPoses, kinds
from paddle_pose.skeletons import COCO_17


def test_a_person_with_one_labelled_joint_is_shown_with_its_surroundings(tmp_path):
    photo = np.zeros((200, 200, 3), np.uint8)
    photo[:, 120:] = 255  # 20 px from the joint
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    visible = np.zeros((1, 17), int)
    visible[0, 0] = 2
    points = np.full((1, 17, 2), 100.0)
    found = MatchedPoses(
        skeleton=COCO_17,
        predicted=points,
        truth=points,
        visible=visible,
        counted=visible > 0,
        units=np.ones((1, 17)),
        reach=1.0,
        sizes=np.array([40.0]),
        image_ids=np.zeros(1, int),
    )
    tile = cases.tile(
        SimpleNamespace(found=found, images=[tmp_path / "a.png"], upright_rule=None),
        0,
        kinds(found),
    )
    shown = cv2.imdecode(
        np.frombuffer(b64decode(re.search('base64,(.*?)"', tile)[1]), np.uint8),
        cv2.IMREAD_GRAYSCALE,
    )
    white = (shown[:, 20:] > 200).mean()
    assert 0.1 < white < 0.3  # (34 - 20) of 68 px
    assert "1 of 1 joints found" in tile
