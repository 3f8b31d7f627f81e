"""Runs `paddle_pose.commands.val`; `python val.py --help` explains it."""

from paddle_pose.environment import run

if __name__ == "__main__":
    run("val")
