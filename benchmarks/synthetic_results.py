"""People and predictions by a rule, for both sides of the evaluation's rows. NumPy only."""

import numpy as np

JOINTS = 17
PER_IMAGE = 3


def people(count: int, joints: int = JOINTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns true keypoints [count, joints, 2] px, predicted ones, and their scores [count, joints]."""
    rng = np.random.default_rng(0)
    sizes = rng.uniform(40, 300, (count, 1, 1))
    truth = rng.uniform(0, 1, (count, joints, 2)) * sizes + rng.uniform(0, 300, (count, 1, 2))
    predicted = truth + rng.normal(0, 0.05, truth.shape) * sizes
    return truth, predicted, rng.uniform(0.3, 1, (count, joints))


def coco(count: int) -> tuple[dict, list[dict]]:
    """Returns an annotation file's content and a results file's, COCO's format."""
    truth, predicted, scores = people(count)
    rng = np.random.default_rng(1)
    visible = rng.choice([0, 1, 2], (count, JOINTS), p=[0.3, 0.1, 0.6])
    visible[:, 0] = 2
    joints = np.concatenate([truth, visible[..., None]], axis=2).reshape(count, -1).tolist()
    found = np.concatenate([predicted, scores[..., None]], axis=2).reshape(count, -1).tolist()
    corners, sides = truth.min(axis=1), np.ptp(truth, axis=1)
    annotations = [
        {
            "id": n + 1,
            "image_id": n // PER_IMAGE + 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": float(0.53 * sides[n].prod()),
            "bbox": [*corners[n].tolist(), *sides[n].tolist()],
            "keypoints": joints[n],
            "num_keypoints": int((visible[n] > 0).sum()),
        }
        for n in range(count)
    ]
    images = [
        {"id": n + 1, "width": 640, "height": 640} for n in range((count - 1) // PER_IMAGE + 1)
    ]
    names = (
        *(
            "nose",
            "left_eye",
            "right_eye",
            "left_ear",
            "right_ear",
            "left_shoulder",
            "right_shoulder",
            "left_elbow",
        ),
        *(
            "right_elbow",
            "left_wrist",
            "right_wrist",
            "left_hip",
            "right_hip",
            "left_knee",
            "right_knee",
        ),
        *("left_ankle", "right_ankle"),
    )
    category = {"id": 1, "name": "person", "keypoints": list(names), "skeleton": []}
    results = [
        {
            "image_id": n // PER_IMAGE + 1,
            "category_id": 1,
            "keypoints": found[n],
            "score": float(scores[n].mean()),
        }
        for n in range(count)
    ]
    return {"images": images, "annotations": annotations, "categories": [category]}, results
