"""Person detectors, without Paddle: functions from an image to boxes and scores of people."""
