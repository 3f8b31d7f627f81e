"""Training with several processes. All code that depends on them is in this file.

    python -m paddle.distributed.launch --devices 0,1 train.py …            one process per GPU
    python -m paddle.distributed.launch --nproc_per_node 2 train.py …       on CPUs, through gloo

Every process computes its part of each batch and of the evaluation; Paddle's DataParallel averages
the gradients. Decisions (whether a step is skipped, whether the run ends, which weights are the
best) depend on values that are equal in all processes.

Source: `paddle.distributed` of Paddle 3.3. The code for GPUs follows its documented API; this
    project has not measured it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import paddle
import paddle.distributed as dist

Item = TypeVar("Item")


class ProcessGroup:
    """The processes that train one network; by default one process.

    Args:
        rank: Number of this process, from 0.
        size: Number of processes.

    Attributes:
        rank: Number of this process; process 0 is the main process, which writes all files.
        size: Number of processes.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    def start(cls, device: str = "auto") -> ProcessGroup:
        """Returns the group of the processes that `paddle.distributed.launch` has started.

        Without the launcher, the group consists of this process alone.

        Args:
            device: Device of the training; "cpu" communicates through gloo, also where there are
                GPUs.
        """
        if int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) == 1:
            return cls()
        if device == "cpu":
            os.environ["PADDLE_DISTRI_BACKEND"] = "gloo"
        if not dist.is_initialized():
            dist.init_parallel_env()
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def is_main(self) -> bool:
        """Whether this is the main process, which writes all files."""
        return self.rank == 0

    def on_main(self, function: Callable[[], Item]) -> Item:
        """Calls a function in the main process, and returns its result in all processes.

        The other processes wait for it.

        Args:
            function: Function without arguments.
        """
        result = [function()] if self.is_main else [None]
        if self.size > 1:
            dist.broadcast_object_list(result, 0)
        return result[0]  # type: ignore[return-value]

    def sync_batch_norm(self, model: paddle.nn.Layer, freeze: str = "nothing") -> paddle.nn.Layer:
        """Returns a network whose batch normalisations use the statistics of all GPUs' batches.

        On CPUs, for which Paddle does not implement this, the network is unchanged. It is also
        unchanged with `freeze` "statistics": the network then normalises with its running
        statistics, for which `SyncBatchNorm` has no backward pass, and there is nothing to
        synchronise.

        Args:
            model: Network to convert.
            freeze: Part that is not trained, `train.freeze`.
        """
        on_gpus = self.size > 1 and paddle.get_device().startswith("gpu")
        if not on_gpus or freeze == "statistics":
            return model
        return paddle.nn.SyncBatchNorm.convert_sync_batchnorm(model)

    def parallel(self, model: paddle.nn.Layer) -> paddle.nn.Layer:
        """Returns a wrapper of a network whose backward averages gradients over all processes.

        Args:
            model: Network to train. If it contains parameters that its forward pass never uses, its
                attribute `has_unused_parameters` must be true. Paddle then marks their gradients as
                ready in each step, which its documentation requires.
        """
        if self.size == 1:
            return model
        unused = getattr(model, "has_unused_parameters", False)
        return paddle.DataParallel(model, find_unused_parameters=unused)

    def accumulating(self, parallel: paddle.nn.Layer, more: bool) -> Any:
        """Returns a context manager for forward and backward pass in gradient accumulation.

        Args:
            parallel: Network that the method `parallel` returned.
            more: Whether another backward pass of the same step follows; gradients are averaged
                over the processes in the last one only.
        """
        return parallel.no_sync() if more and self.size > 1 else nullcontext()

    def mean(self, numbers: paddle.Tensor) -> paddle.Tensor:
        """Returns the element-wise mean of a tensor over all processes.

        All processes must call it, with tensors of the same shape.
        """
        if self.size > 1:
            dist.all_reduce(numbers)
            numbers = numbers / self.size
        return numbers

    def largest(self, number: int) -> int:
        """Returns the maximum of an integer over all processes; all of them must call it."""
        if self.size == 1:
            return number
        largest = paddle.to_tensor([number])
        dist.all_reduce(largest, dist.ReduceOp.MAX)
        return int(largest.item())

    def broadcast(self, tensors: Iterable[paddle.Tensor]) -> None:
        """Sets tensors in place to the values that they have in the main process."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def shard(self, blocks: Sequence[Item]) -> Sequence[Item]:
        """Returns the part of a sequence for this process: every `size`-th element from `rank` on.

        `gather` joins the results of the parts.
        """
        return blocks[self.rank :: self.size]

    def gather(self, results: Sequence[Item]) -> list[Item]:
        """Returns the results of all processes, in the order before `shard`.

        Args:
            results: Results of this process, one for each element that `shard` returned.
        """
        if self.size == 1:
            return list(results)
        parts: list[Sequence[Item]] = []
        dist.all_gather_object(parts, list(results))
        return interleave(parts)


def interleave(parts: Sequence[Sequence[Item]]) -> list[Item]:
    """Returns the elements of all parts in the order that they had before `ProcessGroup.shard`.

    Args:
        parts: Elements of each process, in the order of the ranks.

    Example:
        >>> interleave([ProcessGroup(rank, 3).shard("abcdefgh") for rank in range(3)])
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    """
    return [part[n] for n in range(len(parts[0])) for part in parts if n < len(part)]
