import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.errors import InputError
from paddle_pose.models.losses import JointsMSELoss, MoveNetLoss, acc_pose
from paddle_pose.skeletons import COCO_17


def batch(maps, target, weights):
    """Returns outputs [N, S, K, h, w] with gradient, and targets, as dictionaries of tensors."""
    predicted = paddle.to_tensor(np.asarray(maps, np.float32), stop_gradient=False)
    targets = {"heatmaps": target, "weights": weights}
    targets = {k: paddle.to_tensor(np.asarray(v, np.float32)) for k, v in targets.items()}
    return {"heatmaps": predicted}, targets


def loss_of(maps, target, weights, **settings):
    return JointsMSELoss(**settings)(*batch(maps, target, weights))["heatmap_loss"]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_joints_mse_of_equal_maps_is_zero():
    target = noise(2, 3, 4, 5)
    maps = np.stack([target, target], axis=1)
    assert loss_of(maps, target, np.ones((2, 3))).item() == 0


def test_joints_mse_of_one_map_matches_manual_value():
    maps = [[[[[1, 2], [3, 4]]]]]
    target = [[[[1, 0], [0, 8]]]]
    loss = loss_of(maps, target, [[1]])
    assert loss.shape == []
    assert loss.item() == (0 + 4 + 9 + 16) / 4
    assert loss_of(maps, target, [[1]], scale=0.5).item() == (0 + 4 + 9 + 16) / 8


def test_joints_mse_gradient_matches_manual_value():
    outputs, targets = batch(
        [[[[[1, 2], [3, 4]], [[7, 7], [7, 7]]]]],
        [[[[1, 0], [0, 8]], [[0, 0], [0, 0]]]],
        [[1, 0]],
    )
    JointsMSELoss()(outputs, targets)["heatmap_loss"].backward()
    expected = [[[[[0, 0.5], [0.75, -1]], [[0, 0], [0, 0]]]]]  # 2 * difference / 8 elements
    np.testing.assert_allclose(outputs["heatmaps"].grad.numpy(), expected, rtol=1e-6)


def test_joints_mse_equals_the_published_formula():
    maps, target = noise(3, 1, 4, 5, 6), noise(3, 4, 5, 6, seed=1)
    weights = np.random.default_rng(2).integers(0, 2, (3, 4))
    w = weights[:, :, None, None]
    expected = np.mean((maps[:, 0] * w - target * w) ** 2)
    assert loss_of(maps, target, weights).item() == pytest.approx(expected, rel=1e-6)
    linear = loss_of(maps, target, weights, squared_weights=False).item()
    assert linear == pytest.approx(expected, rel=1e-6)


def test_squared_weights_selects_square_or_weight():
    maps, target = np.full((1, 1, 1, 2, 2), 2), np.zeros((1, 1, 2, 2))
    assert loss_of(maps, target, [[3]]).item() == 9 * 4
    assert loss_of(maps, target, [[3]], squared_weights=False).item() == 3 * 4


