"""Files and media: images, videos, annotations, archives, downloads. No neural network, no Paddle."""
