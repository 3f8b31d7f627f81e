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
    """Returns one sample per person, sorted by `annotation_id` (top-down).

    Args:
        images: Annotated images. Crowd regions are left out; people without a labelled joint are
            not, unless the reader marked them as crowds, as `read_coco` does.
        input_size: (width, height) of the network's input in px; windows get its aspect ratio.
        context: Factor on the width and the height of the person's box after the box was extended
            to the aspect ratio of the input; see `geometry.box_window`.

    Returns:
        Samples with one person each and a window in image px around the centre of the person's box.

    Source: SimpleBaseline (Xiao et al., ECCV 2018) for the context of 1.25.
    """
    samples = [
        Sample(
            image.image_id,
            image.path,
            box_window(person.box, input_size, context),
            (person,),
            upright_rule=image.upright_rule,
        )
        for image in images
        for person in image.persons
        if not person.crowd
    ]
    return sorted(samples, key=lambda sample: sample.persons[0].annotation_id)


def one_per_central_person(
    images: Iterable[AnnotatedImage], input_size: tuple[int, int], context: float = 1.25
) -> list[Sample]:
    """Returns one sample per person that also contains the other people of the image.

    Args:
        images: Annotated images; crowd regions get no window of their own.
        input_size: (width, height) of the network's input in px; windows get its aspect ratio.
        context: Factor on the person's box, as for `one_per_person`.

    Returns:
        The samples of `one_per_person` with `central` True and all people and crowds of the image:
        the person of the window first, then the others in the order of `AnnotatedImage.persons`.

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
        input_size: (width, height) of the network's input in px; windows get its aspect ratio.
        context: Factor on the width and the height of the letterboxed window.

    Returns:
        Samples in the order of `images`, with windows in image px around the centre of the image,
        and with all people and crowds.

    Raises:
        FileNotFoundError: If the annotations do not state an image's size and its file is missing.
        InputError: If the annotations do not state an image's size and its file is not an image.
    """
    return [
        Sample(
            image.image_id,
            image.path,
            whole_image_window(image.size or stored_size(image.path), input_size).scaled(context),
            image.persons,
            upright_rule=image.upright_rule,
        )
        for image in images
    ]


def is_target(person: Person) -> bool:
    """Returns whether a person must be found: the record is no crowd and has a labelled joint.

    Args:
        person: Annotated person or crowd region.
    """
    return not person.crowd and bool((person.visible > 0).any())
