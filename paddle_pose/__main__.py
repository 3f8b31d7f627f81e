"""Entry point of `python -m paddle_pose COMMAND ...`."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run()
