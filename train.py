"""Runs `paddle_pose train`; `python train.py --help` explains it."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("train")
