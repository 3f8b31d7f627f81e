"""Batches for training, in an order that depends on seed and epoch alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paddle

from paddle_pose.data.dataset import PoseDataset, TrainingExample
from paddle_pose.data.prefetch import prefetch
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.training.process_group import ProcessGroup


class EpochLoader:
    """Shuffled batches of a data set, read ahead in threads."""

    def __init__(
        self,
        dataset: PoseDataset,
        batch_size: int,
        num_workers: int,
        seed: int,
        process_group: ProcessGroup | None = None,
        replace_bad: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Takes a data set indexed by (epoch, index).

        Args:
            dataset: of samples.
            batch_size: of this process; an epoch's last batch is left out when it would be smaller, unless it is the only one.
            num_workers: threads; 0 reads when a batch is asked for, -1 takes the cores less one, at most 8.
            seed: of the order.
            process_group: the processes that share every batch; together they see what one with a larger batch would.
            replace_bad: show the next sample in the place of one whose image cannot be read, instead of ending.
            timeout: seconds to wait for a sample that a thread reads; None waits for ever.

        Raises:
            InputError: If the data set is empty or smaller than the processes are many, or a number is out of range.
        """
        self._process_group = process_group or ProcessGroup()
        if len(dataset) == 0:
            raise InputError("the training set is empty")
        if len(dataset) < self._process_group.size:
            raise InputError(
                f"{len(dataset)} training samples for {self._process_group.size} processes; use fewer processes"
            )
        if timeout is not None and timeout <= 0:
            raise InputError(
                f"a timeout of {timeout} seconds for reading an image: expected a positive number"
            )
        if batch_size < 1 or num_workers < -1:
            raise InputError(
                f"batch_size {batch_size} and num_workers {num_workers} must be positive"
            )
        if num_workers < 0:
            num_workers = min(8, max(1, (os.cpu_count() or 2) - 1))
        self._dataset, self._seed, self._replace_bad, self._timeout = (
            dataset,
            seed,
            replace_bad,
            timeout,
        )
        self._size, self._workers = (
            min(batch_size, len(dataset) // self._process_group.size),
            num_workers,
        )
        cv2.setNumThreads(1)  # the threads here are the parallel ones

    def __len__(self) -> int:
        """Returns the number of batches in an epoch."""
        return len(self._dataset) // (self._size * self._process_group.size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Mapping[str, Any]]:
        """Yields the batches of a 0-based epoch, as `PoseDataset.batch` makes them, with tensors for arrays.

        Where samples were replaced, "replaced" holds a line for each that says which and why.

        Args:
            epoch: decides about order and images.
            start: the first batch to yield; those before it are not read.

        Raises:
            FileNotFoundError: If an image is missing and is not to be replaced.
            TimeoutError: If an image is not read in time.
            InputError: If an image cannot be decoded and is not to be replaced, or none can be read.
        """
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._dataset))
        steps = order[: len(self) * self._size * self._process_group.size].reshape(
            len(self), self._process_group.size, self._size
        )
        keys = [(epoch, int(index)) for index in steps[start:, self._process_group.rank].flatten()]
        examples = prefetch(
            self._read, keys, self._workers, 2 * self._size, self._timeout, self._path
        )

        def together(_: int) -> tuple[dict[str, Any], list[str]]:
            found = [*islice(examples, self._size)]
            return self._dataset.batch([example for example, _ in found]), [
                line for _, lines in found for line in lines
            ]

        # Batches are put together in a thread of their own, so that the training only waits when reading is slower.
        for batch, replaced in prefetch(
            together, range(start, len(self)), min(1, self._workers), 1
        ):
            yield {**_tensors(batch), "replaced": replaced} if replaced else _tensors(batch)

    def _path(self, key: tuple[int, int]) -> Path:
        return self._dataset.samples[key[1]].image_path

    def _read(self, key: tuple[int, int]) -> tuple[TrainingExample, list[str]]:
        """Returns a look at a sample, or at the next one whose image can be read, and what is wrong with those before it."""
        epoch, first = key
        problems: list[str] = []
        for index in (*range(first, len(self._dataset)), *range(first)):
            try:
                return self._dataset.example((epoch, index)), problems
            except (OSError, ValueError) as problem:
                if not self._replace_bad or _can_be_read(self._path((epoch, index))):
                    raise
                problems.append(str(problem))
        raise InputError(
            f"none of the {len(self._dataset)} training images can be read; the first: {problems[0]}"
        )


def _can_be_read(path: Path) -> bool:
    """Tells whether the image is fine, so that something else must be wrong."""
    try:
        images.read(path)
    except (OSError, ValueError):
        return False
    return True


def _tensors(value: Any) -> Any:
    """Returns arrays, also those in dicts, as tensors."""
    if isinstance(value, Mapping):
        return {key: _tensors(part) for key, part in value.items()}
    return paddle.to_tensor(value)
