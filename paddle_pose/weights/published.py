"""Which weights others have published: where, with which checksum, and the numbers they report.

Source: MMPose's model zoo, hourglass_mpii.md. OpenMMLab's file names hold the first eight digits of
    the file's SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class PublishedFile:
    """A weights file on somebody else's server.

    Attributes:
        name: how we refer to it.
        url: where its publisher offers it.
        sha256: hexadecimal checksum, or the first digits of it where no more is published.
        config: the configuration it belongs to.
        published: (metric, value) as its publisher reports them; not measured by this project.
        protocol: how the publisher measured them.
        source: the page that says so.
    """

    name: str
    url: str
    sha256: str
    config: str
    published: tuple[tuple[str, float], ...]
    protocol: str
    source: str

    @property
    def file_name(self) -> str:
        """The last part of the URL."""
        return PurePosixPath(self.url).name


_HOURGLASS = "https://download.openmmlab.com/mmpose/top_down/hourglass/"
_MPII_PROTOCOL = (
    "MPII val, 2958 people, PCKh in %; annotated boxes, flip test with mirrored heatmaps shifted "
    "by one cell, quarter-cell refinement; as published by MMPose, not measured by this project"
)
_MMPOSE_HOURGLASS = (
    "https://github.com/open-mmlab/mmpose/blob/v0.29.0/configs/body/2d_kpt_sview_rgb_img/"
    "topdown_heatmap/mpii/hourglass_mpii.md"
)

PUBLISHED: dict[str, PublishedFile] = {
    file.name: file
    for file in (
        PublishedFile(
            name="mmpose_hourglass52_mpii_256",
            url=_HOURGLASS + "hourglass52_mpii_256x256-ae358435_20200812.pth",
            sha256="ae358435",
            config="hourglass52_mpii_256",
            published=(("Mean", 88.9), ("Mean@0.1", 31.7)),
            protocol=_MPII_PROTOCOL,
            source=_MMPOSE_HOURGLASS,
        ),
        PublishedFile(
            name="mmpose_hourglass52_mpii_384",
            url=_HOURGLASS + "hourglass52_mpii_384x384-04090bc3_20200812.pth",
            sha256="04090bc3",
            config="hourglass52_mpii_384",
            published=(("Mean", 89.4), ("Mean@0.1", 36.6)),
            # the pages of MMPose 1.x say 36.7: the same file, scored again by newer code
            protocol=_MPII_PROTOCOL,
            source=_MMPOSE_HOURGLASS,
        ),
    )
}
