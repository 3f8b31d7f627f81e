"""A recipe's total batch is divided into processes, batches and accumulated batches."""

import numpy as np
import pytest

from paddle_pose.configs.registry import CONFIGS
from paddle_pose.configs.specs import Train
from paddle_pose.engine.batch_plan import BatchPlan
from paddle_pose.training.memory import MemoryEstimate

HRNET = CONFIGS["hrnet_w32_mpii_256"].train


@pytest.mark.parametrize(
    ("processes", "largest", "batch_size", "accumulate"),
    [
        (4, None, 32, 1),  # as the authors ran it
        (1, None, 32, 4),
        (2, None, 32, 2),
        (8, None, 16, 1),
        (1, 31, 16, 8),
        (2, 5, 4, 16),
        (1, 1, 1, 128),
        (3, None, 21, 2),  # 42 images each
    ],
)
def test_the_batches_of_hrnet(processes, largest, batch_size, accumulate):
    plan = BatchPlan.of_recipe(HRNET, processes, largest)
    assert (plan.batch_size, plan.accumulate) == (batch_size, accumulate)


def test_every_recipe_reaches_its_total_on_one_gpu_of_any_memory():
    trained = [config.train for config in CONFIGS.values() if config.codec.trainable]
    recipes = [recipe for recipe in trained if recipe.total_batch]
    assert len(recipes) == len(trained) - 1  # the tiny one for tests states none
    for recipe in recipes:
        for largest in (None, 512, 100, 64, 33, 16, 7, 3, 1):
            plan = BatchPlan.of_recipe(recipe, 1, largest)
            assert plan.reached == recipe.total_batch
            assert plan.batch_size <= min(recipe.batch_size, largest or recipe.batch_size)


def test_random_recipes_fit_and_come_close_to_their_total():
    rng = np.random.default_rng(0)
    exact = 0
    for _ in range(3000):
        total, processes = int(rng.integers(1, 700)), int(rng.integers(1, 17))
        recipe = Train(total_batch=total, batch_size=int(rng.integers(1, 200)))
        largest = None if rng.random() < 0.2 else int(rng.integers(1, 100))
        plan = BatchPlan.of_recipe(recipe, processes, largest)
        share = max(1, total // processes)
        limit = min(recipe.batch_size, share, largest or share)
        assert 1 <= plan.batch_size <= limit
        assert plan.reached <= max(total, processes)
        # Less than one image per accumulated batch is left out of each process's share.
        assert share - plan.batch_size * plan.accumulate < plan.accumulate
        assert bool(plan.difference()) == (plan.reached != total)
        exact += plan.reached == total
        divisors = [size for size in range(1, limit + 1) if share % size == 0]
        if total % processes == 0 and max(divisors) > limit / 2:
            assert (plan.reached, plan.batch_size) == (total, max(divisors))
        if limit > 1 and share > 1:
            assert plan.batch_size >= limit / 3  # no normalisation over a handful of images
    assert exact > 200


def test_a_step_takes_no_sample_twice():
    plan = BatchPlan.of_recipe(HRNET, 1, samples=50)
    assert (plan.batch_size, plan.accumulate, plan.reached) == (25, 2, 50)
    assert "50 training samples" in plan.difference(samples=50)
    assert BatchPlan.of_recipe(HRNET, 2, samples=3).reached == 2
    assert BatchPlan.of_recipe(HRNET, 4, samples=128) == BatchPlan.of_recipe(HRNET, 4)


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "processes", "divided", "reached"),
    [(8, 1, 1, (5, 1), 5), (2, 1, 1, (2, 1), 2), (2, 4, 1, (2, 2), 4), (8, 2, 2, (2, 1), 4)],
)
def test_stated_batches_are_limited_by_the_samples(
    batch_size, accumulate, processes, divided, reached
):
    recipe = Train(total_batch=64, batch_size=batch_size, accumulate=accumulate)
    plan = BatchPlan.as_stated(recipe, processes, samples=5)
    assert (plan.batch_size, plan.accumulate) == divided
    assert plan.reached == reached
    # No flag can reach the recipe's total.
    assert plan.difference(given=True, samples=5).endswith("there are 5 training samples")
    assert BatchPlan.as_stated(recipe, processes, samples=1000).batch_size == batch_size


def test_without_a_total_the_numbers_stay_and_nothing_differs():
    plan = BatchPlan.of_recipe(Train(batch_size=8, accumulate=3), 2, largest=1)
    assert plan == BatchPlan(0, 2, 8, 3)
    assert (plan.reached, plan.difference(), plan.difference(given=True)) == (48, "", "")


@pytest.mark.parametrize(
    ("plan", "given", "numbers"),
    [
        (BatchPlan(128, 1, 32, 1), True, ("128", "32", "96 fewer", "train.accumulate=4")),
        (BatchPlan(128, 1, 256, 1), True, ("128", "256", "128 more", "train.batch_size")),
        (BatchPlan(128, 1, 30, 1), True, ("128", "30", "98 fewer", "train.batch_size")),
        (BatchPlan(128, 3, 21, 2), False, ("128", "126", "2 fewer", "2 processes")),
        (BatchPlan(73, 1, 36, 2), False, ("73", "72", "1 fewer", "train.total_batch=72")),
    ],
)
def test_a_difference_states_the_amount_and_what_to_type(plan, given, numbers):
    line = plan.difference(given)
    assert "\n" not in line
    assert [number for number in numbers if number not in line] == []


def test_the_summary_states_the_division_and_the_memory():
    estimate = MemoryEstimate(fixed=2 * 10**9, per_image=10**8)
    on_gpu = BatchPlan(128, 2, 32, 2).summary(estimate, memory=16 * 10**9)
    for number in ("128 = 2 processes x 32 images x 2", "6.0 GB", "16.0 GB"):
        assert number in on_gpu
    on_cpu = BatchPlan(64, 1, 64, 1).summary(estimate, memory=None)
    assert "64 = 1 process x 64 images x 1" in on_cpu
    assert "9.7 GB" in on_cpu
    assert "GPU" not in on_cpu


def test_the_difference_of_a_resumed_run_names_no_flag():
    line = BatchPlan(128, 1, 32, 1).difference(given=True, resumed=True)
    assert "128" in line
    assert "32" in line
    assert line.endswith("a resumed run keeps its batches; the recipe's need a new run")
