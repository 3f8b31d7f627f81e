"""Person detectors: an image in, boxes and scores of people out, without Paddle."""
