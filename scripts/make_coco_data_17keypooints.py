"""Runs `paddle-pose prepare_coco` under fire717's name of the script (with its spelling)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paddle_pose.cli import run

if __name__ == "__main__":
    run("prepare_coco")
