"""Commands: a module per command, whose parser needs only the standard library.

So `--help` is fast and works without the required packages.
"""

import sys
from typing import NoReturn

_OLD_PYTHON = """error: this is Python {}.{} ({}); paddle_pose needs Python 3.10 to 3.13.
Use a newer Python, for example: python3.12 train.py ..., or PYTHON=python3.12 make demo
"""


def run(command: "str | None" = None) -> "NoReturn":
    """Runs a command with the arguments of this process, and ends the process.

    Args:
        command: Name of the command; None takes the first argument of the process.

    Raises:
        SystemExit: Always; with status 1 if this Python is too old, else as `main.execute` returns.
    """
    if sys.version_info[:2] < (3, 10):
        sys.stderr.write(_OLD_PYTHON.format(*sys.version_info[:2], sys.executable))
        sys.exit(1)
    from paddle_pose.cli.main import execute

    sys.exit(execute(command, sys.argv[1:]))
