"""`doit spec-doctor --agents`: every agent looked over, before specs depend on it."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from doit.exceptions import InvalidCommand

from chant_tasks.agents.look import Look
from chant_tasks.agents.look_over import Surroundings, look_over
from chant_tasks.agents.subjects import Candidate, list_candidates
from chant_tasks.config import Config, load_config
from chant_tasks.config.provider_names import INSTALL
from chant_tasks.config.value import suggest
from chant_tasks.doit_plugin.screens.agents_screen import render_looks, render_looks_count, render_looks_json
from chant_tasks.doit_plugin.screens.terminal import load_style, write_line, write_story
from chant_tasks.project import find_specs_root, require_project


def work_agents(names: Sequence[str], *, as_json: bool) -> int:
    """Look the named agents over (none: all), print what was found, and return 1 where one in use cannot be used.

    Raises ChantError where the settings cannot be read, InvalidCommand for a name that there is not.
    """
    candidates = choose(names, list_candidates(load_settings(Path.cwd()), shutil.which))
    looks = [found if isinstance(found, Look) else _look(found) for found in candidates]
    if as_json:
        write_line(sys.stdout, render_looks_json(looks))
    else:
        for line in render_looks(looks, load_style(sys.stdout)):
            write_line(sys.stdout, line)
    if not looks:
        write_story(
            sys.stdout,
            [f"no agent is on PATH: {', '.join(INSTALL)}", "  docs/reference/providers.md says how to get one"],
        )
        return 1
    write_story(sys.stdout, [render_looks_count(looks)])
    return 1 if any(look.subject.is_used and not look.is_usable for look in looks) else 0


def choose(names: Sequence[str], candidates: Sequence[Candidate | Look]) -> Sequence[Candidate | Look]:
    """Return those that are named by agent or account, all where nothing is named. Raises InvalidCommand."""
    known = {word for found in candidates for word in (found.subject.name, found.subject.account) if word}
    for name in names:
        if name not in known:
            near = suggest(name, sorted(known))
            there = f"there are: {', '.join(sorted(known))}" if known else "there is none"
            raise InvalidCommand(f"spec-doctor --agents: no agent `{name}` is installed or set{near}; {there}.")
    return [found for found in candidates if not names or {found.subject.name, found.subject.account} & set(names)]


def load_settings(folder: Path) -> Config:
    """The settings of the project around `folder`, of the user alone where there is none. Raises ConfigError."""
    root = find_specs_root(folder)
    settings = require_project(root).settings_folder if root is not None else folder / ".chant"
    return load_config(settings, Path.home())


def _look(candidate: Candidate) -> Look:
    around = Surroundings(
        environ={**os.environ, **candidate.env},
        home=Path.home(),
        tell=lambda text: write_story(sys.stdout, [text]),
    )
    return look_over(candidate.provider, candidate.settings, candidate.subject, around)
