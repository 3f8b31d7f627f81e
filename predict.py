"""Runs `paddle_pose.commands.predict`; `python predict.py --help` explains it."""

from paddle_pose.environment import run

if __name__ == "__main__":
    run("predict")
