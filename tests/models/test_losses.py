import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.models.losses import JointsMSELoss, MoveNetLoss, acc_pose
from paddle_pose.skeletons import COCO_17


def batch(maps, wanted, weights):
    """Outputs [N, S, K, h, w] and targets as dictionaries of tensors; the outputs are learnable."""
    predicted = paddle.to_tensor(np.asarray(maps, np.float32), stop_gradient=False)
    targets = {"heatmaps": wanted, "weights": weights}
    targets = {k: paddle.to_tensor(np.asarray(v, np.float32)) for k, v in targets.items()}
    return {"heatmaps": predicted}, targets


def loss_of(maps, wanted, weights, **settings):
    return JointsMSELoss(**settings)(*batch(maps, wanted, weights))["heatmap_loss"]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_equal_maps_cost_nothing():
    wanted = noise(2, 3, 4, 5)
    maps = np.stack([wanted, wanted], axis=1)
    assert loss_of(maps, wanted, np.ones((2, 3))).item() == 0


def test_one_map_by_hand():
    maps = [[[[[1, 2], [3, 4]]]]]
    wanted = [[[[1, 0], [0, 8]]]]
    loss = loss_of(maps, wanted, [[1]])
    assert loss.shape == []
    assert loss.item() == (0 + 4 + 9 + 16) / 4
    assert loss_of(maps, wanted, [[1]], scale=0.5).item() == (0 + 4 + 9 + 16) / 8


def test_gradient_by_hand():
    outputs, targets = batch(
        [[[[[1, 2], [3, 4]], [[7, 7], [7, 7]]]]],
        [[[[1, 0], [0, 8]], [[0, 0], [0, 0]]]],
        [[1, 0]],
    )
    JointsMSELoss()(outputs, targets)["heatmap_loss"].backward()
    expected = [[[[[0, 0.5], [0.75, -1]], [[0, 0], [0, 0]]]]]  # 2 * difference / 8 numbers
    np.testing.assert_allclose(outputs["heatmaps"].grad.numpy(), expected, rtol=1e-6)


def test_is_the_published_formula():
    maps, wanted = noise(3, 1, 4, 5, 6), noise(3, 4, 5, 6, seed=1)
    weights = np.random.default_rng(2).integers(0, 2, (3, 4))
    w = weights[:, :, None, None]
    expected = np.mean((maps[:, 0] * w - wanted * w) ** 2)
    assert loss_of(maps, wanted, weights).item() == pytest.approx(expected, rel=1e-6)
    linear = loss_of(maps, wanted, weights, squared_weights=False).item()
    assert linear == pytest.approx(expected, rel=1e-6)


def test_weights_count_squared_or_as_they_are():
    maps, wanted = np.full((1, 1, 1, 2, 2), 2), np.zeros((1, 1, 2, 2))
    assert loss_of(maps, wanted, [[3]]).item() == 9 * 4
    assert loss_of(maps, wanted, [[3]], squared_weights=False).item() == 3 * 4


