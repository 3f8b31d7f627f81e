import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.weights_writers import whole, write_zip

from paddle_pose.configs.registry import CONFIGS, FILE_NAME
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.engine import run_folders, train
from paddle_pose.engine.evaluate import evaluate
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import TERMINATED, Interruption
from paddle_pose.metrics import resampling
from paddle_pose.training.process_group import ProcessGroup
from paddle_pose.weights.read import read_weights

CHANGES = {
    "codec.input_size": (64, 64),
    "model.channels": (8, 8, 8, 8),
    "model.blocks": (1, 1, 1, 1),
    "model.stem_channels": 8,
    "model.feature_channels": 8,
    "train.batch_size": 4,
    "train.epochs": 1,
    "train.num_workers": 0,
}


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trained(monkeypatch):
    """Replaces `train_config`, and returns the list of its recorded arguments."""
    calls = []

    def train_config(config, **arguments):
        calls.append((config, arguments))
        (arguments["run_dir"] / "metrics.jsonl").write_text(
            '{"kind": "eval", "epoch": 0, "Mean": 50.0}\n'
        )
        return {"Mean": 50.0}

    monkeypatch.setattr(train, "train_config", train_config)
    return calls


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({}, "hourglass_tiny_128"),
        ({"data": "D"}, "hourglass52_mpii_256"),
        ({"image_size": 384}, "hourglass52_mpii_384"),
        ({"config": "hrnet_w32_mpii_256"}, "hrnet_w32_mpii_256"),
    ],
)
def test_train_selects_the_config_by_name_size_or_data(trained, arguments, name):
    run = train.train(**arguments)
    ((config, given),) = trained
    assert config == CONFIGS[name]
    folder = run_folders.OUTPUT / name
    assert (run.folder, run.best) == (folder, folder / "best_model" / "model.pdparams")
    assert (run.last, run.values) == (folder / "last" / "model.pdparams", {"Mean": 50.0})
    assert run.history == [{"kind": "eval", "epoch": 0, "Mean": 50.0}]
    assert given["run_dir"] == run.folder
    assert (given["data"], given["resume"]) == (arguments.get("data"), None)


def test_a_preset_changes_the_config_below_the_overrides(trained):
    train.train(
        "hourglass_tiny_128",
        preset="finetune",
        init="none",
        overrides={"train.learning_rate": 2e-4},
    )
    ((config, given),) = trained
    assert config.train.init == "none"
    assert config.train.learning_rate == 2e-4
    assert config.train.steps > 0
    assert {"train.init", "train.batch_size"} <= given["given"]
    with pytest.raises(InputError, match="preset"):
        train.train(preset="finetune", resume=run_folders.OUTPUT / "hourglass_tiny_128")


def test_a_run_of_some_steps_ends_with_their_epoch(tmp_path):
    data = write_coco(tmp_path / "coco", num_train=6, num_val=2, size=(64, 64))
    run = train.train(
        "hourglass_tiny_128",
        data=data,
        overrides={
            **CHANGES,
            "data.dataset": "coco",
            "codec.skeleton": "coco_17",
            "train.steps": 3,
        },
        device="cpu",
    )
    stored = json.loads((run.folder / FILE_NAME).read_text())["values"]
    assert (stored["train.epochs"], stored["train.steps"]) == (3, 0)
    recipe, counts = (run.folder / "log.txt").read_text(encoding="utf-8").splitlines()[:2]
    assert recipe.startswith("Recipe: 3 steps = 3 epochs x 1, evaluated every epoch; ")
    assert recipe.endswith("; starts from random weights")
    assert (
        counts == "Data: 6 images with 6 people for training, 2 images with 2 people for evaluation"
    )
    assert [line["epoch"] for line in run.history if line["kind"] == "eval"] == [0, 1, 2]


