import json
from dataclasses import replace

import pytest

from paddle_pose.cli import options, train
from paddle_pose.configs.overrides import identity, override, values
from paddle_pose.configs.published import numbers_of
from paddle_pose.configs.registry import (
    CONFIGS,
    FILE_NAME,
    config_of,
    data_of_run,
    find,
    for_image_size,
    read_beside,
    resolve,
    stored_identity,
    to_json,
)
from paddle_pose.configs.specs import HeatmapLossSpec, RMSPropSpec
from paddle_pose.data.augment import Augment
from paddle_pose.engine.list_configs import list_configs
from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, MPII_16
from paddle_pose.weights import zoo

PLAIN = CONFIGS["hourglass52_mpii_256"]
EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


@EACH
def test_a_config_round_trips_through_json(tmp_path, config):
    changed = override(
        config,
        {"train.batch_size": 3, "augment": None, "codec.skeleton": "coco_17", "data.context": 1},
    )
    for written in (config, changed):
        (tmp_path / FILE_NAME).write_text(to_json(written), encoding="utf-8")
        assert read_beside(tmp_path / "model.pdparams") == written
    assert changed != config


@EACH
def test_every_value_can_be_given_as_text(config):
    """A text from the command line sets the same value as the value itself."""
    for key, value in values(config).items():
        if key == "codec.skeleton":
            assert override(config, {key: value["name"]}) == config
        else:
            assert override(config, {key: str(value)}) == config, key


def test_one_override_changes_one_value():
    before = values(PLAIN)
    changes = {
        "model.num_stacks": 4,
        "codec.input_size": [64, 96],
        "val.flip": False,
        "train.learning_rate": 1e-4,
    }
    after = values(override(PLAIN, changes))
    assert {key: after[key] for key in after if after[key] != before[key]} == changes
    assert values(PLAIN) == before
    changed = override(
        PLAIN,
        {
            "train.schedule.milestones": "(1, 2, 3)",
            "train.learning_rate": "1",
            "codec.skeleton": "coco_17",
        },
    )
    assert changed.train.schedule.milestones == (1, 2, 3)
    assert type(changed.train.learning_rate) is float
    assert changed.codec.skeleton is COCO_17


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("train.batchsize", "train."),
        ("train.schedule.warm", "train.schedule."),
        ("train.schedules.warmup", "train."),
        ("codec.map_size", "codec."),
    ],
)
def test_an_unknown_key_raises_with_the_keys_of_its_part(key, part):
    with pytest.raises(InputError, match=repr(key)) as caught:
        override(PLAIN, {key: 1})
    listed = str(caught.value).partition(" are ")[2].split(", ")
    assert listed == [valid for valid in values(PLAIN) if valid.startswith(part)]


@pytest.mark.parametrize("key", ["nothing", "name", "source", "published"])
def test_an_unknown_key_without_a_part_raises_with_the_parts(key):
    with pytest.raises(InputError, match=repr(key)) as caught:
        override(PLAIN, {key: 1})
    assert "model, codec, data, augment, final_augment, loss, train, val" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "pattern"),
    [
        ("train.batch_size", "many", "got 'many', expected int"),
        ("train.batch_size", "2.5", "got 2.5, expected int"),
        ("train.batch_size", True, "got True, expected int"),
        ("train.learning_rate", "fast", "got 'fast', expected float"),
        ("val.flip", "1", "got 1, expected bool"),
        ("codec.input_size", "256", "got 256, expected tuple"),
        ("codec.input_size", "(1, 2, 3)", r"got \(1, 2, 3\), expected tuple"),
        ("codec.input_size", "(250, 256)", r"codec\.input_size=\(250, 256\).*codec\.stride=4"),
        ("train.schedule.milestones", "(1, 'b')", "got 'b', expected int"),
        ("codec.decode_by", "soft", r"got 'soft', expected \['argmax', 'quarter', 'dark'\]"),
        ("codec.skeleton", "hand", "got 'hand', expected one of mpii_16, coco_17, or a .json file"),
        ("train", "none", "got None, expected Train"),
        ("model", "3", "got '3', expected"),
        ("train.epochs.more", 1, r"'train\.epochs\.more'.*'epochs'.*'more'"),
    ],
)
def test_a_value_of_the_wrong_type_raises(key, value, pattern):
    with pytest.raises(InputError, match=pattern):
        override(PLAIN, {key: value})