def test_joint_weights_multiply_those_of_the_targets():
    maps, wanted = noise(2, 2, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
    weights, factors = np.array([[1, 0, 1], [1, 1, 0]]), (1.5, 1.2, 1)
    for squared in (True, False):
        loss = loss_of(maps, wanted, weights, joint_weights=factors, squared_weights=squared).item()
        by_hand = loss_of(maps, wanted, weights * factors, squared_weights=squared).item()
        assert loss == pytest.approx(by_hand, rel=1e-6)


def test_a_weighed_joint_costs_its_weight_squared():
    maps, wanted = np.zeros((1, 1, 2, 2, 2)), np.zeros((1, 2, 2, 2))
    maps[:, :, 1] = 1
    plain = loss_of(maps, wanted, [[1, 1]]).item()
    assert loss_of(maps, wanted, [[1, 1]], joint_weights=(1, 1.5)).item() == pytest.approx(
        2.25 * plain
    )
    assert loss_of(maps, wanted, [[1, 1]], joint_weights=(1.5, 1)).item() == plain


@pytest.mark.parametrize("factors", [(1.5,), (1.0, 1.0, 1.0)])
def test_joint_weights_of_another_skeleton_are_refused(factors):
    with pytest.raises(ValueError, match=f"{len(factors)} joint weights for heatmaps of 2 joints"):
        loss_of(np.zeros((1, 1, 2, 2, 2)), np.zeros((1, 2, 2, 2)), [[1, 1]], joint_weights=factors)


def test_the_config_weighs_knees_elbows_wrists_and_ankles_on_request():
    plain = CONFIGS["hrnet_w32_coco_256x192"]
    weighed = override(plain, {"loss.joint_weights": "true"})
    maps, wanted = np.zeros((1, 1, 17, 2, 2)), np.ones((1, 17, 2, 2))
    joints = COCO_17.joints
    for joint, weight in (
        ("nose", 1),
        ("left_hip", 1),
        ("left_knee", 1.2),
        ("right_elbow", 1.2),
        ("left_ankle", 1.5),
    ):
        targets = batch(maps, wanted, [np.eye(17)[joints.index(joint)]])
        one, more = (
            build.loss(config)(*targets)["heatmap_loss"].item() for config in (plain, weighed)
        )
        assert one == pytest.approx(0.5 / 17)
        assert more == pytest.approx(one * weight**2)


def test_stages_add_up():
    maps, wanted, weights = noise(2, 3, 4, 5, 6), noise(2, 4, 5, 6, seed=1), np.ones((2, 4))
    alone = sum(loss_of(maps[:, s : s + 1], wanted, weights).item() for s in range(3))
    assert loss_of(maps, wanted, weights).item() == pytest.approx(alone, rel=1e-6)


def test_an_unlabelled_joint_does_not_move_the_loss():
    maps, wanted, weights = noise(1, 2, 2, 4, 4), noise(1, 2, 4, 4, seed=1), [[1, 0]]
    before = loss_of(maps, wanted, weights).item()
    maps[:, :, 1] += 100
    assert loss_of(maps, wanted, weights).item() == before
    maps[:, :, 0] += 100
    assert loss_of(maps, wanted, weights).item() > before


def test_no_label_costs_nothing_and_moves_nothing():
    outputs, targets = batch(noise(1, 1, 2, 4, 4), noise(1, 2, 4, 4, seed=1), [[0, 0]])
    loss = JointsMSELoss()(outputs, targets)["heatmap_loss"]
    loss.backward()
    assert loss.item() == 0
    assert not outputs["heatmaps"].grad.any().item()


@pytest.mark.parametrize("call", [JointsMSELoss(), acc_pose])
@pytest.mark.parametrize(
    ("maps", "wanted", "weights"),
    [
        ((2, 3, 4, 4), (2, 3, 4, 4), (2, 3)),  # no stage axis
        ((2, 1, 3, 4, 4), (2, 1, 4, 4), (2, 3)),  # would broadcast over the joints
        ((2, 1, 3, 4, 4), (2, 3, 4, 5), (2, 3)),
        ((2, 1, 3, 4, 4), (2, 3, 4, 4), (2, 3, 1)),
    ],
)
def test_refuses_shapes_that_do_not_match(call, maps, wanted, weights):
    with pytest.raises(ValueError, match="do not match"):
        call(*batch(np.zeros(maps), np.zeros(wanted), np.zeros(weights)))


def peaks(points, width=20, height=40):
    """Maps [..., h, w] of zeros with a one at each (x, y); a point of None leaves its map empty."""
    maps = np.zeros((len(points), height, width))
    for single, point in zip(maps, points, strict=True):
        if point is not None:
            single[point[1], point[0]] = 1
    return maps


def accuracy(found, wanted, weights):
    """`acc_pose` of lists [N][K] of points in maps of 20 x 40; the first stage finds nothing."""
    maps = np.stack([[peaks([(0, 0)] * len(sample)), peaks(sample)] for sample in found])
    targets = np.stack([peaks(sample) for sample in wanted])
    result = acc_pose(*batch(maps, targets, weights))
    assert result.shape == []
    return result.item()


def test_accuracy_measures_each_direction_by_its_own_side():
    wanted = [(10, 20)] * 4  # found nearer than 1 cell across (5 % of 20), 2 cells down (5 % of 40)
    assert accuracy([[(10, 20), (11, 20), (10, 21), (10, 22)]], [wanted], [[1] * 4]) == 2 / 4


def test_accuracy_is_the_mean_over_joints_with_labels():
    found = [[(5, 5), (5, 5), (5, 5)], [(9, 9), (9, 9), (9, 9)]]
    wanted = [[(5, 5), (9, 9), (9, 9)], [(5, 5), (5, 5), (9, 9)]]
    # joint 0: 1 of 2; joint 1: its only label missed; joint 2: no label
    assert accuracy(found, wanted, [[1, 1, 0], [1, 0, 0]]) == pytest.approx((1 / 2 + 0) / 2)


def test_with_several_people_whoever_is_found_counts():
    wanted = peaks([(3, 3), (3, 3), (3, 3), None])
    wanted[:, 30, 15] = wanted[:, 3, 3]  # a second person, just as certain
    found, counts = peaks([(15, 30), (9, 9), (9, 20), (9, 9)]), np.ones(wanted.shape)
    counts[2, 20, 9] = 0  # somebody nobody annotated stands there
    targets = {"heatmaps": wanted, "heatmap_weights": counts}
    maps = [
        {k: paddle.to_tensor(v[None].astype(np.float32)) for k, v in d.items()}
        for d in ({"heatmaps": found}, targets)
    ]
    measure = MoveNetLoss().measures["acc_pose"]
    assert measure(*maps).item() == 1 / 2
    assert measure(maps[1], maps[1]).item() == 1


def test_a_peak_given_up_for_certain_still_moves_under_the_focal_loss():
    p = paddle.full([1, 1, 1, 2], 1e-5)
    p.stop_gradient = False
    ones, pairs = paddle.ones([1, 1, 1, 2]), paddle.zeros([1, 2, 1, 2])
    maps = {"centers": p, "heatmaps": ones, "regressions": pairs, "offsets": pairs}
    weights = {f"{name}_weights": ones for name in ("center", "heatmap", "regression", "offset")}
    loss = MoveNetLoss(error="focal")(maps, {**maps, **weights, "centers": ones})["center_loss"]
    loss.backward()
    assert loss.item() == pytest.approx(-((1 - 1e-4) ** 2) * np.log(1e-4), rel=1e-4)
    assert (p.grad.numpy() < -1000).all()


def test_accuracy_without_labels_is_zero():
    assert accuracy([[(5, 5)]], [[(5, 5)]], [[0]]) == 0


def test_an_empty_map_finds_nothing():
    assert accuracy([[None]], [[(0, 0)]], [[1]]) == 0


def test_accuracy_leaves_no_gradient():
    outputs, targets = batch(noise(1, 1, 2, 8, 8), noise(1, 2, 8, 8), [[1, 1]])
    assert acc_pose(outputs, targets).stop_gradient


CHANNELS = {"centers": (1, 1), "heatmaps": (2, 2), "regressions": (4, 2), "offsets": (4, 2)}
TERMS = {"center_loss", "heatmap_loss", "regression_loss", "offset_loss"}


def movenet_batch(seed=0, people=2, share=0.6):
    """Outputs and targets of 2 joints in maps of 3 x 4, and random weights; as dictionaries of arrays."""
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
    """The terms as numbers, and the gradients of their sum."""
    predicted = {
        k: paddle.to_tensor(np.asarray(v, np.float32), stop_gradient=False)
        for k, v in outputs.items()
    }
    wanted = {k: paddle.to_tensor(np.asarray(v, np.float32)) for k, v in targets.items()}
    terms = MoveNetLoss(**settings)(predicted, wanted)
    sum(terms.values()).backward()
    slopes = {
        k: np.zeros(v.shape) if v.grad is None else v.grad.numpy() for k, v in predicted.items()
    }
    return {name: term.item() for name, term in terms.items()}, slopes


def test_movenets_terms_of_one_cell_by_hand():
    ones = {f"{name[:-1]}_weights": np.ones((1, n, 1, 1)) for name, (_, n) in CHANNELS.items()}
    outputs = {"centers": [[[[0.5]]]], "heatmaps": [[[[0.25]], [[1.0]]]]}
    outputs |= {
        name: np.reshape([3.0, 0, -1, 1], (1, 4, 1, 1)) for name in ("regressions", "offsets")
    }
    targets = {"centers": [[[[1.0]]]], "heatmaps": [[[[0.5]], [[0.0]]]]}
    targets |= {
        name: np.reshape([1.0, 1, -1, 1], (1, 4, 1, 1)) for name in ("regressions", "offsets")
    }
    terms, slopes = movenet_terms(outputs, targets | ones)
    assert terms == pytest.approx(
        {
            "center_loss": 9 * 0.25,
            "heatmap_loss": (5 * 0.0625 + 1 * 1) / 2,
            "regression_loss": (2 + 1 + 0 + 0) / 2,  # of two joints
            "offset_loss": (2 + 1 + 0 + 0) / 2,
        },
        rel=1e-4,
    )
    assert slopes["centers"].item() == pytest.approx(9 * 2 * -0.5)
    assert slopes["heatmaps"].ravel() == pytest.approx([5 * 2 * -0.25 / 2, 1 * 2 * 1 / 2])
    assert slopes["regressions"].ravel() == pytest.approx([0.5, -0.5, 0, 0], rel=1e-4)
    weighed, _ = movenet_terms(
        outputs, targets | ones, center=2.0, heatmap=3.0, regression=0.1, offset=0.0
    )
    for (name, term), factor in zip(terms.items(), (2, 3, 0.1, 0), strict=True):
        assert weighed[name] == pytest.approx(factor * term)


def test_movenets_mean_squared_error_is_the_published_formula_where_it_counts():
    for peak_weight in (8.0, 0.0, 3.0):
        outputs, targets = movenet_batch()
        terms, _ = movenet_terms(outputs, targets, peak_weight=peak_weight)
        assert terms.keys() == TERMS
        for name in ("center", "heatmap"):
            p, t, w = outputs[f"{name}s"], targets[f"{name}s"], targets[f"{name}_weights"]
            expected = sum(
                w[n, c, y, x]
                * (peak_weight * t[n, c, y, x] + 1)
                * (p[n, c, y, x] - t[n, c, y, x]) ** 2
                for n, c, y, x in np.ndindex(p.shape)
            ) / (p.shape[0] * p.shape[1])
            assert terms[f"{name}_loss"] == pytest.approx(expected, rel=1e-5)
        for name in ("regression", "offset"):
            p, t, w = outputs[f"{name}s"], targets[f"{name}s"], targets[f"{name}_weights"]
            expected = sum(
                w[n, c // 2, y, x] * abs(p - t)[n, c, y, x] for n, c, y, x in np.ndindex(p.shape)
            )
            assert terms[f"{name}_loss"] == pytest.approx(expected / (w.sum() + 1e-4), rel=1e-5)


def test_focal_is_centernets_formula_where_it_counts():
    outputs, targets = movenet_batch(1)
    terms, _ = movenet_terms(outputs, targets, error="focal")
    for name in ("center", "heatmap"):
        p, t, w = outputs[f"{name}s"], targets[f"{name}s"], targets[f"{name}_weights"]
        total, peaks = 0.0, 0
        for at in np.ndindex(p.shape):
            if t[at] == 1:
                total -= w[at] * (1 - p[at]) ** 2 * np.log(p[at])
                peaks += w[at]
            else:
                total -= w[at] * (1 - t[at]) ** 4 * p[at] ** 2 * np.log(1 - p[at])
        assert peaks == (2 if name == "center" else 4)
        assert terms[f"{name}_loss"] == pytest.approx(total / peaks, rel=1e-4)


def test_focal_bears_certainty_and_maps_without_a_peak():
    outputs, targets = movenet_batch(2)
    targets["centers"][:] = 0
    outputs["centers"][:, :, 0], outputs["centers"][:, :, 1] = 0.0, 1.0
    targets["center_weights"][:] = 1
    terms, slopes = movenet_terms(outputs, targets, error="focal")
    p = np.clip(outputs["centers"], 1e-4, 1 - 1e-4)
    assert terms["center_loss"] == pytest.approx(-(p**2 * np.log(1 - p)).sum(), rel=1e-3)
    assert all(np.isfinite(slope).all() for slope in slopes.values())


def test_bones_are_the_differences_of_their_ends():
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
    maps, wanted, counts = np.zeros((1, 3, 1, 2)), np.zeros((1, 3, 1, 2)), np.zeros((1, 3, 1, 2))
    maps[0, :, 0, 0], wanted[0, :, 0, 0] = (0.5, 0.1, 0.9), (1.0, 0.0, 0.0)
    counts[0, :2, 0, 0] = 1
    counts[0, 0, 0, 1] = 1  # in the second cell, joint 1 may be anywhere
    maps[0, :, 0, 1] = 0.7
    loss = MoveNetLoss(bone=1.0, limbs=[(0, 1), (1, 2)])
    tensors = {"heatmaps": wanted, "heatmap_weights": counts}
    term = loss._bones(
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
def test_masked_cells_move_nothing(settings):
    outputs, targets = movenet_batch(4)
    terms, slopes = movenet_terms(outputs, targets, **settings)
    for name in CHANNELS:
        counted = targets[f"{name[:-1]}_weights"]
        hidden = np.broadcast_to(
            counted.repeat(slopes[name].shape[1] // counted.shape[1], axis=1) == 0,
            slopes[name].shape,
        )
        assert hidden.any()
        assert not slopes[name][hidden].any()
        assert slopes[name][~hidden].any()
        outputs[name] = np.where(hidden, 0.9 - outputs[name], outputs[name])
    assert movenet_terms(outputs, targets, **settings)[0] == terms


@pytest.mark.parametrize("error", ["mse", "focal"])
def test_batches_in_which_nothing_counts_cost_nothing(error):
    outputs, targets = movenet_batch(5)
    targets = {
        name: 0 * values if name.endswith("weights") else values for name, values in targets.items()
    }
    terms, slopes = movenet_terms(outputs, targets, error=error)
    assert set(terms.values()) == {0.0}
    assert not any(slope.any() for slope in slopes.values())


@pytest.mark.parametrize("settings", [{}, {"bone": 1.0, "limbs": [(0, 1)]}])
def test_a_perfect_prediction_is_the_minimum(settings):
    _, targets = movenet_batch(6)
    perfect = {name: targets[name] for name in CHANNELS}
    best, slopes = movenet_terms(perfect, targets, **settings)
    assert sum(best.values()) < 1e-4
    assert all(abs(slope).max() < 1e-6 for slope in slopes.values())
    rng = np.random.default_rng(7)
    for name in CHANNELS:
        other = {**perfect, name: perfect[name] + 0.1 * rng.normal(size=perfect[name].shape)}
        assert sum(movenet_terms(other, targets, **settings)[0].values()) > 0.001


def test_movenets_heatmaps_are_measured_by_their_peaks():
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
def test_movenets_maps_that_do_not_match_are_refused(name, shape):
    outputs, targets = movenet_batch()
    targets[name] = np.zeros(shape)
    with pytest.raises(ValueError, match="do not match; expected weights"):
        movenet_terms(outputs, targets)


def test_a_movenet_loss_of_another_error_is_refused():
    with pytest.raises(ValueError, match="error is 'mean'; expected 'mse' or 'focal'"):
        MoveNetLoss(error="mean")
    with pytest.raises(
        ValueError, match=r"bone term has weight 1\.0, but the skeleton has no limbs"
    ):
        MoveNetLoss(bone=1.0)


def test_the_configs_weigh_the_terms_as_their_sources():
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
