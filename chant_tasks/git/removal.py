"""Removing folders that an agent had to itself: however deep they are, and whatever it forbade there."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

# Modes of folders alone: a file may be linked to one elsewhere, such as that of a package manager's store.
_SCRIPT = r'find "$@" -type d ! -perm -700 -exec chmod u+rwx {} \; ; exec rm -rf -- "$@"'


def plan_removal_command(folders: Iterable[Path]) -> tuple[str, ...]:
    """The command that removes these folders, also what is in those that may not be changed or read."""
    return ("sh", "-c", _SCRIPT, "rm", *map(os.fspath, folders))


def remove_tree(folder: Path) -> None:
    """Remove a folder that is there. Raises OSError with `folder` as its `filename` where something of it stays."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError) as error:
        command = plan_removal_command((folder,))
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if os.path.lexists(folder):
            number = (error.errno if isinstance(error, OSError) else None) or errno.ENOTEMPTY
            raise OSError(number, os.strerror(number), str(folder)) from error
