"""How the images of an optimizer step are divided into GPUs, batches and accumulated batches.

A recipe's learning rate belongs to its total batch. Its authors reached it with their GPUs; here
the number of images per forward pass follows from the memory of the GPU, and `train.accumulate`
from the number of GPUs, so that the total stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from paddle_pose.configs.specs import Train
from paddle_pose.environment import argument

if TYPE_CHECKING:
    from paddle_pose.training.memory import MemoryEstimate


@dataclass(frozen=True)
class BatchPlan:
    """Division of the images of an optimizer step.

    Attributes:
        total: Number of images per step that the recipe states; 0 if it states none.
        processes: Number of processes that train together, one per GPU.
        batch_size: Number of images per forward pass of a process.
        accumulate: Number of forward passes per step of a process.

    Example:
        >>> plan = BatchPlan(total=128, processes=2, batch_size=32, accumulate=2)
        >>> plan.reached, plan.difference()
        (128, '')
    """

    total: int
    processes: int
    batch_size: int
    accumulate: int

    @classmethod
    def of_recipe(
        cls,
        train: Train,
        processes: int,
        largest: int | None = None,
        samples: int | None = None,
    ) -> BatchPlan:
        """Returns the division that reaches the total batch of a recipe, or comes close below it.

        A process takes an equal share of the total. The batch size is the largest divisor of the
        share that does not exceed the recipe's batch size and fits into the memory. If this divisor
        is at most half of what would fit (the share is a prime, for example), a few images are left
        out of the total instead, since batch normalisation needs many images.

        Args:
            train: Recipe; without a total batch its own numbers are returned.
            processes: Number of processes that train together.
            largest: Largest batch size that fits into the memory of a GPU; None for no limit.
            samples: Number of training samples, of which a step takes each at most once; None for
                no limit.

        Example:
            >>> recipe = Train(total_batch=128, batch_size=32)
            >>> [BatchPlan.of_recipe(recipe, gpus).accumulate for gpus in (1, 2, 4)]
            [4, 2, 1]
            >>> BatchPlan.of_recipe(recipe, processes=1, largest=20)
            BatchPlan(total=128, processes=1, batch_size=16, accumulate=8)
        """
        if not train.total_batch:
            return cls.as_stated(train, processes, samples)
        total = train.total_batch if samples is None else min(train.total_batch, samples)
        share = max(1, total // processes)
        limit = min(train.batch_size, share, share if largest is None else largest)
        batch_size = max(size for size in range(1, limit + 1) if share % size == 0)
        if 2 * batch_size <= limit:
            batch_size = share // -(-share // limit)
        return cls(train.total_batch, processes, batch_size, share // batch_size)

    @classmethod
    def as_stated(cls, train: Train, processes: int, samples: int | None = None) -> BatchPlan:
        """Returns the division with the batch size and the accumulation that a config states.

        Both are reduced if a step would take more than all training samples.

        Args:
            train: Recipe.
            processes: Number of processes that train together.
            samples: Number of training samples; None for no limit.

        Example:
            >>> BatchPlan.as_stated(Train(batch_size=8), processes=1, samples=5)
            BatchPlan(total=0, processes=1, batch_size=5, accumulate=1)
        """
        if samples is None:
            return cls(train.total_batch, processes, train.batch_size, train.accumulate)
        share = max(1, samples // processes)
        batch_size = min(train.batch_size, share)
        accumulate = min(train.accumulate, share // batch_size)
        return cls(train.total_batch, processes, batch_size, accumulate)

    @property
    def reached(self) -> int:
        """Number of images per optimizer step."""
        return self.processes * self.batch_size * self.accumulate

    def summary(self, estimate: MemoryEstimate, memory: int | None) -> str:
        """Returns the division and the memory as a line for the log.

        Args:
            estimate: Estimated memory of a training step, see `training.memory.estimate_memory`.
            memory: Memory of the GPU in bytes; None on a CPU.

        Example:
            >>> from paddle_pose.training.memory import MemoryEstimate
            >>> estimate = MemoryEstimate(fixed=10**9, per_image=10**8)
            >>> line = BatchPlan(128, 2, 32, 2).summary(estimate, memory=16 * 10**9)
            >>> print(line)  # doctest: +NORMALIZE_WHITESPACE
            Total batch 128 = 2 processes x 32 images x 2 accumulated;
            about 4.8 GB in float32, the GPU has 16.0 GB
        """
        processes = f"{self.processes} process" + ("es" if self.processes > 1 else "")
        needed = f"{gigabytes(estimate.total(self.batch_size))} in float32"
        available = "" if memory is None else f", the GPU has {gigabytes(memory)}"
        return (
            f"Total batch {self.reached} = {processes} x {self.batch_size} images x "
            f"{self.accumulate} accumulated; about {needed}{available}"
        )

    def difference(
        self, given: bool = False, samples: int | None = None, resumed: bool = False
    ) -> str:
        """Returns a sentence on the difference to the recipe's total batch and how to avoid it.

        It is "" if there is no difference, the recipe states no total batch, or a resumed run has
        fewer samples.

        Args:
            given: Whether the user chose the batch size or the accumulation.
            samples: Number of training samples; None if it is unknown.
            resumed: Whether the run was begun with these batches, which it keeps.

        Example:
            >>> plan = BatchPlan(total=128, processes=1, batch_size=32, accumulate=1)
            >>> print(plan.difference(given=True))  # doctest: +NORMALIZE_WHITESPACE
            The recipe's learning rate belongs to a total batch of 128, this run takes 32
            (96 fewer): set train.accumulate=4
        """
        few = samples is not None and samples < self.total
        if not self.total or self.reached == self.total or (resumed and few):
            return ""
        missed = self.total - self.reached
        amount = f"{missed} fewer" if missed > 0 else f"{-missed} more"
        accumulate, rest = divmod(self.total, self.processes * self.batch_size)
        if resumed:
            hint = "a resumed run keeps its batches; the recipe's need a new run"
        elif few:
            hint = f"there are {samples} training samples"
        elif accumulate and not rest:
            assignment = f"train.accumulate={accumulate}"
            hint = argument(f"type -o {assignment}", f"set {assignment}")
        elif self.total % self.processes:
            processes = max(n for n in range(1, self.processes + 1) if self.total % n == 0)
            hint = f"train with {processes} process" + ("es" if processes > 1 else "")
        elif given:
            hint = argument(
                "leave out --batch_size and -o train.accumulate",
                "leave out train.batch_size and train.accumulate",
            )
        else:
            assignment = f"train.total_batch={self.reached}"
            hint = argument(f"type -o {assignment}", f"set {assignment}") + " to accept it"
        return (
            f"The recipe's learning rate belongs to a total batch of {self.total}, this run takes "
            f"{self.reached} ({amount}): {hint}"
        )


def gigabytes(number: int) -> str:
    """Returns a number of bytes for the log, in GB or, below 1 GB, in MB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
