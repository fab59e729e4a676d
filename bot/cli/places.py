"""Where things are on this machine, as the files need to know that `mwanga init` and `mwanga setup` write."""

import os
import sys
from pathlib import Path

from bot import setting_files
from bot.cli.prompt import CONFIG_FILE
from bot.config import Config


def program() -> Path:
    """The `mwanga` command of the virtual environment that runs."""
    return Path(sys.executable).with_name("mwanga")


def new_config_file() -> Path:
    """Where `mwanga init` writes: where the others would look first."""
    named = CONFIG_FILE.get() or os.environ.get(setting_files.CONFIG)
    return Path(named) if named else setting_files.HERE


def config_file(config: Config) -> Path:
    """The file of the configuration, or where a server's is to be."""
    return (config.file or setting_files.OF_SYSTEM).absolute()
