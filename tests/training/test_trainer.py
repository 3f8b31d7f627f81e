import json
import re
from itertools import pairwise

import numpy as np
import paddle
import pytest

from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import Interruption
from paddle_pose.training import checkpoint_policy, step_timer
from paddle_pose.training.checkpoint_policy import CheckpointPolicy
from paddle_pose.training.optimizers import CosineSchedule, StepSchedule, adam
from paddle_pose.training.step_timer import format_duration
from paddle_pose.training.trainer import Trainer
from paddle_pose.weights.read import read_weights

SCHEDULE = StepSchedule(0.02, milestones=(7,), gamma=0.5, warmup=4, warmup_start=0.1)


class Model(paddle.nn.Layer):
    """A network with batch normalisation, whose buffers are part of the state too."""

    def __init__(self):
        super().__init__()
        self.norm = paddle.nn.BatchNorm1D(3)
        self.linear = paddle.nn.Linear(3, 2)

    def forward(self, image):
        return {"map": self.linear(self.norm(image))}


class Loader:
    """Three batches per epoch, which depend on the epoch only."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 3

    def epoch(self, epoch, start=0):
        self.asked.append((epoch, start))
        for n in range(start, 3):
            rng = np.random.default_rng((epoch, n))
            image = rng.normal(size=(4, 3)).astype("float32")
            target = image[:, :2] * 2 + 1
            yield {"image": paddle.to_tensor(image), "targets": {"map": paddle.to_tensor(target)}}


def square(outputs, targets):
    return {"square": (outputs["map"] - targets["map"]).square().mean()}


@pytest.fixture
def make(tmp_path):
    made = []

    def new(name="run", seed=0, loss=square, model=Model, schedule=SCHEDULE, **options):
        paddle.seed(seed)
        built = model()
        made.append(
            Trainer(
                built,
                loss,
                adam(built),
                schedule,
                run_dir=tmp_path / name,
                visualdl=False,
                **options,
            )
        )
        return made[-1]

    yield new
    for one in made:
        one.log.close()


def numbers(folder, kind="train"):
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["kind"] == kind]


def weights(trainer):
    return {name: tensor.numpy().tolist() for name, tensor in trainer.model.state_dict().items()}


class WithDropout(Model):
    """A network that draws from Paddle's generator in every step."""

    def forward(self, image):
        return super().forward(paddle.nn.functional.dropout(image, 0.3, training=self.training))


def steps(folder):
    timings = {"batch_cost", "reader_cost", "ips"}
    return [{k: v for k, v in record.items() if k not in timings} for record in numbers(folder)]