def test_a_run_starts_from_the_joints_that_another_run_has_in_common(synthetic_mpii, tmp_path):
    options = {"device": "cpu", "progress": None}
    first = train.train(
        "hourglass_tiny_128", data=synthetic_mpii, overrides=CHANGES, output="first", **options
    )
    coco = {**CHANGES, "data.dataset": "coco", "codec.skeleton": "coco_17"}
    second = train.train(
        "hourglass_tiny_128",
        data=write_coco(tmp_path / "coco", num_train=4, num_val=2, size=(64, 64)),
        init=first.last,
        overrides=coco,
        output="second",
        **options,
    )
    log = (second.folder / "log.txt").read_text(encoding="utf-8")
    assert "loaded by joint: heads.0.* (2): 12 of 17 joints (left_shoulder, " in log
    assert "randomly initialized: nose, left_eye, right_eye, left_ear, right_ear\n" in log
    assert "\n[EVAL] initial weights:AP=" in log
    assert "initial weights" not in (first.folder / "log.txt").read_text(encoding="utf-8")


def test_the_last_lines_tell_the_weights_from_their_average(synthetic_mpii):
    run = train.train(
        "hourglass_tiny_128",
        data=synthetic_mpii,
        overrides={**CHANGES, "train.ema": 0.5, "train.epochs": 2},
        device="cpu",
    )
    log = (run.folder / "log.txt").read_text(encoding="utf-8").splitlines()
    live, averaged = (
        record for record in run.history if record.get("epoch") == 1 and record["kind"] == "eval"
    )
    for name, record in (("live", live), ("averaged", averaged)):
        (line,) = [line for line in log if line.startswith(f"last {name} [EVAL] epoch=1:")]
        assert f" Mean={record['Mean']:.5g} " in line
    assert str(run.folder / "last" / "ema.pdparams") in "".join(log)


def test_a_run_that_makes_its_initial_weights_worse_says_so(synthetic_mpii):
    options = {"data": synthetic_mpii, "device": "cpu"}
    first = train.train("hourglass_tiny_128", overrides=CHANGES, output="first", **options)
    second = train.train(
        "hourglass_tiny_128",
        overrides={**CHANGES, "train.learning_rate": 1e-9},
        init=first.last,
        output="second",
        **options,
    )
    log = (second.folder / "log.txt").read_text(encoding="utf-8")
    assert "No weights of this run were better than the initial ones" in log


@pytest.mark.parametrize(
    ("init", "joints"),
    [
        ("movenet_thunder", CONFIGS["movenet_thunder_coco"].codec.skeleton.joints),
        ("mmpose_hourglass52_mpii_256", CONFIGS["hourglass52_mpii_256"].codec.skeleton.joints),
        ("imagenet_resnet50", ()),  # a classifier
        ("missing.pdparams", ()),
    ],
)
def test_the_joints_of_initial_weights_are_those_of_their_config(init, joints):
    assert train._joints_of(init) == joints


def test_train_reads_the_skeleton_of_annotation_files(trained, tmp_path):
    data = write_coco(tmp_path / "coco", num_train=1, num_val=1, size=(64, 64))
    annotations = str(data / "annotations" / "person_keypoints_train2017.json")
    train.train(
        overrides={"data.train_annotations": annotations, "data.dataset": "coco"},
        output=Path("run"),
    )
    ((config, _),) = trained
    assert config.name == "hourglass52_mpii_256"
    assert (config.codec.skeleton.num_joints, config.data.train_annotations) == (17, annotations)


def test_train_with_contradicting_arguments_raises(trained):
    with pytest.raises(InputError, match="image_size 384, but config hourglass_tiny_128 has 128"):
        train.train(config="hourglass_tiny_128", image_size=384)
    with pytest.raises(InputError, match=r"unknown key 'train\.nothing'"):
        train.train(overrides={"train.nothing": 1})
    assert trained == []


