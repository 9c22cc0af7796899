"""What a checked out file depends on beside its commit, and what speaks against keeping worktrees at all."""

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.git.runner import Git
from chant_tasks.values import dataclass

_NAMES = (
    r"^(core\.(autocrlf|eol|safecrlf|symlinks|filemode|ignorecase|precomposeunicode|attributesfile|checkstat|trustctime"
    r"|bigfilethreshold|sparsecheckout|splitindex|fsmonitor|worktree|bare)|filter\..*|extensions\..*|index\..*)$"
)
# Each lets git take files as unchanged without looking, leave some out, or look elsewhere.
_HINDRANCES = ("core.sparsecheckout", "core.splitindex", "core.fsmonitor", "core.worktree", "extensions.worktreeconfig")
_FILES = ("config.worktree", "info/sparse-checkout")  # a new worktree gets a copy of each
_NO = ("false", "no", "off", "0")
_REFS = "extensions.refstorage"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATUS = Path("/proc/self/status")
_SYSTEM_ATTRIBUTES = Path("/etc/gitattributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """`key` stands for all that decides what a checkout of a commit looks like; `hindrance` says why no worktree can be
    kept here, "" where one can."""

    key: str
    hindrance: str = ""


def load_conditions(git: Git, git_dir: Path, common_dir: Path) -> Conditions:
    """The conditions now; one start of git. Raises GitError."""
    if sys.platform != "linux" or not _BOOT.is_file():
        return Conditions(key="", hindrance="only Linux tells whether a process is still in a worktree")
    if shutil.which("find") is None:
        return Conditions(key="", hindrance="there is no `find`")
    listed = git.run("config", "--get-regexp", "--null", _NAMES, ok=(0, 1)).fields
    settings = {name: value for name, _, value in (field.partition("\n") for field in listed)}
    found = [name for name in _FILES if (git_dir / name).exists() or (common_dir / name).exists()]
    hindrance = find_hindrance(settings) or (f"{found[0]} is there" if found else "")
    return Conditions(key=_find_key(listed, _find_attributes(settings, common_dir)), hindrance=hindrance)


def load_stamp(git_dir: Path, common_dir: Path) -> tuple[int, ...]:
    """What is another once a file was edited that decides on the conditions; a file that settings include is not
    seen."""
    user, named = _find_user_folder(), os.environ.get("GIT_CONFIG_GLOBAL")
    settings = (named,) if named else (f"{user}/config", os.path.expanduser("~/.gitconfig"))  # noqa: PTH111
    attributes = (f"{common_dir}/info/attributes", f"{user}/attributes")
    own = (f"{folder}/{name}" for folder in (git_dir, common_dir) for name in _FILES)
    return tuple(map(_load_time, (f"{common_dir}/config", *settings, *attributes, *own)))


def _load_time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116  # asked often, hence of text
    except OSError:
        return 0


def _find_user_folder() -> str:
    return f"{os.path.expanduser(os.environ.get('XDG_CONFIG_HOME') or '~/.config')}/git"  # noqa: PTH111


def find_hindrance(settings: Mapping[str, str]) -> str:
    """Which of git's settings keeps worktrees from being kept; "" where none does."""
    if settings.get(_REFS, "files") != "files":  # a worktree's HEAD is no file then
        return f"{_REFS} is {settings[_REFS]}"
    on = (name for name in _HINDRANCES if settings.get(name, "false").lower() not in _NO)
    return next((f"{name} is set" for name in on), "")


def load_umask() -> int:
    """What this process takes from the modes of what it makes. (`os.umask` would change it, for all threads.)"""
    lines = _STATUS.read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Umask:")), 8)


def _find_attributes(settings: Mapping[str, str], common_dir: Path) -> tuple[Path, ...]:
    """Where attributes are set beside the commit's own: for the repository, its user, and everybody."""
    users = f"{_find_user_folder()}/attributes"
    named = os.path.expanduser(settings.get("core.attributesfile", users))  # noqa: PTH111  # raises nothing
    return (common_dir / "info" / "attributes", Path(named), _SYSTEM_ATTRIBUTES)


def _find_key(listed: tuple[str, ...], attributes: tuple[Path, ...]) -> str:
    """Files of before the last start of the machine are not taken: nothing of them may have reached the disk."""
    parts = (
        _BOOT.read_bytes(),
        "\0".join(listed).encode("utf-8", "surrogateescape"),
        *(path.read_bytes() if path.is_file() else b"" for path in attributes),
        b"%o" % load_umask(),
        str(os.geteuid()).encode(),
    )
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:16]
