import json
import re

import numpy as np
import paddle
import pytest

from paddle_pose.training import trainer as module
from paddle_pose.training.checkpoint import find, read_weights
from paddle_pose.training.optimizers import StepSchedule, adam
from paddle_pose.training.trainer import Trainer, clock

SCHEDULE = StepSchedule(0.02, milestones=(7,), gamma=0.5, warmup=4, warmup_start=0.1)


class Model(paddle.nn.Layer):
    """With batch normalisation, whose buffers belong to a run as well."""

    def __init__(self):
        super().__init__()
        self.norm = paddle.nn.BatchNorm1D(3)
        self.linear = paddle.nn.Linear(3, 2)

    def forward(self, image):
        return {"map": self.linear(self.norm(image))}


class Loader:
    """Three batches an epoch, the same for the same epoch."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 3

    def epoch(self, epoch):
        self.asked.append(epoch)
        for n in range(3):
            rng = np.random.default_rng((epoch, n))
            image = rng.normal(size=(4, 3)).astype("float32")
            target = image[:, :2] * 2 + 1
            yield {"image": paddle.to_tensor(image), "targets": {"map": paddle.to_tensor(target)}}


def square(outputs, targets):
    return {"square": (outputs["map"] - targets["map"]).square().mean()}


@pytest.fixture
def make(tmp_path):
    made = []

    def new(name="run", seed=0, loss=square, **options):
        paddle.seed(seed)
        model = Model()
        made.append(Trainer(model, loss, adam(model), SCHEDULE, run_dir=tmp_path / name, visualdl=False, **options))
        return made[-1]

    yield new
    for one in made:
        one.log.close()


def numbers(folder, kind="train"):
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["kind"] == kind]


def weights(trainer):
    return {name: tensor.numpy().tolist() for name, tensor in trainer.model.state_dict().items()}


def test_resuming_at_an_epochs_end_equals_the_straight_run_bit_for_bit(make, tmp_path):
    straight = make("straight", log_every=1)
    straight.fit(Loader(), epochs=4)
    make("cut", log_every=1).fit(Loader(), epochs=2)
    resumed, loader = make("cut", seed=9, log_every=1), Loader()
    assert weights(resumed) != weights(straight)
    resumed.resume(find(tmp_path / "cut" / "last"))
    progress = resumed.fit(loader, epochs=4)
    assert (progress.epoch, progress.step, loader.asked) == (4, 12, [2, 3])
    assert weights(resumed) == weights(straight)
    losses = [[(r["step"], r["loss"], r["lr"]) for r in numbers(tmp_path / name)] for name in ("straight", "cut")]
    assert losses[0] == losses[1]
    assert [step for step, *_ in losses[0]] == list(range(1, 13))
    assert "Resumed" in (tmp_path / "cut" / "log.txt").read_text()
    assert "after epoch 1" in (tmp_path / "cut" / "log.txt").read_text()


def test_a_finished_run_has_nothing_left_to_do(make, tmp_path):
    make().fit(Loader(), epochs=2)
    again, loader = make(), Loader()
    again.resume(tmp_path / "run" / "last")
    before = weights(again)
    assert again.fit(loader, epochs=2).step == 6
    assert loader.asked == []
    assert weights(again) == before


def test_it_learns_and_the_rate_follows_the_schedule(make, tmp_path):
    make(log_every=1).fit(Loader(), epochs=30)
    records = numbers(tmp_path / "run")
    assert [r["lr"] for r in records] == [SCHEDULE(step) for step in range(90)]
    assert np.mean([r["loss"] for r in records[-6:]]) < 0.5 * np.mean([r["loss"] for r in records[:6]])


def test_the_best_weights_are_those_of_the_highest_monitored_value(make, tmp_path):
    said, kept = {0: 10.0, 1: 30.0, 2: 30.0, 3: 5.0}, {}
    trainer = make()

    def validate(epoch):
        assert not trainer.model.training
        kept[epoch] = weights(trainer)
        return {"score": said[epoch], "other": -said[epoch]}

    progress = trainer.fit(Loader(), epochs=4, validate=validate, monitor="score")
    assert progress.best == {"score": 30.0, "other": -30.0, "epoch": 1}
    best = {name: value.tolist() for name, value in read_weights(tmp_path / "run/best_model/model.pdparams").items()}
    assert best == kept[1] != kept[2]
    assert json.loads((tmp_path / "run/best_model/state.json").read_text()) == {
        "epoch": 2,
        "step": 6,
        "best": progress.best,
    }
    assert json.loads((tmp_path / "run/last/state.json").read_text())["epoch"] == 4
    assert [(r["step"], r["epoch"], r["score"]) for r in numbers(tmp_path / "run", "eval")] == [
        (3, 0, 10.0),
        (6, 1, 30.0),
        (9, 2, 30.0),
        (12, 3, 5.0),
    ]
    assert "[EVAL] best score=30.0000 at epoch 1, now 5.0000" in (tmp_path / "run/log.txt").read_text()


def test_a_resumed_run_remembers_its_best(make, tmp_path):
    make().fit(Loader(), epochs=1, validate=lambda epoch: {"score": 50.0}, monitor="score")
    best = (tmp_path / "run/best_model/model.pdparams").read_bytes()
    again = make()
    again.resume(tmp_path / "run" / "last")
    progress = again.fit(Loader(), epochs=2, validate=lambda epoch: {"score": 40.0}, monitor="score")
    assert progress.best == {"score": 50.0, "epoch": 0}
    assert (tmp_path / "run/best_model/model.pdparams").read_bytes() == best


@pytest.mark.parametrize(("every", "epochs", "expected"), [(1, 3, [0, 1, 2]), (2, 5, [1, 3, 4]), (9, 3, [2])])
def test_evaluations_come_on_schedule_and_after_the_last_epoch(make, every, epochs, expected):
    evaluated = []

    def loss(outputs, targets):
        assert trainer.model.training, "an evaluation leaves the network in inference mode"
        return square(outputs, targets)

    def validate(epoch):
        evaluated.append(epoch)
        return {"score": 0.0}

    trainer = make(loss=loss)
    trainer.fit(Loader(), epochs=epochs, validate=validate, monitor="score", eval_every=every)
    assert evaluated == expected


def test_without_a_validation_there_is_no_best(make, tmp_path):
    make(config_json='{"x": 1}\n').fit(Loader(), epochs=1)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["last", "log.txt", "metrics.jsonl"]
    assert (tmp_path / "run/last/config.json").read_text() == '{"x": 1}\n'


def test_every_line_says_what_the_originals_says(make, tmp_path):
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
    ]  # every second step, and each epoch's last
    assert measured == [[4, 2]] * 4, "measured only when it is printed"
    number = r"\d+\.\d+"
    pattern = (
        rf"\[TRAIN\] epoch=\d, batch_id=\d, loss={number}, lr={number}, acc_pose=0.250000, batch_cost={number}, "
        rf"reader_cost={number}, ips={number} images/s ETA \d+:\d\d:\d\d"
    )
    assert all(re.fullmatch(pattern, line) for line in lines)
    for record in numbers(tmp_path / "run"):
        assert record["acc_pose"] == 0.25
        assert record["batch_cost"] >= record["reader_cost"] >= 0
        assert record["ips"] > 0


def test_terms_are_summed_and_named(make, tmp_path):
    def loss(outputs, targets):
        one = square(outputs, targets)["square"]
        return {"one": one, "two": one * 3}

    trainer = make(loss=loss, log_every=1)
    trainer.fit(Loader(), epochs=1)
    for record in numbers(tmp_path / "run"):
        assert record["loss"] == pytest.approx(4 * record["one"], rel=1e-6)
        assert record["two"] == pytest.approx(3 * record["one"], rel=1e-6)
    assert "square" not in record


def test_the_time_left_counts_steps_and_no_evaluation(make, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])

    class Slow(Loader):
        def epoch(self, epoch):
            for batch in super().epoch(epoch):
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
    assert re.findall(r"ETA (\S+)", text) == ["0:05:00", "0:04:00", "0:03:00", "0:02:00", "0:01:00", "0:00:00"]
    for record in numbers(tmp_path / "run"):
        assert (record["batch_cost"], record["reader_cost"]) == (60, 10)
        assert record["ips"] == pytest.approx(4 / 60)


def test_an_error_in_an_epoch_leaves_the_epoch_before(make, tmp_path):
    class Breaking(Loader):
        def epoch(self, epoch):
            yield from super().epoch(epoch)
            if epoch == 1:
                raise ValueError("7.jpg: broken")

    with pytest.raises(ValueError, match=r"7.jpg: broken"):
        make().fit(Breaking(), epochs=3)
    assert json.loads((find(tmp_path / "run/last") / "state.json").read_text())["epoch"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3599, "0:59:59"), (360000, "100:00:00")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text
