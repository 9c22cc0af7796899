"""Which version each agent's program told of itself, so that it is asked once and not for each spec.

`versions.json` in the journal: a program's path to its size, the time it was written, and its version.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.journal.files import save_whole
from chant_tasks.values import dataclass

_NAME = "versions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program as it is on disk: its path without links, its size, and when it was written."""

    path: str
    size: int
    written_ns: int


def load_program(path: Path) -> Program:
    """The program as it is now. Raises OSError where it is not there."""
    real = path.resolve(strict=True)
    facts = real.stat()
    return Program(path=str(real), size=facts.st_size, written_ns=facts.st_mtime_ns)


def load_versions(journal: Path) -> Mapping[Program, str]:
    """The version of each program that was asked; none where the file is damaged."""
    try:
        values = json.loads((journal / _NAME).read_bytes())
        return {
            Program(path=path, size=int(of["size"]), written_ns=int(of["written_ns"])): str(of["version"])
            for path, of in values.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def save_version(journal: Path, program: Program, version: str) -> None:
    """Keep a program's version, in the place of what an earlier one at that path told. Raises OSError."""
    others = {found: told for found, told in load_versions(journal).items() if found.path != program.path}
    values = {
        found.path: {"size": found.size, "written_ns": found.written_ns, "version": told}
        for found, told in {**others, program: version}.items()
    }
    save_whole(journal / _NAME, json.dumps(values, indent=1).encode("utf-8", "surrogateescape") + b"\n")