def test_fields_of_a_disabled_augmentation_cannot_be_set():
    with pytest.raises(InputError, match=r"'augment\.flip'.*'augment' is None.*'flip'"):
        override(PLAIN, {"augment": "none", "augment.flip": 0.1})


def test_the_final_augmentation_starts_as_a_copy_of_the_first():
    assert PLAIN.final_augment is None
    changes = {
        "final_augment.flip": "0.1",
        "augment.scale": "0.2",
        "train.final_augment_epoch": "30",
    }
    changed = override(PLAIN, changes)
    assert changed.augment == replace(PLAIN.augment, scale=0.2)
    assert changed.final_augment == replace(changed.augment, flip=0.1)
    assert changed.train.final_augment_epoch == 30
    assert override(PLAIN, {"final_augment": "augment"}).final_augment == PLAIN.augment
    assert override(changed, {"final_augment": "augment"}).final_augment == changed.augment
    assert override(changed, {"final_augment.rotation": 60}).final_augment == replace(
        changed.final_augment, rotation=60.0
    )
    assert override(changed, {"final_augment": "none"}).final_augment is None
    assert override(PLAIN, {"augment": "none", "final_augment.flip": 0.2}).final_augment == Augment(
        flip=0.2
    )
    for bad in (
        {"final_augment": "yes"},
        {"final_augment": 3},
        {"final_augment.flip": 2},
        {"final_augment.flp": 0.1},
    ):
        with pytest.raises(InputError):
            override(PLAIN, bad)


def test_the_final_augmentation_is_stored_and_part_of_the_identity(tmp_path):
    changed = override(PLAIN, {"final_augment.hue_delta": 5, "train.final_augment_epoch": 30})
    (tmp_path / FILE_NAME).write_text(to_json(changed), encoding="utf-8")
    assert read_beside(tmp_path / "model.pdparams") == changed
    assert {"final_augment.hue_delta": 5, "train.final_augment_epoch": 30}.items() <= identity(
        changed
    ).items()
    assert identity(changed) != identity(override(changed, {"final_augment.hue_delta": 4}))


def test_checkpoints_of_earlier_versions_belong_to_the_same_run():
    """Their identity lacks the keys of features that were added later."""
    added = {
        "augment.blur": 0.1,
        "augment.brightness_contrast_probability": 1.0,
        "train.device_targets": True,
    }
    new = {*added, "final_augment", "train.final_augment_epoch"}
    earlier = {key: value for key, value in identity(PLAIN).items() if key not in new}
    assert len(earlier) == len(identity(PLAIN)) - len(new)
    assert stored_identity(earlier) == identity(PLAIN)
    assert added.items() <= identity(override(PLAIN, added)).items()


def test_a_file_without_the_new_keys_trains_as_it_did(tmp_path):
    """MoveNet's original recipe has got a total batch and the original's augmentation since."""
    config = CONFIGS["movenet_original_coco"]
    added = (
        "train.total_batch",
        "augment.exclusive",
        "augment.padding",
        "augment.crop",
        "augment.color_distortion",
        "augment.noise",
        "augment.joint_occlusion",
    )
    stored = {key: value for key, value in values(config).items() if not key.startswith(added)}
    stored |= {"augment.scale": 0.3, "train.init": ""}
    content = {"config": config.name, "values": stored}
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    read = read_beside(tmp_path / "model.pdparams")
    assert read.train.total_batch == 0
    off = dict.fromkeys(("padding", "crop", "color_distortion", "noise", "joint_occlusion"), 0)
    assert read.augment == replace(config.augment, scale=0.3, exclusive=False, **off)
    assert read.train == replace(config.train, total_batch=0)
    identity_of_then = {"config": config.name} | {
        key: value for key, value in stored.items() if key in identity(config)
    }
    assert stored_identity(identity_of_then) == identity(read)
    without = {key: value for key, value in stored.items() if not key.startswith("augment")}
    content["values"] = {**without, "augment": None}
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    assert read_beside(tmp_path / "model.pdparams").augment is None


def test_the_total_batch_is_stored_but_does_not_decide_whether_a_run_is_the_same():
    changed = override(PLAIN, {"train.total_batch": 128})
    assert values(changed)["train.total_batch"] == 128
    assert identity(changed) == identity(PLAIN)
    assert identity(override(PLAIN, {"train.accumulate": 2})) != identity(PLAIN)


def test_texts_stay_texts():
    for text in ("none", "5", "weights.pth", ""):
        assert override(PLAIN, {"train.init": text}).train.init == text
    with pytest.raises(InputError, match=r"train\.init"):
        override(PLAIN, {"train.init": 5})


