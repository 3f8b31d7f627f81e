"""Runs `paddle_pose predict`; `python predict.py --help` explains it."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("predict")
