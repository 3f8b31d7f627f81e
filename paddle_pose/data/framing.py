"""Framing: which windows on an image a network is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from paddle_pose.geometry import box_window, whole_image_window
from paddle_pose.io.images import stored_size
from paddle_pose.structures import AnnotatedImage, Person, Sample


def one_per_person(
    images: Iterable[AnnotatedImage], input_size: tuple[int, int], context: float = 1.25
) -> list[Sample]:
    """Returns a sample per person, in the order of the annotation file (top-down).

    Args:
        images: annotated; crowd regions are left out.
        input_size: (width, height) of the network's input, whose aspect the windows take.
        context: how many times the person's box the window is.

    Source: SimpleBaseline (Xiao et al., ECCV 2018): 1.25.
    """
    samples = [
        Sample(image.image_id, image.path, box_window(person.box, input_size, context), (person,))
        for image in images
        for person in image.persons
        if not person.crowd
    ]
    return sorted(samples, key=lambda sample: sample.persons[0].annotation_id)


def one_per_central_person(
    images: Iterable[AnnotatedImage], input_size: tuple[int, int], context: float = 1.25
) -> list[Sample]:
    """Returns a sample per person, as `one_per_person`, that also holds everybody else in the image, the person first.

    Source: the crops of the original MoveNet, where one person is to be found among others.
    """
    images = list(images)
    everybody = {image.path: image.persons for image in images}
    samples = []
    for sample in one_per_person(images, input_size, context):
        (target,) = sample.persons
        others = (person for person in everybody[sample.image_path] if person is not target)
        samples.append(replace(sample, persons=(target, *others), central=True))
    return samples


def one_per_image(
    images: Iterable[AnnotatedImage], input_size: tuple[int, int], context: float = 1.0
) -> list[Sample]:
    """Returns a sample per image, in their order, with everybody in it: the whole image, letterboxed (bottom-up).

    Args:
        images: annotated; one without people is a sample, too.
        input_size: (width, height) of the network's input.
        context: how many times the image its window is.

    Raises:
        ValueError: If an image's annotations lack its size and its file does not tell it.
    """
    return [
        Sample(
            image.image_id,
            image.path,
            whole_image_window(image.size or stored_size(image.path), input_size).scaled(context),
            image.persons,
        )
        for image in images
    ]


def is_target(person: Person) -> bool:
    """Tells whether somebody is to be found: no crowd, and at least one joint is labelled."""
    return not person.crowd and bool((person.visible > 0).any())
