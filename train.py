"""Runs `paddle_pose.commands.train`; `python train.py --help` explains it."""

from paddle_pose.environment import run

if __name__ == "__main__":
    run("train")
