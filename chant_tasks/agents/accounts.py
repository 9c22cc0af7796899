"""Which account an agent works on: chosen from what each of them does now, and how long one rests after a refusal."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import PurePath
from typing import assert_never

from chant_tasks.agents.contract import ErrorClass, Postponed, Provider
from chant_tasks.agents.registry import PROVIDERS, find_provider
from chant_tasks.config import Account, Config, Pauses, Rotation
from chant_tasks.config.provider_names import Which, find_provider_name
from chant_tasks.errors import AgentError
from chant_tasks.spec.model import Spec
from chant_tasks.values import dataclass
from chant_tasks.words import render_some

_SOON = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """An account that no agent starts on until then; `times` is how many refusals there were in a row."""

    until: datetime
    error: ErrorClass
    times: int = 1

    @property
    def is_limit(self) -> bool:
        """Whether the account itself is used up, so that only another one could go on now."""
        return self.error is ErrorClass.USAGE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account does now: how many agents work on it, how many were started on it, whether there is room for one
    more, and how long it rests."""

    working: int = 0
    started: int = 0
    is_full: bool = False
    rest: Rest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An account is wanted `now`: `own` is the one that has the agent's session (None where there is none to lose),
    `draw` a random number from 0 up to 1."""

    rotation: Rotation
    now: datetime
    draw: float = 0.0
    own: str | None = None


def choose_account(accounts: Sequence[Account], standings: Mapping[str, Standing], turn: Turn) -> Account | None:
    """Return the account for the next agent, its own first; None where it has to wait for one."""
    free = [account for account in _list_asked(accounts, standings, turn) if _is_open(account, standings, turn.now)]
    own = next((account for account in free if account.name == turn.own), None)
    return own or (_rotate(free, standings, turn) if free else None)


def find_rest(standing: Standing, now: datetime) -> Rest | None:
    """Return the rest that lasts at the moment."""
    rest = standing.rest
    return rest if rest is not None and rest.until > now else None


def plan_rest(before: Rest | None, postponed: Postponed, pauses: Pauses, now: datetime) -> Rest:
    """Return how long an account rests on which an agent was refused; `before` is its last rest, over or not.

    Agents that are refused together count once. Of two ends the later one holds.
    """
    lasts = before is not None and before.until > now
    times = (before.times if lasts else before.times + 1) if before is not None else 1
    first = pauses.pause if postponed.error is ErrorClass.USAGE_LIMIT else pauses.backoff
    pause = min(first * 2 ** min(times - 1, 30), max(first, pauses.longest_pause))
    known = postponed.until if postponed.until is not None and postponed.until > now else None
    rest = Rest(until=known or now + timedelta(seconds=pause), error=postponed.error, times=times)
    if before is None or not lasts:
        return rest
    worst = before.error if before.is_limit else rest.error
    return replace(rest, until=max(rest.until, before.until), error=worst)


def render_wait(accounts: Sequence[Account], standings: Mapping[str, Standing], turn: Turn) -> str:
    """Return what an agent waits for that no account was found for, in words."""
    names = [account.name for account in _list_asked(accounts, standings, turn)]
    asked = [(name, find_rest(standings[name], turn.now)) for name in names]
    rests = [(rest, name) for name, rest in asked if rest is not None]
    busy = render_some(tuple(name for name, rest in asked if rest is None))
    if not rests:
        return f"waits for {busy} to be free"
    rest, name = min(rests, key=lambda found: found[0].until)
    whom = f"for {name} " if name else ""
    text = f"waits {whom}until {render_moment(rest.until, turn.now)} ({rest.error.value})"
    return f"{text}, or for {busy} to be free" if busy else text


def render_moment(moment: datetime, now: datetime) -> str:
    """Return a time of `now`'s zone as a person reads it: with seconds where it is near, with the day where it is not
    today."""
    local = moment.astimezone(now.tzinfo)
    if local.date() != now.date():
        return local.strftime("%Y-%m-%d %H:%M")
    return local.strftime("%H:%M:%S" if moment - now < _SOON else "%H:%M")


def render_rest(rest: Rest) -> bytes:
    """Return the rest as JSON."""
    values = {"until": rest.until.isoformat(), "error": rest.error.value, "times": rest.times}
    return json.dumps(values).encode() + b"\n"


def parse_rest(data: bytes) -> Rest | None:
    """Return the rest that `data` holds; None where it holds none (damaged, or a later version's)."""
    try:
        values = json.loads(data)
        until = datetime.fromisoformat(values["until"])
        return Rest(until=until.astimezone(), error=ErrorClass(values["error"]), times=int(values["times"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An account that an agent may work on, its provider, and the settings that hold there."""

    account: Account
    provider: Provider
    config: Config

    @property
    def key(self) -> str:
        """The name that its rests are kept under: agents that share a login rest together."""
        return self.account.name or self.provider.name


def find_choices(spec: Spec, config: Config, which: Which) -> tuple[Choice, ...]:
    """Return what may work a spec: accounts, or the one agent of a project that lists none for it.

    Accounts whose agent is not there are left out. Raises AgentError where nothing is left, with the first reason.
    """
    accounts = find_accounts(spec, config, which)
    if not accounts:
        provider = find_provider(find_provider_name(spec.provider, spec.run, config), config, which)
        return (Choice(account=Account(name=""), provider=provider, config=config),)
    choices, errors = [], []
    for account in accounts:
        try:
            choices.append(find_choice(account, config, which))
        except AgentError as error:
            errors.append(error)
    if not choices:
        raise errors[0]
    return tuple(choices)


def find_choice(account: Account, config: Config, which: Which) -> Choice:
    """Return an account with its provider and settings. Raises AgentError where its agent is not there."""
    own = plan_account_config(account, config, which)
    return Choice(account=account, provider=find_provider(own.defaults.provider, own, which), config=own)


def find_accounts(spec: Spec, config: Config, which: Which) -> tuple[Account, ...]:
    """Return the accounts that may work a spec; none where it is worked as if there were no list of accounts.

    Those of the provider and of the model that the spec names; where none is of that model, those that name none, and
    else any, which are asked for it. Raises AgentError where the project's own agent is asked for and there is none.
    """
    if find_provider_name(spec.provider, spec.run, config) == "script":
        return ()
    fitting = [
        account
        for account in config.parallel.agents
        if not spec.provider or find_account_provider(account, config, which) == spec.provider
    ]
    if not spec.model:
        return tuple(fitting)
    of_model = [account for account in fitting if account.model == spec.model]
    of_none = [account for account in fitting if account.model is None]
    return tuple(of_model or of_none or fitting)


def find_account_provider(account: Account, config: Config, which: Which) -> str:
    """Return the name of the provider that an account's agent is started by: its own, the one that its command is named
    after (`claude-work`), the project's. Raises AgentError where there is none."""
    if account.provider:
        return account.provider
    command = PurePath(account.command or "").name
    named = [name for name in PROVIDERS if name not in ("command", "script") and command.startswith(name)]
    return named[0] if named else find_provider(None, config, which).name


def plan_account_config(account: Account, config: Config, which: Which) -> Config:
    """Return the settings for an agent that works on an account. Raises AgentError where it has no provider, or its
    command cannot be read."""
    name = find_account_provider(account, config, which)
    settings = dict(config.providers.get(name, {}))
    if account.command and name == "command":
        settings["argv"] = _split(account)
    elif account.command:
        settings["executable"] = account.command
    if account.model:
        settings["model"] = account.model
    defaults = replace(config.defaults, provider=name)
    return replace(config, defaults=defaults, providers={**config.providers, name: settings})


def _split(account: Account) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(account.command or ""))
    except ValueError as error:
        raise AgentError(f"the command of the account `{account.name}` cannot be read: {error}") from error


def _list_asked(accounts: Sequence[Account], standings: Mapping[str, Standing], turn: Turn) -> Sequence[Account]:
    """The accounts that come into question. While an agent's own only rests from an error of its service, no other
    does: that would lose the session."""
    own = [account for account in accounts if account.name == turn.own]
    rest = find_rest(standings[own[0].name], turn.now) if own else None
    return own if rest is not None and not rest.is_limit else accounts


def _is_open(account: Account, standings: Mapping[str, Standing], now: datetime) -> bool:
    standing = standings[account.name]
    return not standing.is_full and find_rest(standing, now) is None


def _rotate(free: Sequence[Account], standings: Mapping[str, Standing], turn: Turn) -> Account:
    match turn.rotation:
        case Rotation.NONE:
            return free[0]
        case Rotation.RANDOM:
            sums = tuple(accumulate(account.weight for account in free))
            return next(account for account, most in zip(free, sums, strict=True) if turn.draw * sums[-1] < most)
        case Rotation.ROUND_ROBIN:
            return min(free, key=lambda account: standings[account.name].started / account.weight)
        case Rotation.LEAST_LOADED:
            return min(free, key=lambda account: standings[account.name].working / account.weight)
        case _:
            assert_never(turn.rotation)
