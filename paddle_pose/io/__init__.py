"""Files and media: images, videos, annotations, archives, downloads; no networks, no Paddle."""