@pytest.mark.parametrize(
    ("name", "total", "batch_size", "rate", "epochs", "milestones", "init"),
    [
        ("hourglass52_mpii_256", 64, 64, 5e-4, 210, (170, 200), ""),
        ("hourglass52_mpii_384", 64, 64, 5e-4, 210, (170, 200), ""),
        ("stacked_hourglass2_mpii_256", 6, 6, 2.5e-4, 100, (60, 90), ""),
        ("stacked_hourglass8_mpii_256", 6, 6, 2.5e-4, 100, (60, 90), ""),
        ("hrnet_w32_mpii_256", 128, 32, 1e-3, 210, (170, 200), "imagenet_hrnet_w32"),
        ("hrnet_w32_mpii_256_udp", 128, 32, 1e-3, 210, (170, 200), "imagenet_hrnet_w32"),
        ("hrnet_w48_mpii_256", 128, 32, 1e-3, 210, (170, 200), "imagenet_hrnet_w48"),
        ("hrnet_w48_coco_384x288", 96, 24, 1e-3, 210, (170, 200), "imagenet_hrnet_w48"),
        ("simple_baseline_r50_mpii_256", 128, 32, 1e-3, 140, (90, 120), "imagenet_resnet50"),
        ("simple_baseline_r152_mpii_384", 96, 24, 1e-3, 140, (90, 120), "imagenet_resnet152"),
        ("simple_baseline_r101_coco_256x192", 128, 32, 1e-3, 140, (90, 120), "imagenet_resnet101"),
        (
            "simple_baseline_r50_coco_256x192_dark",
            512,
            64,
            5e-4,
            210,
            (170, 200),
            "imagenet_resnet50",
        ),
        ("tinypose_coco_128x96", 2048, 512, 8e-3, 420, (380, 410), ""),
        ("tinypose_coco_256x192", 512, 128, 2e-3, 420, (380, 410), ""),
        ("movenet_lightning_coco", 64, 64, 1e-3, 120, (70, 100), ""),
        ("movenet_original_coco", 512, 512, 8e-3, 100, (40, 80), ""),
    ],
)
def test_recipes_are_the_papers(name, total, batch_size, rate, epochs, milestones, init):
    train = CONFIGS[name].train
    assert (train.total_batch, train.batch_size, train.accumulate) == (total, batch_size, 1)
    assert (train.learning_rate, train.epochs) == (rate, epochs)
    assert train.schedule.milestones == milestones
    assert train.init == init
    assert init == "" or zoo.PUBLISHED[init].purpose == "start"


def test_the_stacked_hourglasses_have_the_recipe_of_pytorch_pose():
    for name in ("stacked_hourglass2_mpii_256", "stacked_hourglass8_mpii_256"):
        config = CONFIGS[name]
        assert config.codec.sigma == 1
        assert (config.augment.scale, config.augment.rotation) == (0.25, 30)
        assert config.augment.rotation_probability == 0.6
        assert isinstance(config.train.optimizer, RMSPropSpec)
        assert (config.train.optimizer.rho, config.train.optimizer.momentum) == (0.99, 0)
        assert config.train.optimizer.weight_decay == 0


@EACH
def test_what_differs_is_said_in_sentences_and_is_no_value(config):
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in config.differs)
    assert not any(key.startswith("differs") for key in values(config))
    with pytest.raises(InputError, match="differs"):
        override(config, {"differs": ()})
    if config.name != "hourglass_tiny_128":
        assert config.differs
        assert config.differs[0] in list_configs(config)


def test_the_tinyposes_have_paddledetections_codec_and_differ_in_size_and_sigma():
    small, large = (CONFIGS[f"tinypose_coco_{size}"] for size in ("128x96", "256x192"))
    assert (small.codec.input_size, small.codec.sigma) == ((96, 128), 1)
    assert (large.codec.input_size, large.codec.sigma) == ((192, 256), 2)
    assert replace(large.codec, input_size=(96, 128), sigma=1.0) == small.codec
    assert small.codec.unbiased
    assert (small.codec.decode_by, small.codec.dark_blur) == ("dark", 3)
    assert small.codec.alignment == "udp_warp"
    assert small.loss == large.loss == HeatmapLossSpec(scale=1.0)
    assert (small.augment.scale, small.augment.rotation) == (0.25, 30)
    assert (small.val.flip, small.val.shift) == (True, True)
    assert small.train.schedule.warmup == 500
    published = {"AP (ground truth, trained on AIC and COCO)": 0.581}
    assert numbers_of(small.name) == published


