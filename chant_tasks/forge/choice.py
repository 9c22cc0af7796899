"""Which forge a project's pull requests are opened at."""

from typing import assert_never

from chant_tasks.config import ForgeKind, Remote
from chant_tasks.errors import ForgeError
from chant_tasks.forge.command import Command
from chant_tasks.forge.contract import Forge
from chant_tasks.forge.github import GitHub, find_host
from chant_tasks.forge.gitlab import GitLab


def require_forge(settings: Remote, address: str) -> Forge:
    """The forge that is set, else the one that the remote's address tells. Raises ForgeError where neither does."""
    match settings.provider or _find_kind(settings, address):
        case ForgeKind.GITHUB:
            return GitHub()
        case ForgeKind.GITLAB:
            return GitLab()
        case ForgeKind.COMMAND:
            if not settings.command:
                raise ForgeError("git.provider is command, and git.command names none (.chant/config.md)")
            return Command(settings.command)
        case None:
            raise ForgeError(
                f"{settings.remote}'s address does not tell which forge it is: set git.provider in .chant/config.md"
            )
        case unknown:
            assert_never(unknown)


def _find_kind(settings: Remote, address: str) -> ForgeKind | None:
    if settings.command:
        return ForgeKind.COMMAND
    host = find_host(address).lower()
    return next((kind for kind in (ForgeKind.GITHUB, ForgeKind.GITLAB) if kind.value in host), None)