def test_joint_weights_multiply_the_target_weights():
    maps, target = noise(2, 2, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
    weights, factors = np.array([[1, 0, 1], [1, 1, 0]]), (1.5, 1.2, 1)
    for squared in (True, False):
        loss = loss_of(maps, target, weights, joint_weights=factors, squared_weights=squared).item()
        by_hand = loss_of(maps, target, weights * factors, squared_weights=squared).item()
        assert loss == pytest.approx(by_hand, rel=1e-6)


def test_joint_weights_are_squared():
    maps, target = np.zeros((1, 1, 2, 2, 2)), np.zeros((1, 2, 2, 2))
    maps[:, :, 1] = 1
    plain = loss_of(maps, target, [[1, 1]]).item()
    assert loss_of(maps, target, [[1, 1]], joint_weights=(1, 1.5)).item() == pytest.approx(
        2.25 * plain
    )
    assert loss_of(maps, target, [[1, 1]], joint_weights=(1.5, 1)).item() == plain


@pytest.mark.parametrize("factors", [(1.5,), (1.0, 1.0, 1.0)])
def test_joint_weights_of_another_skeleton_raise(factors):
    with pytest.raises(ValueError, match=rf"{len(factors)} joint weights .* 2 joints"):
        loss_of(np.zeros((1, 1, 2, 2, 2)), np.zeros((1, 2, 2, 2)), [[1, 1]], joint_weights=factors)


def test_config_option_weights_knees_elbows_wrists_and_ankles():
    plain = CONFIGS["hrnet_w32_coco_256x192"]
    weighted = override(plain, {"loss.joint_weights": "true"})
    maps, target = np.zeros((1, 1, 17, 2, 2)), np.ones((1, 17, 2, 2))
    joints = COCO_17.joints
    for joint, weight in (
        ("nose", 1),
        ("left_hip", 1),
        ("left_knee", 1.2),
        ("right_elbow", 1.2),
        ("left_ankle", 1.5),
    ):
        targets = batch(maps, target, [np.eye(17)[joints.index(joint)]])
        one, more = (
            build.loss(config)(*targets)["heatmap_loss"].item() for config in (plain, weighted)
        )
        assert one == pytest.approx(0.5 / 17)
        assert more == pytest.approx(one * weight**2)


def test_joints_mse_is_the_sum_over_stages():
    maps = noise(2, 3, 4, 5, 6)
    target = noise(2, 4, 5, 6, seed=1)
    weights = np.ones((2, 4))
    alone = sum(loss_of(maps[:, s : s + 1], target, weights).item() for s in range(3))
    assert loss_of(maps, target, weights).item() == pytest.approx(alone, rel=1e-6)


def test_unlabelled_joints_do_not_change_the_loss():
    maps = noise(1, 2, 2, 4, 4)
    target = noise(1, 2, 4, 4, seed=1)
    weights = [[1, 0]]
    before = loss_of(maps, target, weights).item()
    maps[:, :, 1] += 100
    assert loss_of(maps, target, weights).item() == before
    maps[:, :, 0] += 100
    assert loss_of(maps, target, weights).item() > before


def test_batch_without_labels_has_zero_loss_and_gradient():
    outputs, targets = batch(noise(1, 1, 2, 4, 4), noise(1, 2, 4, 4, seed=1), [[0, 0]])
    loss = JointsMSELoss()(outputs, targets)["heatmap_loss"]
    loss.backward()
    assert loss.item() == 0
    assert not outputs["heatmaps"].grad.any().item()


@pytest.mark.parametrize("call", [JointsMSELoss(), acc_pose])
@pytest.mark.parametrize(
    ("maps", "target", "weights"),
    [
        ((2, 3, 4, 4), (2, 3, 4, 4), (2, 3)),  # no stage axis
        ((2, 1, 3, 4, 4), (2, 1, 4, 4), (2, 3)),  # would broadcast over the joints
        ((2, 1, 3, 4, 4), (2, 3, 4, 5), (2, 3)),
        ((2, 1, 3, 4, 4), (2, 3, 4, 4), (2, 3, 1)),
    ],
)
def test_mismatching_shapes_raise(call, maps, target, weights):
    with pytest.raises(ValueError, match="do not match"):
        call(*batch(np.zeros(maps), np.zeros(target), np.zeros(weights)))


def peaks(points, width=20, height=40):
    """Returns maps [K, h, w] of zeros with a one at each (x, y); for None the map is empty."""
    maps = np.zeros((len(points), height, width))
    for single, point in zip(maps, points, strict=True):
        if point is not None:
            single[point[1], point[0]] = 1
    return maps


def accuracy(found, target, weights):
    """Returns `acc_pose` of points [N][K] in maps of 20 x 40; the first of two stages is wrong."""
    maps = np.stack([[peaks([(0, 0)] * len(sample)), peaks(sample)] for sample in found])
    targets = np.stack([peaks(sample) for sample in target])
    result = acc_pose(*batch(maps, targets, weights))
    assert result.shape == []
    return result.item()


def test_acc_pose_divides_x_by_width_and_y_by_height():
    # Correct if closer than 1 cell in x (5 % of 20) and 2 cells in y (5 % of 40).
    target = [(10, 20)] * 4
    assert accuracy([[(10, 20), (11, 20), (10, 21), (10, 22)]], [target], [[1] * 4]) == 2 / 4


def test_acc_pose_is_the_mean_over_labelled_joints():
    found = [[(5, 5), (5, 5), (5, 5)], [(9, 9), (9, 9), (9, 9)]]
    target = [[(5, 5), (9, 9), (9, 9)], [(5, 5), (5, 5), (9, 9)]]
    # Joint 0: 1 of 2 correct; joint 1: its only label is not; joint 2: no label.
    assert accuracy(found, target, [[1, 1, 0], [1, 0, 0]]) == pytest.approx((1 / 2 + 0) / 2)


def test_movenet_acc_pose_accepts_the_joint_of_any_person():
    target = peaks([(3, 3), (3, 3), (3, 3), None])
    target[:, 30, 15] = target[:, 3, 3]  # a second person
    found = peaks([(15, 30), (9, 9), (9, 20), (9, 9)])
    counts = np.ones(target.shape)
    counts[2, 20, 9] = 0  # masked: a person without annotation
    targets = {"heatmaps": target, "heatmap_weights": counts}
    maps = [
        {k: paddle.to_tensor(v[None].astype(np.float32)) for k, v in d.items()}
        for d in ({"heatmaps": found}, targets)
    ]
    metric = MoveNetLoss().measures["acc_pose"]
    assert metric(*maps).item() == 1 / 2
    assert metric(maps[1], maps[1]).item() == 1


def test_focal_loss_has_a_gradient_at_peaks_predicted_as_zero():
    p = paddle.full([1, 1, 1, 2], 1e-5)
    p.stop_gradient = False
    ones, pairs = paddle.ones([1, 1, 1, 2]), paddle.zeros([1, 2, 1, 2])
    maps = {"centers": p, "heatmaps": ones, "regressions": pairs, "offsets": pairs}
    weights = {f"{name}_weights": ones for name in ("center", "heatmap", "regression", "offset")}
    loss = MoveNetLoss(error="focal")(maps, {**maps, **weights, "centers": ones})["center_loss"]
    loss.backward()
    assert loss.item() == pytest.approx(-((1 - 1e-4) ** 2) * np.log(1e-4), rel=1e-4)
    assert (p.grad.numpy() < -1000).all()


def test_acc_pose_without_labels_is_zero():
    assert accuracy([[(5, 5)]], [[(5, 5)]], [[0]]) == 0


def test_acc_pose_of_an_empty_map_is_zero():
    assert accuracy([[None]], [[(0, 0)]], [[1]]) == 0


def test_acc_pose_has_no_gradient():
    outputs, targets = batch(noise(1, 1, 2, 8, 8), noise(1, 2, 8, 8), [[1, 1]])
    assert acc_pose(outputs, targets).stop_gradient


CHANNELS = {"centers": (1, 1), "heatmaps": (2, 2), "regressions": (4, 2), "offsets": (4, 2)}
TERMS = {"center_loss", "heatmap_loss", "regression_loss", "offset_loss"}


def movenet_batch(seed=0, people=2, share=0.6):
    """Returns outputs and targets of 2 joints in maps of 3 x 4 with random masks, as arrays."""
    rng = np.random.default_rng(seed)
    outputs, targets = {}, {}
    for name, (channels, counted) in CHANNELS.items():
        draw = rng.random if counted == channels else rng.normal
        outputs[name] = draw(size=(people, channels, 3, 4))
        targets[name] = draw(size=(people, channels, 3, 4))
        targets[f"{name[:-1]}_weights"] = (rng.random((people, counted, 3, 4)) < share).astype(
            float
        )
    targets["centers"][:, 0, 1, 2] = targets["heatmaps"][:, :, 2, 1] = 1
    targets["center_weights"][:, 0, 1, 2] = targets["heatmap_weights"][:, :, 2, 1] = 1
    return outputs, targets


def movenet_terms(outputs, targets, **settings):
    """Returns the terms as floats, and the gradients of their sum by map."""
    predicted = {
        k: paddle.to_tensor(np.asarray(v, np.float32), stop_gradient=False)
        for k, v in outputs.items()
    }
    target = {k: paddle.to_tensor(np.asarray(v, np.float32)) for k, v in targets.items()}
    terms = MoveNetLoss(**settings)(predicted, target)
    sum(terms.values()).backward()
    gradients = {
        k: np.zeros(v.shape) if v.grad is None else v.grad.numpy() for k, v in predicted.items()
    }
    return {name: term.item() for name, term in terms.items()}, gradients


def test_movenet_terms_of_one_cell_match_manual_values():
    ones = {f"{name[:-1]}_weights": np.ones((1, n, 1, 1)) for name, (_, n) in CHANNELS.items()}
    outputs = {"centers": [[[[0.5]]]], "heatmaps": [[[[0.25]], [[1.0]]]]}
    outputs |= {
        name: np.reshape([3.0, 0, -1, 1], (1, 4, 1, 1)) for name in ("regressions", "offsets")
    }
    targets = {"centers": [[[[1.0]]]], "heatmaps": [[[[0.5]], [[0.0]]]]}
    targets |= {
        name: np.reshape([1.0, 1, -1, 1], (1, 4, 1, 1)) for name in ("regressions", "offsets")
    }
    terms, gradients = movenet_terms(outputs, targets | ones)
    assert terms == pytest.approx(
        {
            "center_loss": 9 * 0.25,
            "heatmap_loss": (5 * 0.0625 + 1 * 1) / 2,
            "regression_loss": (2 + 1 + 0 + 0) / 2,  # mean over two joints
            "offset_loss": (2 + 1 + 0 + 0) / 2,
        },
        rel=1e-4,
    )
    assert gradients["centers"].item() == pytest.approx(9 * 2 * -0.5)
    assert gradients["heatmaps"].ravel() == pytest.approx([5 * 2 * -0.25 / 2, 1 * 2 * 1 / 2])
    assert gradients["regressions"].ravel() == pytest.approx([0.5, -0.5, 0, 0], rel=1e-4)
    weighted, _ = movenet_terms(
        outputs, targets | ones, center=2.0, heatmap=3.0, regression=0.1, offset=0.0
    )
    for (name, term), factor in zip(terms.items(), (2, 3, 0.1, 0), strict=True):
        assert weighted[name] == pytest.approx(factor * term)


def test_movenet_mse_equals_the_published_formula_within_masks():
    for peak_weight in (8.0, 0.0, 3.0):
        outputs, targets = movenet_batch()
        terms, _ = movenet_terms(outputs, targets, peak_weight=peak_weight)
        assert terms.keys() == TERMS
        for name in ("center", "heatmap"):
            p = outputs[f"{name}s"]
            t = targets[f"{name}s"]
            w = targets[f"{name}_weights"]
            expected = sum(
                w[n, c, y, x]
                * (peak_weight * t[n, c, y, x] + 1)
                * (p[n, c, y, x] - t[n, c, y, x]) ** 2
                for n, c, y, x in np.ndindex(p.shape)
            ) / (p.shape[0] * p.shape[1])
            assert terms[f"{name}_loss"] == pytest.approx(expected, rel=1e-5)
        for name in ("regression", "offset"):
            p = outputs[f"{name}s"]
            t = targets[f"{name}s"]
            w = targets[f"{name}_weights"]
            expected = sum(
                w[n, c // 2, y, x] * abs(p - t)[n, c, y, x] for n, c, y, x in np.ndindex(p.shape)
            )
            assert terms[f"{name}_loss"] == pytest.approx(expected / (w.sum() + 1e-4), rel=1e-5)


def test_movenet_focal_equals_centernets_formula_within_masks():
    outputs, targets = movenet_batch(1)
    terms, _ = movenet_terms(outputs, targets, error="focal")
    for name in ("center", "heatmap"):
        p = outputs[f"{name}s"]
        t = targets[f"{name}s"]
        w = targets[f"{name}_weights"]
        total, peaks = 0.0, 0
        for at in np.ndindex(p.shape):
            if t[at] == 1:
                total -= w[at] * (1 - p[at]) ** 2 * np.log(p[at])
                peaks += w[at]
            else:
                total -= w[at] * (1 - t[at]) ** 4 * p[at] ** 2 * np.log(1 - p[at])
        assert peaks == (2 if name == "center" else 4)
        assert terms[f"{name}_loss"] == pytest.approx(total / peaks, rel=1e-4)


def test_movenet_focal_is_finite_for_certain_predictions_without_peaks():
    outputs, targets = movenet_batch(2)
    targets["centers"][:] = 0
    outputs["centers"][:, :, 0], outputs["centers"][:, :, 1] = 0.0, 1.0
    targets["center_weights"][:] = 1
    terms, gradients = movenet_terms(outputs, targets, error="focal")
    p = np.clip(outputs["centers"], 1e-4, 1 - 1e-4)
    assert terms["center_loss"] == pytest.approx(-(p**2 * np.log(1 - p)).sum(), rel=1e-3)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


def test_bone_loss_is_the_error_of_differences_between_joints():
    outputs, targets = movenet_batch(3)
    terms, _ = movenet_terms(outputs, targets, bone=2.0, limbs=[(0, 1)])
    error, counts = outputs["heatmaps"] - targets["heatmaps"], targets["heatmap_weights"]
    between = (error[:, 0] - error[:, 1]) * counts[:, 0] * counts[:, 1]
    assert 0 < counts.mean() < 1
    expected = 2.0 * np.sqrt((between**2).sum()) / len(error)
    assert terms.keys() == {*TERMS, "bone_loss"}
    assert terms["bone_loss"] == pytest.approx(expected, rel=1e-5)
    both, _ = movenet_terms(outputs, targets, bone=1.0, limbs=[(0, 1), (1, 0)])
    assert both["bone_loss"] == pytest.approx(expected / 2, rel=1e-5)  # the mean over limbs


def test_a_bone_by_hand_counts_between_labelled_joints_only():
    """Joints 0 and 1 are labelled in the first cell, joint 2 nowhere."""
    maps, wanted, counts = np.zeros((3, 1, 3, 1, 2))
    maps[0, :, 0, 0], wanted[0, :, 0, 0] = (0.5, 0.1, 0.9), (1.0, 0.0, 0.0)
    counts[0, :2, 0, 0] = 1
    counts[0, 0, 0, 1] = 1  # in the second cell, joint 1 may be anywhere
    maps[0, :, 0, 1] = 0.7
    loss = MoveNetLoss(bone=1.0, limbs=[(0, 1), (1, 2)])
    tensors = {"heatmaps": wanted, "heatmap_weights": counts}
    term = loss._bone_error(
        paddle.to_tensor(maps.astype("float32")),
        {name: paddle.to_tensor(values.astype("float32")) for name, values in tensors.items()},
    )
    first_limb = abs((0.5 - 1.0) - (0.1 - 0.0))
    assert term.item() == pytest.approx((first_limb + 0.0) / 2, abs=1e-4)


def test_the_original_movenet_has_a_bone_term_of_weight_1_and_weight_decay():
    config = CONFIGS["movenet_original_coco"]
    assert config.loss.bone == 1
    assert config.train.optimizer.weight_decay == 5e-4
    assert build.loss(config)._limbs == list(config.codec.skeleton.limb_indices)


@pytest.mark.parametrize("settings", [{}, {"error": "focal"}, {"bone": 1.0, "limbs": [(0, 1)]}])
def test_masked_cells_change_neither_loss_nor_gradient(settings):
    outputs, targets = movenet_batch(4)
    terms, gradients = movenet_terms(outputs, targets, **settings)
    for name in CHANNELS:
        counted = targets[f"{name[:-1]}_weights"]
        hidden = np.broadcast_to(
            counted.repeat(gradients[name].shape[1] // counted.shape[1], axis=1) == 0,
            gradients[name].shape,
        )
        assert hidden.any()
        assert not gradients[name][hidden].any()
        assert gradients[name][~hidden].any()
        outputs[name] = np.where(hidden, 0.9 - outputs[name], outputs[name])
    assert movenet_terms(outputs, targets, **settings)[0] == terms


@pytest.mark.parametrize("error", ["mse", "focal"])
def test_fully_masked_batches_have_zero_loss_and_gradient(error):
    outputs, targets = movenet_batch(5)
    targets = {
        name: 0 * values if name.endswith("weights") else values for name, values in targets.items()
    }
    terms, gradients = movenet_terms(outputs, targets, error=error)
    assert set(terms.values()) == {0.0}
    assert not any(gradient.any() for gradient in gradients.values())


@pytest.mark.parametrize("settings", [{}, {"bone": 1.0, "limbs": [(0, 1)]}])
def test_perfect_predictions_have_the_minimum_loss(settings):
    _, targets = movenet_batch(6)
    perfect = {name: targets[name] for name in CHANNELS}
    best, gradients = movenet_terms(perfect, targets, **settings)
    assert sum(best.values()) < 1e-4
    assert all(abs(gradient).max() < 1e-6 for gradient in gradients.values())
    rng = np.random.default_rng(7)
    for name in CHANNELS:
        other = {**perfect, name: perfect[name] + 0.1 * rng.normal(size=perfect[name].shape)}
        assert sum(movenet_terms(other, targets, **settings)[0].values()) > 0.001


def test_movenet_acc_pose_of_targets_is_one():
    outputs, targets = movenet_batch(8)
    (measure,) = MoveNetLoss().measures.values()
    tensors = [
        {k: paddle.to_tensor(np.asarray(v, np.float32)) for k, v in maps.items()}
        for maps in (outputs, targets)
    ]
    assert measure(tensors[1], tensors[1]).item() == 1
    assert measure(*tensors).item() < 1


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("centers", (2, 2, 3, 4)),
        ("heatmaps", (1, 2, 3, 4)),
        ("regressions", (2, 2, 3, 4)),
        ("heatmap_weights", (2, 1, 3, 4)),  # would broadcast over the joints
        ("regression_weights", (2, 4, 3, 4)),
        ("offset_weights", (2, 2, 4, 3)),
    ],
)
def test_movenet_loss_rejects_mismatching_shapes(name, shape):
    outputs, targets = movenet_batch()
    targets[name] = np.zeros(shape)
    with pytest.raises(InputError, match=name.removesuffix("_weights")):
        movenet_terms(outputs, targets)


def test_movenet_loss_rejects_invalid_arguments():
    with pytest.raises(ValueError, match="'mean'; expected 'mse' or 'focal'"):
        MoveNetLoss(error="mean")
    with pytest.raises(InputError, match=r"bone term.*limbs"):
        MoveNetLoss(bone=1.0)


def test_configs_weight_the_terms_as_published():
    outputs, targets = movenet_batch(9, share=1.0)
    outputs, targets = (
        {k: paddle.to_tensor(np.asarray(v, np.float32)) for k, v in maps.items()}
        for maps in (outputs, targets)
    )

    def terms(name, **changes):
        loss = build.loss(override(CONFIGS[name], changes))
        return {key: term.item() for key, term in loss(outputs, targets).items()}

    plain = {key: term.item() for key, term in MoveNetLoss()(outputs, targets).items()}
    assert terms("movenet_lightning_coco") == plain  # 1:1:1:1, k = 8
    assert terms("movenet_original_coco", **{"loss.bone": 0}) == plain
    focal = terms("movenet_lightning_coco_centernet")
    assert focal["regression_loss"] == pytest.approx(0.1 * plain["regression_loss"])
    assert focal["offset_loss"] == plain["offset_loss"]
    assert focal["center_loss"] != plain["center_loss"]
