"""Predicts poses in images and videos: `paddle-pose predict`; see `python predict.py --help`."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("predict")
