"""`mwanga`, also `python -m bot`: makes sure that the packages it is about to import are ours, then runs."""

import io
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from bot.cli.lasting import lasting

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    for name in ("handlers", "models"):
        spec = find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parent.parent != ROOT:
            sys.exit(f"Another package called {name!r} is installed. Run Mwanga in a virtual environment of its own.")
    with lasting():
        from bot.cli.main import cli  # noqa: PLC0415 - only after the check above

    os.umask(0o077)  # databases, backups and files of secrets are for the user alone who makes them
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot write is no reason to break off
        sys.stdout.reconfigure(errors="replace")
    cli(prog_name="mwanga")


if __name__ == "__main__":
    main()
