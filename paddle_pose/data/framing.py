"""Framing: the choice of the windows on an image that become inputs of the network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from paddle_pose.geometry import box_window, whole_image_window
from paddle_pose.io.images import stored_size
from paddle_pose.structures import AnnotatedImage, Person, Sample


def one_per_person(
    images: Iterable[AnnotatedImage], input_size: tuple[int, int], context: float = 1.25
) -> list[Sample]:
    """Returns one sample per person, in the order of the annotation file (top-down).

    Args:
        images: Annotated images; crowd regions are left out.
        input_size: (width, height) of the network's input in px; windows get its aspect ratio.
        context: Size of a window relative to the person's box.

    Returns:
        Samples with one person each and its window in image px, sorted by `annotation_id`.

    Source: SimpleBaseline (Xiao et al., ECCV 2018) for the context of 1.25.
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
    """Returns one sample per person that also contains the other people of its image.

    Args:
        images: Annotated images; crowd regions get no window of their own.
        input_size: (width, height) of the network's input in px; windows get its aspect ratio.
        context: Size of a window relative to the person's box.

    Returns:
        The samples of `one_per_person`, each with all people and crowds of its image: the person of
        the window first, then the others in their order. `central` is True.

    Source: The crops of the original MoveNet, in which one central person must be found among
        others.
    """
    images = list(images)
    persons_by_image = {image.path: image.persons for image in images}
    samples = []
    for sample in one_per_person(images, input_size, context):
        (target,) = sample.persons
        others = (person for person in persons_by_image[sample.image_path] if person is not target)
        samples.append(replace(sample, persons=(target, *others), central=True))
    return samples


def one_per_image(
    images: Iterable[AnnotatedImage], input_size: tuple[int, int], context: float = 1.0
) -> list[Sample]:
    """Returns one sample per image: the whole image, letterboxed, with all its people (bottom-up).

    Args:
        images: Annotated images; images without people give a sample, too.
        input_size: (width, height) of the network's input in px.
        context: Size of a window relative to the image.

    Returns:
        Samples in the order of `images`, with windows in image px and with crowds.

    Raises:
        ValueError: If the annotations do not state an image's size and its file cannot be read.
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
    """Returns whether a person must be found: it is no crowd and has a labelled joint."""
    return not person.crowd and bool((person.visible > 0).any())
