"""Human pose estimation with PaddlePaddle: windows on an image, maps read back into poses."""

__version__ = "0.1.0"