def test_interrupted_run_is_saved_and_can_be_resumed(synthetic_mpii, capsys):
    interruption = Interruption()
    interruption.request(TERMINATED)
    options = {"data": synthetic_mpii, "device": "cpu"}
    with pytest.raises(Interrupted) as stop:
        train.train(
            **options,
            config="hourglass_tiny_128",
            output=Path("run"),
            overrides=CHANGES,
            interruption=interruption,
        )
    assert (stop.value.status, stop.value.folder) == (143, Path("run"))
    assert (
        "Ended early by SIGTERM at epoch=0, batch_id=1; saved in run/last"
        in capsys.readouterr().out
    )
    # The folder of the run stores the path of its data.
    run = train.train(device="cpu", resume=stop.value.folder, progress=None)
    assert run.folder == Path("run")
    assert run.values["epoch"] == 0
    assert "Mean@0.1" in run.values
    assert run.best.is_file()
    assert run.last.is_file()
    assert {record["kind"] for record in run.history} == {"train", "eval"}
    assert str(run.folder) in run._repr_html_()


def test_ctrl_c_before_the_first_step_is_acknowledged(monkeypatch, caplog):
    def train_config(config, **arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train_config", train_config)
    with pytest.raises(KeyboardInterrupt):
        train.train("hourglass_tiny_128", output="run")
    assert "before the first step" in caplog.text


def test_evaluation_during_training_computes_no_intervals(synthetic_mpii, monkeypatch):
    calls = []
    monkeypatch.setattr(resampling, "bootstrap", lambda *arguments: calls.append(arguments) or {})
    run = train.train(
        data=synthetic_mpii,
        device="cpu",
        config="hourglass_tiny_128",
        output=Path("run"),
        overrides=CHANGES,
    )
    assert run.values["epoch"] == 0
    assert calls == []


def test_train_config_for_crops_without_data_raises(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["paddle-pose"])
    crops = CONFIGS["movenet_original_coco"]
    with pytest.raises(InputError, match="paddle-pose prepare_coco makes such a folder"):
        train.train_config(crops, data=None, run_dir=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_only_the_main_process_logs_information(monkeypatch, trained):
    logger = logging.getLogger("paddle_pose")
    level = logger.level
    levels = []

    def train_config(config, run_dir, **arguments):
        (run_dir / "metrics.jsonl").touch()
        levels.append(logger.getEffectiveLevel())
        return {}

    monkeypatch.setattr(train, "train_config", train_config)
    # Without this each process would wait for the others, which do not exist.
    monkeypatch.setattr(ProcessGroup, "on_main", lambda self, do: do())
    try:
        for rank in (0, 1):
            monkeypatch.setattr(
                ProcessGroup, "start", lambda device, rank=rank: ProcessGroup(rank, 2)
            )
            train.train(output=Path("run"))
    finally:
        logger.setLevel(level)
    assert levels == [logging.INFO, logging.WARNING]


def test_resume_auto_starts_and_then_continues_a_run(synthetic_mpii):
    arguments = {"data": synthetic_mpii, "overrides": CHANGES, "resume": "auto", "progress": None}
    with pytest.raises(Interrupted) as stop:
        train.train("hourglass_tiny_128", max_hours=1e-9, **arguments)
    first = train.train("hourglass_tiny_128", **arguments)
    assert first.folder == stop.value.folder == Path("output/hourglass_tiny_128")
    assert [record["step"] for record in first.history if record["kind"] == "train"] == [2]
    again = train.train("hourglass_tiny_128", **arguments)  # the run is complete: no step remains
    assert again.folder == first.folder
    assert again.values == first.values
    other = train.train("hourglass_tiny_128", output="other", **arguments)
    assert other.folder == Path("other")
    assert other.values == first.values


def test_resume_auto_without_config_or_output_raises(synthetic_mpii):
    with pytest.raises(InputError, match="config"):
        train.train(data=synthetic_mpii, resume="auto")
    assert not Path("output").exists()


def test_resumed_run_with_missing_data_raises(synthetic_mpii, tmp_path):
    shutil.copytree(synthetic_mpii, tmp_path / "data")
    train.train("hourglass_tiny_128", data="data", output="run", overrides=CHANGES, device="cpu")
    (tmp_path / "data").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="data"):
        train.train(resume="run", device="cpu")
    longer = {"train.epochs": 2}
    assert train.train(resume="run", data="moved", overrides=longer, device="cpu").values[
        "epoch"
    ] in (0, 1)


def test_resumed_run_with_another_output_or_init_raises():
    with pytest.raises(InputError, match="output"):
        train.train(resume="run", output="other")
    with pytest.raises(InputError, match="init"):
        train.train(resume="run", init="w.pdparams")


@pytest.mark.parametrize(
    ("name", "value"), [("device", "cuda"), ("overrides", ["train.epochs"])], ids=str
)
def test_train_with_invalid_argument_creates_no_folder(tmp_path, name, value):
    with pytest.raises(InputError, match=f"^{name}"):
        train.train("hourglass_tiny_128", output=tmp_path / "run", **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_a_network_without_targets_is_not_trained(tmp_path):
    with pytest.raises(InputError, match=r"movenet_multipose_coco.*not train"):
        train.train("movenet_multipose_coco", output=tmp_path / "run", device="cpu")
    assert list(tmp_path.iterdir()) == []


SMALL_HRNET = {  # its backbone is that of no published file
    "model.width": 2,
    "model.modules": (1, 1, 1),
    "model.blocks": 1,
    "model.stem_channels": 4,
    "codec.input_size": (64, 64),
    "train.epochs": 1,
    "train.num_workers": 0,
}


def stored(run):
    """Returns the values of the config of a run."""
    return json.loads((run.folder / FILE_NAME).read_text(encoding="utf-8"))["values"]


def without_weights(data, monkeypatch, tmp_path):
    """Returns data that are not known to be synthetic, where no published file has been fetched."""
    monkeypatch.setenv("PADDLE_POSE_HOME", str(tmp_path / "cache"))
    shutil.copytree(data, tmp_path / "people")
    (tmp_path / "people" / "synthetic.json").unlink()
    return tmp_path / "people"


@pytest.mark.parametrize(
    ("memory", "changes", "expected"),
    [
        (None, {}, (8, 1)),
        (10**12, {}, (8, 1)),
        (1, {}, (1, 8)),
        (None, {"train.batch_size": 2}, (2, 1)),
        (None, {"train.accumulate": 2}, (4, 2)),
        (1, {"train.batch_size": 4, "train.accumulate": 2}, (4, 2)),
        (None, {"train.total_batch": 6}, (3, 2)),
    ],
)
def test_a_new_run_reaches_the_total_batch_unless_its_batches_are_given(
    synthetic_mpii, monkeypatch, memory, changes, expected
):
    name = "hourglass_tiny_128"
    tiny = CONFIGS[name]
    recipe = replace(tiny, train=replace(tiny.train, total_batch=8))
    if changes == {"train.accumulate": 2} or changes == {"train.total_batch": 6}:
        recipe = replace(recipe, train=replace(recipe.train, batch_size=4))
    monkeypatch.setitem(CONFIGS, name, recipe)
    monkeypatch.setattr(train, "device_memory", lambda: memory)
    small = {key: value for key, value in CHANGES.items() if key != "train.batch_size"}
    run = train.train(
        name, data=synthetic_mpii, device="cpu", overrides=small | changes, progress=None
    )
    values = stored(run)
    assert (values["train.batch_size"], values["train.accumulate"]) == expected
    reached = expected[0] * expected[1]
    log = (run.folder / "log.txt").read_text(encoding="utf-8")
    assert f"Total batch {reached} = 1 process x {expected[0]} images x {expected[1]}" in log
    total = changes.get("train.total_batch", 8)
    lines = [line for line in log.splitlines() if f"total batch of {total}" in line]
    assert len(lines) == (reached != total)
    assert all(f"train.accumulate={total // expected[0]}" in line for line in lines)


def test_a_resumed_run_keeps_its_batches(synthetic_mpii, monkeypatch):
    name, tiny = "hourglass_tiny_128", CONFIGS["hourglass_tiny_128"]
    monkeypatch.setitem(CONFIGS, name, replace(tiny, train=replace(tiny.train, total_batch=8)))
    monkeypatch.setattr(train, "device_memory", lambda: 1)
    small = {key: value for key, value in CHANGES.items() if key != "train.batch_size"}
    options = {"data": synthetic_mpii, "device": "cpu", "progress": None}
    first = train.train(name, overrides=small, **options)
    monkeypatch.setattr(train, "device_memory", lambda: 10**12)
    again = train.train(resume=first.folder, overrides={"train.epochs": 2}, **options)
    assert stored(again)["train.batch_size"] == stored(first)["train.batch_size"] == 1
    assert stored(again)["train.accumulate"] == 8


def test_the_log_states_the_plan_of_a_run_and_that_a_resumed_one_has_nothing_to_do(
    synthetic_mpii, monkeypatch, capsys
):
    """A resumed run is not told to change batches that are all that the data allow."""
    name, tiny = "hourglass_tiny_128", CONFIGS["hourglass_tiny_128"]
    monkeypatch.setitem(CONFIGS, name, replace(tiny, train=replace(tiny.train, total_batch=64)))
    options = {"data": synthetic_mpii, "device": "cpu", "progress": None}
    changes = {**CHANGES, "train.batch_size": 100}
    first = train.train(name, overrides=changes, **options)
    begun = capsys.readouterr().out
    assert "Total batch 8 = 1 process x 8 images" in begun
    assert "this run takes 8 (56 fewer): there are 8 training samples\n" in begun
    assert "A log line follows after every step" in begun
    assert "First step" not in begun, "the [TRAIN] line follows at once"
    assert stored(first)["train.batch_size"] == 100
    saved = first.last.stat().st_mtime_ns
    # `auto` is given the flags of the start again.
    overrides = {**changes, "train.epochs": 1}
    train.train(name, overrides=overrides, resume="auto", **options)
    resumed = capsys.readouterr().out
    assert "Total batch 8 = 1 process x 8 images" in resumed
    assert "this run takes" not in resumed
    assert "Nothing to train: 1 epochs are done, train.epochs is 1" in resumed
    assert "[TRAIN]" not in resumed
    assert first.last.stat().st_mtime_ns == saved


@pytest.mark.parametrize(("log_every", "expected"), [(1, 0), (2, 1), (10, 1)])
def test_the_end_of_the_first_step_is_logged_before_the_first_line(
    synthetic_mpii, log_every, expected
):
    overrides = {**CHANGES, "train.log_every": log_every}
    run = train.train(
        "hourglass_tiny_128", data=synthetic_mpii, device="cpu", overrides=overrides, progress=None
    )
    lines = (run.folder / "log.txt").read_text(encoding="utf-8").splitlines()
    kinds = [line.split(":")[0].split()[0] for line in lines]
    assert kinds.count("First") == expected
    if expected:
        assert kinds.index("First") < kinds.index("[TRAIN]")


@pytest.mark.parametrize("free", [0, 10**12])
def test_too_little_disk_space_is_a_warning(synthetic_mpii, monkeypatch, caplog, free):
    usage = shutil.disk_usage(".")._replace(free=free)
    monkeypatch.setattr(train.shutil, "disk_usage", lambda path: usage)
    run = train.train(
        "hourglass_tiny_128", data=synthetic_mpii, device="cpu", overrides=CHANGES, progress=None
    )
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    about_disk = [record for record in warnings if "on this disk" in record.getMessage()]
    assert len(about_disk) == (free == 0)
    size = sum(path.stat().st_size for path in run.last.parent.glob("*.pd*")) / 1e6
    (line,) = [
        line
        for line in (run.folder / "log.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith("Disk: a checkpoint takes ")
    ]
    assert f"takes {size:.0f} MB; 2 of them" in line


def test_a_run_on_synthetic_people_stores_where_they_are(monkeypatch):
    drawn = train.write_synthetic_data

    def few(config, folder):
        return drawn(config, folder, num_train=4, num_val=2)

    monkeypatch.setattr(train, "write_synthetic_data", few)
    run = train.train(device="cpu", overrides=CHANGES, progress=None)
    assert evaluate(run.best, progress=None).protocol["people"] == 2


def test_accumulated_batches_learn_what_a_plan_for_one_batch_learns(synthetic_mpii, monkeypatch):
    """Without batch normalisation in the way: the first loss is that of all images."""
    name, tiny = "hourglass_tiny_128", CONFIGS["hourglass_tiny_128"]
    monkeypatch.setitem(CONFIGS, name, replace(tiny, train=replace(tiny.train, total_batch=8)))
    small = {key: value for key, value in CHANGES.items() if key != "train.batch_size"}
    losses = []
    for number, given in enumerate(({}, {"train.batch_size": 8, "train.accumulate": 1})):
        run = train.train(
            name,
            data=synthetic_mpii,
            device="cpu",
            output=f"run{number}",
            overrides=small | given | {"train.log_every": 1, "train.epochs": 2},
            progress=None,
        )
        losses.append([record["loss"] for record in run.history if record["kind"] == "train"])
    assert len(losses[0]) == 2
    assert losses[0] == losses[1]  # to the last bit


def test_a_recipe_without_its_backbone_is_an_error_that_says_what_to_type(
    synthetic_mpii, monkeypatch, tmp_path
):
    data = without_weights(synthetic_mpii, monkeypatch, tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        train.train("hrnet_w32_mpii_256", data=data, overrides=SMALL_HRNET, device="cpu")
    for part in ("imagenet_hrnet_w32", "hrnet_w32-36af842e.pth", "download", "init=none"):
        assert part in str(caught.value)
    assert not list((tmp_path / "output").iterdir())
    given = {"train.init": "imagenet_resnet50"}
    with pytest.raises(FileNotFoundError, match="imagenet_resnet50"):
        train.train(
            "hrnet_w32_mpii_256", data=synthetic_mpii, overrides=SMALL_HRNET | given, device="cpu"
        )


def test_random_weights_are_asked_for_by_none_and_taken_for_synthetic_people(
    synthetic_mpii, monkeypatch, tmp_path
):
    data = without_weights(synthetic_mpii, monkeypatch, tmp_path)
    small = SMALL_HRNET | {"train.batch_size": 4}
    options = {"device": "cpu", "progress": None}
    asked = train.train(
        "hrnet_w32_mpii_256", data=data, init="none", overrides=small, output="asked", **options
    )
    assert stored(asked)["train.init"] == "none"
    drawn = train.train(
        "hrnet_w32_mpii_256", data=synthetic_mpii, overrides=small, output="drawn", **options
    )
    assert stored(drawn)["train.init"] == ""
    assert asked.history[0]["loss"] == drawn.history[0]["loss"]
    longer = train.train(resume="asked", overrides={"train.epochs": 2}, **options)
    assert longer.folder == asked.folder


def test_the_fetched_backbone_of_a_recipe_is_found_by_its_name(
    synthetic_mpii, monkeypatch, tmp_path
):
    data = without_weights(synthetic_mpii, monkeypatch, tmp_path)
    small = SMALL_HRNET | {"train.batch_size": 4}
    options = {"device": "cpu", "progress": None, "data": data}
    first = train.train(
        "hrnet_w32_mpii_256", init="none", overrides=small, output="first", **options
    )
    fetched = tmp_path / "cache" / "hrnet_w32-36af842e.pth"
    fetched.parent.mkdir()
    write_zip(
        fetched,
        {
            name: whole(str(n), tensor)
            for n, (name, tensor) in enumerate(read_weights(first.last).items())
        },
    )
    second = train.train("hrnet_w32_mpii_256", overrides=small, output="second", **options)
    assert stored(second)["train.init"] == "imagenet_hrnet_w32"
    log = (second.folder / "log.txt").read_text(encoding="utf-8")
    assert f"Starting from {fetched}" in log
    fetched.unlink()  # a resumed run has its weights
    assert train.train(resume="second", overrides={"train.epochs": 2}, **options).folder == Path(
        "second"
    )


@pytest.mark.parametrize("line", ["\xff", "[" * 200_000, "{"], ids=["not UTF-8", "deep", "cut"])
def test_a_damaged_line_of_the_history_is_named(tmp_path, line):
    content = b'{"kind": "train", "step": 1}\n' + line.encode("latin-1") + b"\n"
    (tmp_path / "metrics.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"metrics\.jsonl: line 2"):
        train.read_history(tmp_path)
