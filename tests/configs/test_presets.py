import pytest

from paddle_pose.configs import presets
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.errors import InputError
from paddle_pose.weights.zoo import PUBLISHED


@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_finetune_is_a_valid_change_of_every_config(config):
    changes = presets.changes("finetune", config, {"train.init": "weights.pdparams"})
    assert changes["train.init"] == "weights.pdparams"
    tuned = override(config, changes)
    assert tuned.data.framing == "person"
    assert tuned.codec.max_persons in (None, 1)
    assert (tuned.train.steps, tuned.train.schedule.kind) == (changes["train.steps"], "cosine")
    arguments = tuned.train.schedule.arguments(1e-3, steps_per_epoch=10, epochs=100)
    assert arguments["warmup"] == 50
    assert arguments["total"] == 1000


@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_weights_to_start_from_belong_to_the_same_network(config):
    try:
        name = presets.start_weights(config)
    except InputError:
        assert config.train.init == ""
        return
    file = PUBLISHED[name]
    assert not file.on_page
    if file.purpose == "score":
        other = CONFIGS[file.config]
        assert (other.model, other.codec.skeleton) == (config.model, config.codec.skeleton)
    else:
        assert name == config.train.init


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("movenet_lightning_coco", "movenet_lightning"),  # not the INT8 file, which scores lower
        ("hrnet_w32_coco_256x192_dark", "mmpose_hrnet_w32_coco_256x192"),
        ("simple_baseline_r50_mpii_384", "mmpose_simple_baseline_r50_mpii_256"),
        ("rtmpose_s_coco_256x192", "aic_coco_cspnext_s"),
    ],
)
def test_the_best_published_weights_are_preferred(config, name):
    assert presets.start_weights(CONFIGS[config]) == name


@pytest.mark.parametrize(
    ("config", "given", "from_poses"),
    [
        ("movenet_lightning_coco", {}, True),
        ("movenet_lightning_coco", {"train.init": "movenet_lightning"}, True),
        ("movenet_lightning_coco", {"train.freeze": "nothing"}, True),
        ("movenet_lightning_coco", {"train.freeze": "backbone"}, True),
        ("movenet_lightning_coco", {"train.init": "none"}, False),
        ("rtmpose_s_coco_256x192", {}, False),  # its start has no head that knows joints
    ],
)
def test_the_backbone_of_a_published_pose_network_is_trained_slowly(config, given, from_poses):
    changes = presets.changes("finetune", CONFIGS[config], given)
    train = override(CONFIGS[config], changes).train
    assert (train.learning_rate, train.backbone_rate) == ((3e-3, 0.03) if from_poses else (1e-3, 1))
    assert train.freeze == given.get("train.freeze", "nothing")
    warmup = train.schedule.arguments(1e-3, steps_per_epoch=10, epochs=6)["warmup"]
    assert warmup == (30 if from_poses else 3)


def test_epochs_replace_the_steps():
    changes = presets.changes(
        "finetune", CONFIGS["movenet_lightning_coco"], {"train.epochs": 7, "train.seed": 1}
    )
    assert "train.steps" not in changes
    assert changes["train.init"] == "movenet_lightning"
    assert (changes["train.epochs"], changes["train.seed"]) == (7, 1)


def test_unknown_presets_and_networks_without_weights_are_refused():
    with pytest.raises(InputError, match="finetune"):
        presets.changes("fine_tune", CONFIGS["movenet_lightning_coco"], {})
    with pytest.raises(InputError, match="hourglass_tiny_128"):
        presets.changes("finetune", CONFIGS["hourglass_tiny_128"], {})