class InterruptAfter(Interruption):
    """Ends a run after a number of steps."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def check(self):
        self.left -= 1
        if self.left == 0:
            raise Interrupted(143, "SIGTERM")


@pytest.mark.parametrize("options", [{}, {"ema": 0.9}], ids=["plain", "ema"])
@pytest.mark.parametrize("after", range(1, 13))
def test_resumed_run_equals_the_uninterrupted_run_bit_for_bit(make, tmp_path, after, options):
    options = {"log_every": 1, "model": WithDropout, **options}
    scores = {"validate": lambda epoch: {"score": [3.0, 5.0, 4.0, 1.0][epoch]}, "monitor": "score"}
    straight = make("straight", **options)
    straight.fit(Loader(), epochs=4, **scores)
    cut = make("cut", interruption=InterruptAfter(after), **options)
    if after < 12:  # nothing is left to do after the last step
        with pytest.raises(Interrupted):
            cut.fit(Loader(), epochs=4, **scores)
    else:
        cut.fit(Loader(), epochs=4, **scores)
    resumed = make("cut", seed=9, **options)
    loader = Loader()
    assert weights(resumed) != weights(straight)
    resumed.resume(checkpoint_policy.newest(tmp_path / "cut"))
    at = resumed.progress.epoch, resumed.progress.batch
    assert 3 * at[0] + at[1] == after
    resumed.fit(loader, epochs=4, **scores)
    assert loader.asked == [at, *((epoch, 0) for epoch in range(at[0] + 1, 4))][: 4 - at[0]]
    assert resumed.progress == straight.progress
    assert weights(resumed) == weights(straight)
    assert steps(tmp_path / "cut") == steps(tmp_path / "straight")
    assert [record["step"] for record in steps(tmp_path / "cut")] == list(range(1, 13))
    assert numbers(tmp_path / "cut", "eval") == numbers(tmp_path / "straight", "eval")
    for name in ("last/model.pdparams", "last/model.pdopt", "best_model/model.pdparams"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    log = (tmp_path / "cut/log.txt").read_text()
    assert f"Resumed {tmp_path / 'cut/last'} at epoch={at[0]}, batch_id={at[1]}" in log


def test_resume_truncates_the_log_after_the_checkpoint(make, tmp_path):
    """As after SIGKILL: the log has two more steps, and an incomplete line."""
    make("straight", log_every=1).fit(Loader(), epochs=2)

    class Failing(Loader):
        def epoch(self, epoch, start=0):
            for n, batch in enumerate(super().epoch(epoch, start)):
                if (epoch, n) == (1, 2):
                    raise KeyError("failed")
                yield batch

    with pytest.raises(KeyError):
        make("failed", log_every=1).fit(Failing(), epochs=2)
    with (tmp_path / "failed/metrics.jsonl").open("a") as stream:
        stream.write('{"kind": "tra')
    resumed = make("failed", log_every=1)
    resumed.resume(tmp_path / "failed/last")
    assert [record["step"] for record in steps(tmp_path / "failed")] == [1, 2, 3]
    assert len((tmp_path / "failed/log.txt").read_text().splitlines()) == 4
    resumed.fit(Loader(), epochs=2)
    assert steps(tmp_path / "failed") == steps(tmp_path / "straight")


def test_fit_saves_checkpoints_within_an_epoch(make, tmp_path):
    steps_saved = []

    class Watching(Loader):
        def epoch(self, epoch, start=0):
            for batch in super().epoch(epoch, start):
                found = checkpoint_policy.newest(tmp_path / "run")
                steps_saved.append(
                    found and json.loads((found / "state.json").read_text())["progress"]["step"]
                )
                yield batch

    make(policy=CheckpointPolicy(every_steps=2)).fit(Watching(), epochs=2)
    assert steps_saved == [None, None, 2, 3, 4, 4]


def test_resume_of_another_run_lists_the_differences(make, tmp_path):
    first = make(identity={"train.batch_size": 8, "codec.sigma": 2.0, "same": (1, 2)})
    first.fit(Loader(), epochs=1)
    other = make(
        identity={"train.batch_size": 16, "codec.sigma": 2.0, "same": [1, 2], "new": None}, seed=5
    )
    before = weights(other)
    with pytest.raises(
        ValueError,
        match=r"differs in\n  train.batch_size: 8 in the checkpoint, 16 now\n  new: nothing",
    ) as error:
        other.resume(tmp_path / "run/last")
    assert "force" in str(error.value)
    assert weights(other) == before
    other.resume(tmp_path / "run/last", force=True)
    assert weights(other) == weights(first)
    assert (
        "although train.batch_size: 8 in the checkpoint, 16 now"
        in (tmp_path / "run/log.txt").read_text()
    )


def test_resume_upgrades_the_identity_of_an_earlier_version(make, tmp_path):
    make(identity={"old": 1, "config": "a"}).fit(Loader(), epochs=1)

    def upgrade(stored):
        return {"config": stored["config"], "new": stored["old"]}

    same = make(identity={"config": "a", "new": 1}, upgrade_identity=upgrade, seed=5)
    same.resume(tmp_path / "run/last")
    assert same.progress.step > 0
    other = make(identity={"config": "a", "new": 2}, upgrade_identity=upgrade, seed=5)
    with pytest.raises(ValueError, match="new: 1 in the checkpoint, 2 now"):
        other.resume(tmp_path / "run/last")


class LoaderWithNaN(Loader):
    """Batches of which some contain NaN."""

    def __init__(self, *bad):
        super().__init__()
        self.bad = bad

    def epoch(self, epoch, start=0):
        for n, batch in enumerate(super().epoch(epoch, start), start):
            if 3 * epoch + n in self.bad:
                image = batch["image"].numpy()
                image[0, 0] = np.nan
                batch["image"] = paddle.to_tensor(image)
            yield batch


def test_skipped_step_changes_no_tensor(make, tmp_path):
    """Weights, moments, running statistics and average are unchanged by that step."""
    trainer = make(log_every=1, ema=0.9)
    snapshots = []

    class Watching(LoaderWithNaN):
        def epoch(self, epoch, start=0):
            for batch in super().epoch(epoch, start):
                yield batch
                snapshots.append(
                    [
                        array.tobytes()
                        for part in trainer._state.files().values()
                        for array in part.values()
                    ]
                )

    progress = trainer.fit(Watching(4), epochs=3)
    assert (progress.step, progress.skipped, progress.skipped_in_a_row) == (9, 1, 0)
    assert [a == b for a, b in pairwise(snapshots)] == [n == 3 for n in range(len(snapshots) - 1)]
    (skip,) = numbers(tmp_path / "run", "skip")
    assert (skip["step"], skip["loss"], skip["grad_norm"], skip["skipped"]) == (5, None, None, 1)
    assert "[SKIP] epoch=1, batch_id=1: loss nan" in (tmp_path / "run/log.txt").read_text()
    assert all(np.isfinite(np.array(values)).all() for values in weights(trainer).values())


def test_too_many_bad_steps_raise_and_keep_the_last_checkpoint(make, tmp_path):
    trainer = make(max_bad_steps=3, policy=CheckpointPolicy(every_steps=1))
    with pytest.raises(
        ValueError,
        match=r"3 steps in a row .*epoch=2, batch_id=0.*last",
    ):
        trainer.fit(LoaderWithNaN(1, 4, 5, 6), epochs=4)
    state = json.loads((tmp_path / "run/last/state.json").read_text())
    assert state["progress"]["step"] == 4
    assert state["progress"]["skipped"] == 1


def stored(folder):
    """Returns the arrays of all weights files below a folder by path and name."""
    return {
        f"{path}: {n}": v for path in folder.rglob("*.pd*") for n, v in read_weights(path).items()
    }


@pytest.mark.parametrize("ema", [0.0, 0.9], ids=["plain", "ema"])
@pytest.mark.parametrize("evaluated", [False, True], ids=["saved", "evaluated"])
@pytest.mark.parametrize("last", range(1, 7))
def test_overflowed_weights_are_never_saved(make, tmp_path, last, evaluated, ema):
    """The gradient of the last good step is finite, but its learning rate overflows a float32."""
    trainer = make(policy=CheckpointPolicy(every_steps=2, keep=9), ema=ema)
    good = trainer._step._schedule
    trainer._step._schedule = lambda step: 1e39 if step == last else good(step)
    scores = (
        {"validate": lambda epoch: {"score": float(epoch)}, "monitor": "score"} if evaluated else {}
    )
    with pytest.raises(InputError, match="finite") as caught:
        trainer.fit(Loader(), epochs=9, **scores)
    found = checkpoint_policy.newest(tmp_path / "run")
    assert not all(np.isfinite(np.array(values)).all() for values in weights(trainer).values())
    assert ("no checkpoint" if found is None else str(found)) in str(caught.value)
    assert [
        name for name, values in stored(tmp_path).items() if not np.isfinite(values).all()
    ] == []
    if found is not None:
        again = make("again", seed=9, ema=ema)
        again.resume(found)
        assert 0 < again.progress.step <= last
        assert again.fit(Loader(), epochs=3).epoch == 3


def test_interruption_does_not_save_overflowed_weights(make, tmp_path):
    trainer = make(interruption=InterruptAfter(5))
    good = trainer._step._schedule
    trainer._step._schedule = lambda step: 1e39 if step == 4 else good(step)
    with pytest.raises(InputError, match=r"after 5 steps. The last good checkpoint is .*last"):
        trainer.fit(Loader(), epochs=9)
    assert all(np.isfinite(values).all() for values in stored(tmp_path).values())
    assert json.loads((tmp_path / "run/last/state.json").read_text())["progress"]["step"] == 3


def test_fit_continues_after_single_bad_steps(make, tmp_path):
    progress = make(max_bad_steps=3).fit(LoaderWithNaN(0, 2, 4, 5), epochs=2)
    assert (progress.step, progress.skipped, progress.skipped_in_a_row) == (6, 4, 2)
    assert json.loads((tmp_path / "run/last/state.json").read_text())["progress"]["epoch"] == 2


def test_epoch_with_zero_gradients_raises(make):
    def zero_loss(outputs, targets):
        return {"zero": (outputs["map"] * 0).sum()}

    with pytest.raises(InputError, match="epoch 0"):
        make(loss=zero_loss).fit(Loader(), epochs=2)


def test_non_finite_values_are_never_the_best(make):
    scores = [float("nan"), 3.0, float("inf"), float("nan")]
    progress = make().fit(
        Loader(), epochs=4, validate=lambda epoch: {"score": scores[epoch]}, monitor="score"
    )
    assert (progress.best["score"], progress.best["epoch"]) == (3.0, 1)


def test_average_is_evaluated_and_can_be_the_best(make, tmp_path):
    trainer = make(ema=0.9)
    evaluated = []

    def validate(epoch):
        evaluated.append(weights(trainer))
        return {"score": float(len(evaluated))}

    progress = trainer.fit(Loader(), epochs=1, validate=validate, monitor="score")
    live, averaged = evaluated
    assert live == weights(trainer) != averaged
    assert progress.best == {"score": 2.0, "epoch": 0, "weights": "averaged"}
    best = {
        name: value.tolist()
        for name, value in read_weights(tmp_path / "run/best_model/model.pdparams").items()
    }
    assert best == averaged
    assert [record["weights"] for record in numbers(tmp_path / "run", "eval")] == [
        "live",
        "averaged",
    ]
    saved = read_weights(tmp_path / "run/last/ema.pdparams")
    assert {name: value.tolist() for name, value in saved.items()} == averaged


def test_interrupted_evaluation_is_repeated_on_resume(make, tmp_path):
    trainer = make(log_every=1)

    def interrupt(epoch):
        trainer.log.info("[EVAL] first part")
        raise Interrupted(143, "SIGTERM")

    with pytest.raises(Interrupted):
        trainer.fit(Loader(), epochs=2, validate=interrupt, monitor="score")
    resumed = make(log_every=1)
    loader = Loader()
    resumed.resume(tmp_path / "run/last")
    assert (resumed.progress.epoch, resumed.progress.batch) == (0, 3)
    resumed.fit(loader, epochs=1, validate=lambda epoch: {"score": 1.0}, monitor="score")
    assert loader.asked == [(0, 3)]
    assert "first part" not in (tmp_path / "run/log.txt").read_text()
    assert [record["score"] for record in numbers(tmp_path / "run", "eval")] == [1.0]


def test_resume_of_a_finished_run_trains_nothing(make, tmp_path):
    make().fit(Loader(), epochs=2)
    again = make()
    loader = Loader()
    again.resume(tmp_path / "run" / "last")
    before = weights(again)
    assert again.fit(loader, epochs=2).step == 6
    assert loader.asked == []
    assert weights(again) == before


def test_loss_decreases_and_the_rate_follows_the_schedule(make, tmp_path):
    make(log_every=1).fit(Loader(), epochs=30)
    records = numbers(tmp_path / "run")
    assert [r["lr"] for r in records] == [SCHEDULE(step) for step in range(90)]
    assert np.mean([r["loss"] for r in records[-6:]]) < 0.5 * np.mean(
        [r["loss"] for r in records[:6]]
    )


def test_best_weights_have_the_highest_monitored_value(make, tmp_path):
    scores = {0: 10.0, 1: 30.0, 2: 30.0, 3: 5.0}
    snapshots = {}
    trainer = make()

    def validate(epoch):
        assert not trainer.model.training
        snapshots[epoch] = weights(trainer)
        return {"score": scores[epoch], "other": -scores[epoch]}

    progress = trainer.fit(Loader(), epochs=4, validate=validate, monitor="score")
    assert progress.best == {"score": 30.0, "other": -30.0, "epoch": 1, "weights": "live"}
    best = {
        name: value.tolist()
        for name, value in read_weights(tmp_path / "run/best_model/model.pdparams").items()
    }
    assert best == snapshots[1] != snapshots[2]
    state = json.loads((tmp_path / "run/best_model/state.json").read_text())["progress"]
    assert (state["step"], state["best"]) == (6, progress.best)
    assert json.loads((tmp_path / "run/last/state.json").read_text())["progress"]["epoch"] == 4
    assert [(r["step"], r["epoch"], r["score"]) for r in numbers(tmp_path / "run", "eval")] == [
        (3, 0, 10.0),
        (6, 1, 30.0),
        (9, 2, 30.0),
        (12, 3, 5.0),
    ]
    assert (
        "[EVAL] best score=30.0000 at epoch 1, now 5.0000" in (tmp_path / "run/log.txt").read_text()
    )


def test_resumed_run_keeps_the_best_value(make, tmp_path):
    make().fit(Loader(), epochs=1, validate=lambda epoch: {"score": 50.0}, monitor="score")
    best = (tmp_path / "run/best_model/model.pdparams").read_bytes()
    again = make()
    again.resume(tmp_path / "run" / "last")
    progress = again.fit(
        Loader(), epochs=2, validate=lambda epoch: {"score": 40.0}, monitor="score"
    )
    assert progress.best == {"score": 50.0, "epoch": 0, "weights": "live"}
    assert (tmp_path / "run/best_model/model.pdparams").read_bytes() == best


@pytest.mark.parametrize(
    ("every", "epochs", "expected"), [(1, 3, [0, 1, 2]), (2, 5, [1, 3, 4]), (9, 3, [2])]
)
def test_evaluations_follow_the_interval_and_the_last_epoch(make, every, epochs, expected):
    evaluated = []

    def loss(outputs, targets):
        assert trainer.model.training, (
            "evaluations switch to inference mode; training must switch back"
        )
        return square(outputs, targets)

    def validate(epoch):
        evaluated.append(epoch)
        return {"score": 0.0}

    trainer = make(loss=loss)
    trainer.fit(Loader(), epochs=epochs, validate=validate, monitor="score", eval_every=every)
    assert evaluated == expected


def test_fit_without_validation_saves_no_best_model(make, tmp_path):
    make(config_json='{"x": 1}\n').fit(Loader(), epochs=1)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "last",
        "log.txt",
        "metrics.jsonl",
    ]
    assert (tmp_path / "run/last/config.json").read_text() == '{"x": 1}\n'


def test_log_lines_have_the_format_of_txyugoods_project(make, tmp_path):
    measured = []

    def measure(outputs, targets):
        measured.append(outputs["map"].shape)
        return paddle.to_tensor(0.25)

    make(log_every=2, measures={"acc_pose": measure}).fit(Loader(), epochs=2)
    lines = (tmp_path / "run/log.txt").read_text().splitlines()
    assert [(r["epoch"], r["batch_id"], r["step"]) for r in numbers(tmp_path / "run")] == [
        (0, 1, 2),
        (0, 2, 3),
        (1, 0, 4),
        (1, 2, 6),
    ]  # every second step, and the last step of each epoch
    assert measured == [[4, 2]] * 4, "computed only for steps that are logged"
    number = r"\d+\.\d+"
    pattern = (
        rf"\[TRAIN\] epoch=\d, batch_id=\d, loss={number}, lr=[\d.e-]+, acc_pose=0.250000,"
        rf" batch_cost={number}, reader_cost={number}, ips={number} images/s ETA \d+:\d\d:\d\d"
    )
    assert all(re.fullmatch(pattern, line) for line in lines)
    for record in numbers(tmp_path / "run"):
        assert record["acc_pose"] == 0.25
        assert record["batch_cost"] >= record["reader_cost"] >= 0
        assert record["ips"] > 0


@pytest.mark.parametrize("rate", [0.5, 0.004, 1.25e-5, 3e-9])
def test_log_lines_show_tiny_learning_rates(make, tmp_path, rate):
    make(schedule=lambda step: rate, log_every=1).fit(Loader(), epochs=1)
    shown = re.findall(r" lr=([^,]*),", (tmp_path / "run/log.txt").read_text())
    assert [float(text) for text in shown] == [pytest.approx(rate, rel=0.005)] * 3


def two_terms(outputs, targets):
    error = outputs["map"] - targets["map"]
    return {"square": error.square().mean(), "absolute": error.abs().mean()}


def means(records, sizes):
    """Returns the means of the logged values over consecutive groups of records."""
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    names = ("loss", "square", "absolute", "grad_norm")
    groups = [records[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    return [
        {name: np.mean([record[name] for record in group]) for name in names} for group in groups
    ]


def test_log_line_shows_means_since_the_previous_line(make, tmp_path):
    make("every", loss=two_terms, log_every=1).fit(Loader(), epochs=2)
    make("some", loss=two_terms, log_every=4).fit(Loader(), epochs=2)
    every, some = numbers(tmp_path / "every"), numbers(tmp_path / "some")
    assert [record["step"] for record in some] == [3, 4, 6]
    for record, mean in zip(some, means(every, (3, 1, 2)), strict=True):
        assert {name: record[name] for name in mean} == pytest.approx(mean, rel=1e-12)
        assert record["lr"] == every[record["step"] - 1]["lr"]


def test_means_exclude_skipped_steps(make, tmp_path):
    make("every", loss=two_terms, log_every=1).fit(LoaderWithNaN(1), epochs=1)
    make("some", loss=two_terms, log_every=10).fit(LoaderWithNaN(1), epochs=1)
    every, (line,) = numbers(tmp_path / "every"), numbers(tmp_path / "some")
    assert every[1]["loss"] is None
    assert line["loss"] == pytest.approx((every[0]["loss"] + every[2]["loss"]) / 2, rel=1e-12)


@pytest.mark.parametrize("after", range(1, 8))
def test_means_continue_after_an_interruption(make, tmp_path, after):
    options = {"loss": two_terms, "log_every": 4}
    make("straight", **options).fit(Loader(), epochs=3)
    with pytest.raises(Interrupted):
        make("cut", interruption=InterruptAfter(after), **options).fit(Loader(), epochs=3)
    resumed = make("cut", seed=9, **options)
    resumed.resume(tmp_path / "cut/last")
    resumed.fit(Loader(), epochs=3)
    assert steps(tmp_path / "cut") == steps(tmp_path / "straight")


def test_resume_logs_a_different_learning_rate(make, tmp_path):
    make().fit(Loader(), epochs=1)
    same = make()
    same.resume(tmp_path / "run/last")
    assert "learning rate" not in (tmp_path / "run/log.txt").read_text()
    longer = make(schedule=CosineSchedule(0.5, total=100))
    longer.resume(tmp_path / "run/last")
    assert (
        f"rate is {CosineSchedule(0.5, total=100)(3):g} instead of {SCHEDULE(3):g}"
        in (tmp_path / "run/log.txt").read_text()
    )


def test_loss_terms_are_summed_and_logged(make, tmp_path):
    def loss(outputs, targets):
        one = square(outputs, targets)["square"]
        return {"one": one, "two": one * 3}

    trainer = make(loss=loss, log_every=1)
    trainer.fit(Loader(), epochs=1)
    for record in numbers(tmp_path / "run"):
        assert record["loss"] == pytest.approx(4 * record["one"], rel=1e-6)
        assert record["two"] == pytest.approx(3 * record["one"], rel=1e-6)
    assert "square" not in record


def test_eta_excludes_evaluations(make, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(step_timer.time, "perf_counter", lambda: now[0])

    class Slow(Loader):
        def epoch(self, epoch, start=0):
            for batch in super().epoch(epoch, start):
                now[0] += 10  # reading
                yield batch

    def slow_loss(outputs, targets):
        now[0] += 50  # computing
        return square(outputs, targets)

    def validate(epoch):
        now[0] += 100_000
        return {"score": 0.0}

    make(loss=slow_loss, log_every=1).fit(Slow(), epochs=2, validate=validate, monitor="score")
    text = (tmp_path / "run/log.txt").read_text()
    assert re.findall(r"ETA (\S+)", text) == [
        "0:05:00",
        "0:04:00",
        "0:03:00",
        "0:02:00",
        "0:01:00",
        "0:00:00",
    ]
    for record in numbers(tmp_path / "run"):
        assert (record["batch_cost"], record["reader_cost"]) == (60, 10)
        assert record["ips"] == pytest.approx(4 / 60)


def test_error_in_an_epoch_keeps_the_previous_checkpoint(make, tmp_path):
    class Breaking(Loader):
        def epoch(self, epoch, start=0):
            yield from super().epoch(epoch, start)
            if epoch == 1:
                raise ValueError("7.jpg: broken")

    with pytest.raises(ValueError, match=r"7.jpg: broken"):
        make().fit(Breaking(), epochs=3)
    assert json.loads((tmp_path / "run/last/state.json").read_text())["progress"]["epoch"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00"), (59.6, "0:01:00"), (3599, "0:59:59"), (360000, "100:00:00")],
)
def test_format_duration(seconds, text):
    assert format_duration(seconds) == text
