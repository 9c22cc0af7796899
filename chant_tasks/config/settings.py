"""Where the settings are, and what holds where there are none; reading them takes a parser, which few commands need."""

import os
from pathlib import Path

from chant_tasks.config.model import Config


def load_config(folder: Path, home: Path) -> Config:
    """Return the settings of the `.chant` folder `folder`, key by key above those of the user whose home is `home`.

    Raises ConfigError, with all that is wrong with the files.
    """
    users, projects, agents = home / ".config" / "chant" / "config.md", folder / "config.md", folder / "agents.md"
    if not any(map(os.path.lexists, (users, projects, agents))):
        return Config()
    from chant_tasks.config.load import load_layers  # here: it loads a YAML parser

    return load_layers(users, projects, agents)
