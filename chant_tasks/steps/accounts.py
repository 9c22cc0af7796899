"""Taking an account for an agent, waiting for one, and letting one rest on which an agent was refused.

Rests stand in the journal (`accounts/<name>.json`), so that every doit keeps to them; the places of an account that may
have only so many agents at once are locks, which all doit share, too.
"""

import random
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from chant_tasks.agents.accounts import (
    Choice,
    Rest,
    Standing,
    Turn,
    choose_account,
    find_choice,
    find_choices,
    find_rest,
    parse_rest,
    plan_rest,
    render_rest,
    render_wait,
)
from chant_tasks.agents.contract import Finished, GaveUp, Outcome, Postponed
from chant_tasks.errors import AgentError
from chant_tasks.events import AgentWaits, Notice
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.locks import Lock, find_account_lock
from chant_tasks.spec.model import Spec
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An account in the hands of one agent: `run` is the run with its settings and environment, `key` its name in the
    journal. Leaving the `with` block gives it back."""

    run: SpecRun
    key: str
    lock: Lock | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.run.desk.end(self.run.account)
        if self.lock is not None:
            self.lock.release()


def find_runs(run: SpecRun, spec: Spec) -> tuple[SpecRun, ...]:
    """The run as it is for each account that may work the spec. Raises AgentError where nothing can work it."""
    return tuple(_run_as(run, choice) for choice in find_choices(spec, run.config, shutil.which))


def find_account_run(run: SpecRun, name: str) -> SpecRun:
    """The run as it is for the account `name`; the run itself where there is no such account (any more)."""
    for account in run.config.parallel.agents:
        if account.name == name:
            with suppress(AgentError):
                return _run_as(run, find_choice(account, run.config, lambda command: command))
    return run


def say_unusable_accounts(run: SpecRun) -> None:
    """Tell which of the listed accounts no agent can work on, and why."""
    for account in run.config.parallel.agents:
        try:
            find_choice(account, run.config, shutil.which)
        except AgentError as error:
            run.emit(Notice(spec="", text=f"the account {account.name} is not used: {error.reason}"))


def wait_for_account(run: SpecRun, attempt: Attempt) -> Lease | None:
    """The account that the attempt's agent works on, once one is free; None where the run was stopped meanwhile.

    Raises AgentError where there is none at all.
    """
    choices, told = find_choices(attempt.spec, run.config, shutil.which), ""
    while not run.stop.is_set():
        taken = _take(run, attempt, choices)
        if isinstance(taken, Lease):
            return taken
        with run.lend():
            while taken and not run.stop.is_set():
                if taken != told:
                    run.emit(AgentWaits(spec=attempt.spec.id, text=taken))
                    told = taken
                run.stop.wait(_POLL_SECONDS)
                taken = _find_wait(run, attempt, choices)
    return None


def find_rest_words(run: SpecRun, spec: Spec) -> str:
    """What an agent for the spec would have to wait for, where every account rests that could work it; else ""."""
    try:
        choices = find_choices(spec, run.config, shutil.which)
    except AgentError:  # that is said where it is worked
        return ""
    turn, standings = _plan_turn(run, None), _load_standings(run, choices)
    if any(find_rest(standing, turn.now) is None for standing in standings.values()):
        return ""
    return render_wait([choice.account for choice in choices], standings, turn)


def note_outcome(run: SpecRun, lease: Lease, outcome: Outcome) -> None:
    """Let the account rest on which an agent was refused; one on which an agent came to its end has no rest behind it
    any more. A journal that cannot be written costs a refusal more, and nothing else."""
    with run.desk.lock, suppress(OSError):
        path, before = _find_path(run, lease.key), _load_rest(run, lease.key)
        now = run.clock()
        if isinstance(outcome, Postponed):
            save_whole(path, render_rest(plan_rest(before, outcome, run.config.limits, now)))
        elif isinstance(outcome, Finished | GaveUp) and before is not None and before.until <= now:
            path.unlink(missing_ok=True)


def _take(run: SpecRun, attempt: Attempt, choices: Sequence[Choice]) -> Lease | str:
    """An account, taken; or in words what is to be waited for."""
    with run.desk.lock:
        found = _find_open(run, attempt, choices)
        if isinstance(found, str):
            return found
        choice, lock = found
        run.desk.begin(choice.account.name)
        return Lease(run=_run_as(run, choice), key=choice.key, lock=lock)


def _find_wait(run: SpecRun, attempt: Attempt, choices: Sequence[Choice]) -> str:
    """What is to be waited for, in words; "" where an account can be taken."""
    with run.desk.lock:
        found = _find_open(run, attempt, choices)
        if isinstance(found, str):
            return found
        _, lock = found
        if lock is not None:
            lock.release()
        return ""


def _find_open(run: SpecRun, attempt: Attempt, choices: Sequence[Choice]) -> tuple[Choice, Lock | None] | str:
    """An account for the attempt, with the lock of its place where it has only so many; or what is to be waited for."""
    accounts, by_name = [choice.account for choice in choices], {choice.account.name: choice for choice in choices}
    turn = _plan_turn(run, attempt.record.account if attempt.record.session else None)
    standings = _load_standings(run, choices)
    while (chosen := choose_account(accounts, standings, turn)) is not None:
        choice = by_name[chosen.name]
        if chosen.max_concurrent is None:
            return choice, None
        lock = find_account_lock(run.overview.project.journal_folder, choice.key, chosen.max_concurrent)
        if lock is not None:
            return choice, lock
        standings[chosen.name] = replace(standings[chosen.name], is_full=True)
    return render_wait(accounts, standings, turn)


def _plan_turn(run: SpecRun, own: str | None) -> Turn:
    rotation = run.config.defaults.rotation_strategy
    return Turn(rotation=rotation, now=run.clock(), draw=random.random(), own=own)


def _load_standings(run: SpecRun, choices: Sequence[Choice]) -> dict[str, Standing]:
    return {
        choice.account.name: Standing(
            working=run.desk.working[choice.account.name],
            started=run.desk.started[choice.account.name],
            rest=_load_rest(run, choice.key),
        )
        for choice in choices
    }


def _load_rest(run: SpecRun, key: str) -> Rest | None:
    try:
        return parse_rest(_find_path(run, key).read_bytes())
    except OSError:
        return None


def _find_path(run: SpecRun, key: str) -> Path:
    return run.overview.project.journal_folder / "accounts" / f"{quote(key, safe='')}.json"


def _run_as(run: SpecRun, choice: Choice) -> SpecRun:
    env = {name: _expand(value, run.environ) for name, value in choice.account.env.items()}
    return replace(run, config=choice.config, environ={**run.environ, **env}, account=choice.account.name)


def _expand(value: str, environ: Mapping[str, str]) -> str:
    """The value with a `~` at its beginning as the home folder: no shell reads the config."""
    home = environ.get("HOME", "")
    return f"{home}{value[1:]}" if home and (value == "~" or value.startswith("~/")) else value
