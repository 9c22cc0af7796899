"""Opening a pull request, or bringing the one that is open up to date: never two for one branch."""

from collections.abc import Mapping
from pathlib import Path

from chant_tasks.errors import ForgeError
from chant_tasks.forge.contract import Call, Forge, PullRequest, Wanted
from chant_tasks.forge.rest import find_complaint
from chant_tasks.program import Launch, Patience, run_program
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

_LONGEST_WORDS = 200
_NOBODY = (b"HTTP 401", b"401 Unauthorized", b"auth login")  # what they say of somebody whom they do not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a forge's command is started: in the checkout, for it finds the repository by its remotes."""

    forge: Forge
    folder: Path
    environ: Mapping[str, str]
    patience: Patience


def apply_pull_request(desk: Desk, wanted: Wanted) -> PullRequest:
    """The branch's pull request, open and as it shall be. Raises ForgeError.

    A crash between opening one and writing that down is why the forge is asked first, each time.
    """
    look = desk.forge.plan_look(wanted)
    found = desk.forge.parse_look(_run(desk, look), wanted) if look is not None else None
    call = desk.forge.plan_update(wanted, found) if found is not None else desk.forge.plan_open(wanted)
    return desk.forge.parse_made(_run(desk, call))


def _run(desk: Desk, call: Call) -> str:
    name = desk.forge.name
    environment = {**desk.environ, **desk.forge.variables}
    launch = Launch(argv=call.argv, cwd=desk.folder, environment=environment, stdin=call.stdin.encode())
    try:
        done = run_program(launch, desk.patience)
    except OSError as error:
        why = "is not installed" if isinstance(error, FileNotFoundError) else f"cannot be started: {error.strerror}"
        raise ForgeError(f"{name}, which opens the pull requests, {why}") from error
    if done.was_ended:
        raise ForgeError("the run was stopped" if desk.patience.is_stopped() else f"{name} did not end in time")
    answer = done.stdout.decode("utf-8", "replace")
    if done.status != 0:
        words = find_complaint(answer) or render_excerpt(done.first_line, _LONGEST_WORDS) or f"status {done.status}"
        is_unknown = any(word in done.stderr for word in _NOBODY)
        raise ForgeError(f"{name}: {words.removeprefix(f'{name}: ')}", desk.forge.login if is_unknown else "")
    return answer