def test_flags_change_the_augmentation():
    flags = [
        "augment.half_body=0",
        "augment.shift=0.16",
        "augment.occlusion=0.5",
        "augment.occlusion_size=(0.1, 0.3)",
    ]
    words = [
        word for flag in (*flags, "augment.occlusion_hides_joints=true") for word in ("-o", flag)
    ]
    changes = options.overrides(train.build_parser().parse_args(words))
    plain = CONFIGS["hrnet_w32_coco_256x192"]
    changed = resolve(None, plain.name, None, changes)
    expected = Augment(
        scale=0.35,
        rotation=45.0,
        shift=0.16,
        occlusion=0.5,
        occlusion_size=(0.1, 0.3),
        occlusion_hides_joints=True,
    )
    assert changed == replace(plain, augment=expected)
    assert plain.augment.half_body == 0.3
    with pytest.raises(
        ValueError, match=r"'augment.half_body': got 30, expected float from 0 to 1"
    ):
        override(plain, {"augment.half_body": "30"})


@pytest.mark.parametrize(
    "config", [c for c in CONFIGS.values() if c.data.framing == "person"], ids=lambda c: c.name
)
def test_augmentation_is_as_published(config):
    """HRNet, TinyPose and mmpose use half bodies on COCO, RTMPose always; the others do not."""
    is_rtmpose = config.name.startswith("rtmpose")
    mmpose = config.source.startswith("mmpose") and config.data.dataset == "coco"
    hrnets = config.name.startswith(("hrnet", "tinypose"))
    half_bodies = config.data.dataset == "coco" and (hrnets or mmpose)
    assert config.augment.half_body == (0.3 if half_bodies or is_rtmpose else 0)
    assert config.augment.shift == (0.16 if mmpose or is_rtmpose else 0)
    assert config.augment.occlusion == (1.0 if is_rtmpose else 0)
    assert config.augment.joint_disc == (0.5 if config.name.startswith("tinypose") else 0)
    assert not getattr(config.loss, "joint_weights", False)


@pytest.mark.parametrize("name", [name for name in CONFIGS if name.endswith(("_dark", "_udp"))])
def test_dark_and_udp_configs_differ_from_the_plain_config_in_the_codec(name):
    variant, plain = CONFIGS[name], CONFIGS[name.rpartition("_")[0]]
    is_dark = name.endswith("_dark")
    alignment = "published" if is_dark else "udp"
    assert variant.codec == replace(
        plain.codec, decode_by="dark", unbiased=is_dark, alignment=alignment
    )
    assert numbers_of(variant.name) != numbers_of(plain.name)
    assert name in variant.command
    if name.startswith("hrnet"):  # DARK's and UDP's flip test does not shift maps; mmpose's does
        assert variant.val == replace(plain.val, shift=False)
        assert variant.model == plain.model
        assert variant.augment == plain.augment
        assert variant.loss == plain.loss
        assert variant.train == plain.train


def test_find_and_the_published_sizes():
    assert find(PLAIN.name) is PLAIN
    with pytest.raises(InputError, match=r"'hourglas'.*\n  hourglass52_mpii_256"):
        find("hourglas")
    assert for_image_size(384).codec.input_size == (384, 384)
    with pytest.raises(InputError, match=r'image_size 320: .*"codec.input_size": \(320, 320\)'):
        for_image_size(320)


@EACH
def test_names_are_unique_and_every_config_has_a_source_and_a_command(config):
    assert CONFIGS[config.name] is config
    assert config.source
    assert config.command.split()[0] in ("python", "make")
    milestones = getattr(config.train.schedule, "milestones", ())
    assert all(milestone < config.train.epochs for milestone in milestones)


def test_flags_and_checkpoint_must_agree():
    stored = replace(PLAIN, train=replace(PLAIN.train, batch_size=3))
    assert resolve(stored, None, None, {}) == stored
    assert resolve(stored, PLAIN.name, 256, {}) == stored
    assert resolve(stored, None, None, {"train.epochs": "5"}).train.epochs == 5
    with pytest.raises(InputError, match=r"hourglass52_mpii_384.*hourglass52_mpii_256"):
        resolve(stored, "hourglass52_mpii_384", None, {})
    with pytest.raises(InputError, match=r"image_size 384.*256"):
        resolve(stored, None, 384, {})


