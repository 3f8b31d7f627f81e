"""Runs `paddle_pose prepare_coco` under the name that articles use (spelled like this); `--help` explains it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paddle_pose.cli import run

if __name__ == "__main__":
    run("prepare_coco")
