"""What every test runs in: a git, a home and a locale that nothing of this machine or its user reaches."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from chant_tasks.git.runner import _base_environment

# A busy machine is no reason for a property to fail, and neither is chance: whoever has changed something else gets the
# examples that held before. `--hypothesis-profile=chance` looks for others.
settings.register_profile("chance", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tests", settings.get_profile("chance"), derandomize=True)
settings.load_profile("tests")

# A shell lets what it starts in the background ignore Ctrl-C, and then so would every doit that a test sends one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# So does `nohup` with hangups. A function of ours is not handed down to what is started; pytest itself stays deaf.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# Tests make and remove ten thousands of files and wait for each to be on the disk: in memory that takes half the time.
# A container may have 64 MB there.
_IN_MEMORY, _ROOM = Path("/dev/shm"), 2 << 30
if os.access(_IN_MEMORY, os.W_OK):
    _facts = os.statvfs(_IN_MEMORY)
    if not _facts.f_flag & os.ST_NOEXEC and _facts.f_bavail * _facts.f_frsize >= _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))

_GIT_CONFIG = """\
[user]
\tname = Ann Author
\temail = ann@example.com
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
"""
_DROPPED = ("GIT_", "GH_", "GITHUB_", "GITLAB_", "CHANT_", "ANTHROPIC_", "CLAUDE", "XDG_", "LC_", "DOIT_")


@pytest.fixture(scope="session", autouse=True)
def hermetic_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home that all tests share; a test that changes the environment must `forget_environment` twice."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(_GIT_CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_DROPPED)]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("HOME", str(home))
        patch.setenv("LC_ALL", "C.UTF-8")
        forget_environment()
        yield home
    forget_environment()


def forget_environment() -> None:
    """Let our git calls see what the environment is now: they keep what it was at the first of them."""
    _base_environment.cache_clear()