def test_without_a_stored_config_flags_select_it():
    assert resolve(None, None, 384, {}) is CONFIGS["hourglass52_mpii_384"]
    assert resolve(None, PLAIN.name, None, {}) is PLAIN
    assert resolve(None, PLAIN.name, 256, {"val.flip": "false"}).val.flip is False
    with pytest.raises(InputError, match=FILE_NAME):
        resolve(None, None, None, {})
    with pytest.raises(InputError, match=r"image_size 384.*hourglass52_mpii_256.*256"):
        resolve(None, PLAIN.name, 384, {})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"config": "unheard_of", "values": {}}',
        '{"config": ["a"], "values": {}}',
        '{"config": "hourglass52_mpii_256"}',
        '{"config": "hourglass52_mpii_256", "values": []}',
        '{"config": "hourglass52_mpii_256", "values": null}',
        '{"config": "hourglass52_mpii_256", "values": {"train.batch_size": "x"}}',
        '{"config": "hourglass52_mpii_256", "values": {"codec.skeleton": {"name": "x"}}}',
    ],
)
def test_an_invalid_config_file_raises_with_its_path(tmp_path, content):
    path = tmp_path / FILE_NAME
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_beside(tmp_path / "model.pdparams")
    assert str(caught.value).startswith(f"{path}: ")


def test_a_skeleton_with_the_joints_of_a_checkpoint_gets_their_order():
    stored = override(PLAIN, {"codec.skeleton": "coco_17"})
    other = replace(
        COCO_17.in_order(COCO_17.joints[::-1]), name="mine", limbs=(), sigmas=tuple(range(1, 18))
    )
    changed = resolve(stored, None, None, {"codec.skeleton": other}).codec.skeleton
    assert (changed.name, changed.joints, changed.limbs) == ("mine", COCO_17.joints, ())
    assert changed.sigmas == other.sigmas[::-1]
    renamed = replace(other, joints=("snout", *other.joints[1:]), mirror_pairs=(), upper=())
    for unfit in (renamed, MPII_16):
        with pytest.raises(InputError, match=f"{unfit.name} has the joints .* trained on nose, "):
            resolve(stored, None, None, {"codec.skeleton": unfit})


def test_a_config_file_without_an_object_states_no_data(tmp_path):
    (tmp_path / "config.json").write_text("7")
    assert data_of_run(tmp_path) is None


def test_a_missing_config_file_is_not_an_error(tmp_path):
    assert read_beside(tmp_path / "model.pdparams") is None


def test_the_config_file_contains_every_value():
    content = json.loads(to_json(PLAIN))
    assert content["config"] == PLAIN.name
    assert content["values"] == json.loads(json.dumps(values(PLAIN)))
    assert len(content["values"]) > 25
    assert content["values"]["codec.skeleton"]["name"] == "mpii_16"


def test_the_choice_none_is_not_converted_to_the_value_none():
    config = CONFIGS["movenet_lightning_coco"]
    folded = override(config, {"model.batch_norm": "none"})
    assert folded.model.batch_norm == "none"
    assert override(config, json.loads(to_json(folded))["values"]) == folded


def test_a_text_file_raises_before_its_config_is_looked_for(tmp_path):
    (tmp_path / "notes.pdparams").write_text("remember the milk")
    with pytest.raises(InputError, match=r"notes\.pdparams: unknown format"):
        config_of(tmp_path / "notes.pdparams")


def test_data_are_found_from_any_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changes = {"data.val_annotations": "a/val.json", "data.images": "../photos"}
    config = override(CONFIGS["hrnet_w32_coco_256x192"], changes)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "val.json").touch()
    weights = tmp_path / "model.pdparams"
    (tmp_path / FILE_NAME).write_text(to_json(config), encoding="utf-8")
    monkeypatch.chdir("/")
    stored = read_beside(weights).data
    assert stored.val_annotations == str(tmp_path.resolve() / "a" / "val.json")
    assert stored.images == "../photos"  # it does not exist there, and may have been moved
    assert stored.train_annotations is None
    (tmp_path / "a").rename(tmp_path / "b")
    assert read_beside(weights).data.val_annotations == "a/val.json"


def test_working_folder_is_stored_for_relative_paths_only():
    plain = CONFIGS["hrnet_w32_coco_256x192"]
    assert "folder" not in json.loads(to_json(plain))
    assert "folder" not in json.loads(to_json(override(plain, {"data.images": "/photos"})))
