"""Several processes that train one network: the only file that knows about them.

    python -m paddle.distributed.launch --devices 0,1 train.py …            one process per GPU
    python -m paddle.distributed.launch --nproc_per_node 2 train.py …       on CPUs, through gloo

Every process sees its part of each batch and of the evaluation; Paddle's DataParallel averages their gradients. What is decided
(a step is bad, the run shall end, which weights are best) is decided by numbers that all of them have.

Source: `paddle.distributed` of Paddle 3.3. The GPU path follows its documented API; it has not been measured by this project.
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
    """The processes of a training; the usual one is alone.

    Attributes:
        rank: number of this process; 0 writes what is written.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        """States who this is among how many; see `start`."""
        self.rank, self.size = rank, size

    @classmethod
    def start(cls, device: str = "auto") -> ProcessGroup:
        """Meets the other processes that `paddle.distributed.launch` has started, if it has.

        Args:
            device: "cpu" lets them meet through gloo where there are GPUs, too.
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
        """Tells whether this process is the one that writes."""
        return self.rank == 0

    def on_main(self, do: Callable[[], Item]) -> Item:
        """Lets the first process do something before the others go on; returns its result in all of them."""
        done = [do()] if self.is_main else [None]
        if self.size > 1:
            dist.broadcast_object_list(done, 0)
        return done[0]  # type: ignore[return-value]

    def synchronised(self, model: paddle.nn.Layer) -> paddle.nn.Layer:
        """Returns a network whose batch normalisation looks at the batches of all GPUs; Paddle has none of that for CPUs."""
        on_gpus = self.size > 1 and paddle.get_device().startswith("gpu")
        return paddle.nn.SyncBatchNorm.convert_sync_batchnorm(model) if on_gpus else model

    def parallel(self, model: paddle.nn.Layer) -> paddle.nn.Layer:
        """Returns what to run a network through, so that backward averages the gradients of all processes."""
        return paddle.DataParallel(model) if self.size > 1 else model

    def accumulating(self, parallel: paddle.nn.Layer, more: bool) -> Any:
        """Returns the context of a backward: gradients wait for the last one of a step before they are averaged."""
        return parallel.no_sync() if more and self.size > 1 else nullcontext()

    def mean(self, numbers: paddle.Tensor) -> paddle.Tensor:
        """Returns the mean of a tensor over all processes."""
        if self.size > 1:
            dist.all_reduce(numbers)
            numbers = numbers / self.size
        return numbers

    def largest(self, number: int) -> int:
        """Returns the largest of a whole number of each process."""
        if self.size == 1:
            return number
        largest = paddle.to_tensor([number])
        dist.all_reduce(largest, dist.ReduceOp.MAX)
        return int(largest.item())

    def broadcast(self, tensors: Iterable[paddle.Tensor]) -> None:
        """Gives tensors the values they have in the first process."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def shard(self, blocks: Sequence[Item]) -> Sequence[Item]:
        """Returns this process's share: every `size`-th block."""
        return blocks[self.rank :: self.size]

    def gather(self, found: Sequence[Item]) -> list[Item]:
        """Returns what all processes found for their `share` of blocks, in the order of all blocks; nothing twice."""
        if self.size == 1:
            return list(found)
        parts: list[Sequence[Item]] = []
        dist.all_gather_object(parts, list(found))
        return in_turn(parts)


def in_turn(parts: Sequence[Sequence[Item]]) -> list[Item]:
    """Returns the order that was before `ProcessGroup.shard`.

    Example:
        >>> in_turn([ProcessGroup(rank, 3).shard("abcdefgh") for rank in range(3)])
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    """
    return [part[n] for n in range(len(parts[0])) for part in parts if n < len(part)]
