"""Where things are on this machine, as the files need to know that `mwanga init` and `mwanga setup` write."""

import sys
from pathlib import Path


def program() -> Path:
    """The `mwanga` command of the virtual environment that runs."""
    return Path(sys.executable).with_name("mwanga")
