"""Trains a network: the command `paddle-pose train`; see `python train.py --help`."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("train")
