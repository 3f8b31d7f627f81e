"""Training batches, in an order that depends on the seed and the epoch only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paddle

from paddle_pose.data.dataset import PoseDataset, TrainingExample
from paddle_pose.data.prefetch import loading_threads, prefetch
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.training import gpu_flags
from paddle_pose.training.process_group import ProcessGroup


class EpochLoader:
    """Shuffled batches of a data set, read in advance by threads.

    Args:
        dataset: Samples to iterate over, indexed by (0-based epoch, index), see `PoseDataset`.
        batch_size: Samples per batch in this process. The last batch of an epoch is dropped if it
            would be smaller, unless it is the only one.
        num_workers: Number of reading threads, see `loading_threads`; 0 reads when a batch is
            requested.
        seed: Seed of the order of the samples.
        process_group: Processes that share every batch; together they train on the same samples as
            one process with a larger batch. None for this process alone.
        replace_bad: Whether a sample whose image cannot be read is replaced by the next one;
            otherwise it is an error.
        timeout: Maximum seconds to wait for a sample that a thread reads; None waits indefinitely.
        pin_memory: Whether batches go to a GPU through page-locked memory; on a CPU it has no
            effect.

    Raises:
        InputError: If the data set is empty or has fewer samples than there are processes, or a
            number is out of range.
    """

    def __init__(
        self,
        dataset: PoseDataset,
        batch_size: int,
        num_workers: int,
        seed: int,
        process_group: ProcessGroup | None = None,
        replace_bad: bool = False,
        timeout: float | None = None,
        pin_memory: bool = False,
    ) -> None:
        self._process_group = process_group or ProcessGroup()
        if len(dataset) == 0:
            raise InputError("the training set is empty")
        if len(dataset) < self._process_group.size:
            raise InputError(
                f"{len(dataset)} training samples for {self._process_group.size} processes;"
                " use fewer processes"
            )
        if timeout is not None and timeout <= 0:
            raise InputError(
                f"a timeout of {timeout} seconds for reading an image: expected a positive number"
            )
        if batch_size < 1 or num_workers < -1:
            raise InputError(
                f"batch_size {batch_size} and num_workers {num_workers}: expected a batch_size of"
                " at least 1, and num_workers of at least -1"
            )
        self._dataset = dataset
        self._seed = seed
        self._replace_bad = replace_bad
        self._timeout = timeout
        self._pin_memory = pin_memory and paddle.get_device().startswith("gpu")
        self._size = min(batch_size, len(dataset) // self._process_group.size)
        self._workers = loading_threads(num_workers)
        cv2.setNumThreads(1)  # the reading threads already run in parallel

    def __len__(self) -> int:
        """Returns the number of batches in an epoch."""
        return len(self._dataset) // (self._size * self._process_group.size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Mapping[str, Any]]:
        """Yields the batches of an epoch.

        Args:
            epoch: 0-based epoch, which determines order and augmentation.
            start: Index of the first batch to yield; earlier batches are not read.

        Yields:
            The result of `PoseDataset.batch` ("image", "index", and "targets" or "keypoints",
            "visible" and "boxes"), with tensors instead of arrays except for "index". If samples
            were replaced, "replaced" is a list with a line of text for each: image and problem.

        Raises:
            FileNotFoundError: If an image does not exist, without `replace_bad`.
            TimeoutError: If reading an image takes longer than `timeout`.
            InputError: If an image cannot be decoded, without `replace_bad`; or if no image can be
                read, with it.
        """
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._dataset))
        steps = order[: len(self) * self._size * self._process_group.size].reshape(
            len(self), self._process_group.size, self._size
        )
        keys = [(epoch, int(index)) for index in steps[start:, self._process_group.rank].flatten()]
        examples = prefetch(
            self._read, keys, self._workers, 2 * self._size, self._timeout, self._path
        )

        def collate(_: int) -> tuple[Any, np.ndarray, list[str]]:
            read = [*islice(examples, self._size)]
            batch = self._dataset.batch([example for example, _ in read])
            index = batch.pop("index")
            if self._pin_memory:
                batch = gpu_flags.pinned(batch)
            return batch, index, [line for _, lines in read for line in lines]

        # One more thread collates the batches, so that training waits only if reading is slower.
        collated = prefetch(collate, range(start, len(self)), min(1, self._workers), 1)
        # `batch` stays alive until the next batch is requested, as `gpu_flags.on_device` needs it:
        # a training step waits for the device.
        for batch, index, replaced in collated:
            tensors = gpu_flags.on_device(batch) if self._pin_memory else _tensors(batch)
            loaded = {**tensors, "index": index}
            yield {**loaded, "replaced": replaced} if replaced else loaded

    def _path(self, key: tuple[int, int]) -> Path:
        return self._dataset.samples[key[1]].image_path

    def _read(self, key: tuple[int, int]) -> tuple[TrainingExample, list[str]]:
        """Returns the training example of a sample, or of the next one whose image can be read.

        Args:
            key: (epoch, index) of the sample.

        Returns:
            The example, and the problem of each sample that was skipped.
        """
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
            f"none of the {len(self._dataset)} training images can be read; error of the first:"
            f" {problems[0]}"
        )


def _can_be_read(path: Path) -> bool:
    """Returns whether an image can be read; if so, an error must have another cause."""
    try:
        images.read(path)
    except (OSError, ValueError):
        return False
    return True


def _tensors(value: Any) -> Any:
    """Returns an array, or all arrays of a nested dict, as tensors."""
    if isinstance(value, Mapping):
        return {key: _tensors(part) for key, part in value.items()}
    return paddle.to_tensor(value)
