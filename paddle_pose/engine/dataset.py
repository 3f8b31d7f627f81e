"""The samples of a data set as a network receives them, for viewing and experiments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from paddle_pose import build, environment
from paddle_pose.configs import overrides as config_overrides
from paddle_pose.configs import registry
from paddle_pose.configs.specs import Config
from paddle_pose.data.dataset import PoseDataset, TrainingExample
from paddle_pose.engine.notebook import ImageGrid, draw_maps
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.io import images
from paddle_pose.structures import Poses, Sample


class Dataset:
    """The annotated samples of one split, in the form in which a network receives them.

    `dataset[i]` is the network's input of sample i with the annotated people, as a `PoseResult` in
    px of the input: the score of a labelled joint is 1, that of other joints 0. `len(dataset)` is
    the number of samples; it can be iterated. Images are read when they are asked for.

    Args:
        config: Name of the config of the network, or a config such as `PoseModel.config`.
        data: Folder of the data set; None if the config names annotation files.
        split: "train" or "val".
        overrides: New values of the config by dotted key, such as {"augment.rotation": 0.0}.

    Attributes:
        config: Config, with the new values.
        samples: The samples: path of the image, window, and annotated people in image px.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If the config is unknown, a key or value of `overrides` is invalid, or the data
            are invalid.

    Example:
        `ImageGrid(Dataset("hourglass52_mpii_256", "data/mpii", split="val")[:8], color="side")`
    """

    def __init__(
        self,
        config: str | Config,
        data: str | Path | None = None,
        *,
        split: str = "train",
        overrides: Mapping[str, object] | None = None,
    ) -> None:
        found = registry.find(config) if isinstance(config, str) else config
        self.config = config_overrides.override(found, overrides or {})
        self.samples: Sequence[Sample] = build.samples(self.config, data, split)

    @cached_property
    def _plain(self) -> PoseDataset:
        return PoseDataset(self.samples, self.config.codec)

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> PoseResult: ...

    @overload
    def __getitem__(self, index: slice) -> list[PoseResult]: ...

    def __getitem__(self, index: int | slice) -> PoseResult | list[PoseResult]:
        if isinstance(index, slice):
            return [self._result(self._plain.example(n)) for n in range(len(self))[index]]
        return self._result(self._plain.example(range(len(self))[index]))

    def __iter__(self) -> Iterator[PoseResult]:
        return (self._result(self._plain.example(n)) for n in range(len(self)))

    def augmented(self, index: int, epoch: int = 0) -> PoseResult:
        """Returns the input of a sample with the augmentation that training uses in an epoch.

        Args:
            index: Index of the sample.
            epoch: Number of the epoch, from 0; every epoch augments differently.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
        """
        train = self.config.train
        examples = PoseDataset(
            self.samples,
            self.config.codec,
            augment=self.config.augment,
            seed=train.seed,
            final_augment=self.config.final_augment,
            final_augment_epoch=train.final_augment_epoch,
        )
        return self._result(examples.example((epoch, range(len(self))[index])))

    def whole_image(self, index: int) -> PoseResult:
        """Returns the whole image of a sample, with the people of all samples in it.

        `boxes` are the annotated boxes, `windows` the inputs of the network, all in image px.

        Args:
            index: Index of the sample.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
        """
        sample = self.samples[index]
        pixels, _ = images.read(sample.image_path, upright_rule=sample.upright_rule)
        inside = [one for one in self.samples if one.image_id == sample.image_id]
        persons = {person.annotation_id: person for one in inside for person in one.persons}
        people = [person for person in persons.values() if not person.crowd]
        joints = self.config.codec.skeleton.num_joints
        poses = Poses(
            np.array([person.keypoints for person in people]).reshape(-1, joints, 2),
            np.array([person.visible > 0 for person in people], float).reshape(-1, joints),
            np.ones(len(people)),
            boxes=np.array([person.box for person in people], float).reshape(-1, 4),
            windows=np.array([one.window.box for one in inside], float),
        )
        return PoseResult(pixels, self.config.codec.skeleton, poses, path=sample.image_path)

    def targets(self, index: int) -> dict[str, np.ndarray]:
        """Returns the training targets of a sample by name, without augmentation.

        Args:
            index: Index of the sample.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
        """
        example = self._plain.example(range(len(self))[index])
        return dict(self.config.codec.encode(*example.people))

    def losses(self, index: int, outputs: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Returns the terms of the training loss by name for outputs of a network.

        Args:
            index: Index of the sample.
            outputs: Outputs for this sample by name, as `PoseModel.maps` returns them, without the
                batch axis. `targets`, which contain more than outputs, are outputs without error.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
            MissingDependencyError: If Paddle is not installed.
        """
        environment.require_paddle()
        maps = {name: outputs[name] for name in self.config.codec.outputs}
        return build.loss_terms(self.config, maps, self.targets(index))

    def draw_targets(
        self,
        index: int,
        titles: Sequence[str] | None = None,
        *,
        columns: int = 4,
        width: int = 800,
    ) -> ImageGrid:
        """Returns a drawing of the targets of a sample over the input, one image per map.

        Args:
            index: Index of the sample.
            titles: Titles of the maps to draw, such as names of joints; None draws all.
            columns: Number of maps in a row.
            width: Width of the drawing in px.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded, or there is no map with a title.
        """
        image = self._plain.example(range(len(self))[index]).image
        return draw_maps(image, self.config, self.targets(index), titles, columns, width)

    def _result(self, example: TrainingExample) -> PoseResult:
        keypoints, visible, boxes = example.people
        sample = self.samples[example.index]
        poses = Poses(keypoints, (visible > 0).astype(float), np.ones(len(keypoints)), boxes=boxes)
        return PoseResult(example.image, self.config.codec.skeleton, poses, path=sample.image_path)
