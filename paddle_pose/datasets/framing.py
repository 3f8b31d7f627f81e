"""Framing: which windows on an image a network is shown."""

from __future__ import annotations

from collections.abc import Iterable

from paddle_pose.geometry import box_window
from paddle_pose.structures import AnnotatedImage, Sample


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
