"""Which agents there are to look over: those that the config names, and those of the known ones that are on PATH."""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from chant_tasks.agents.accounts import find_account_provider, plan_account_config
from chant_tasks.agents.contract import Provider, find_checkup
from chant_tasks.agents.look import Facts, Look, Problem, Subject, Weight
from chant_tasks.agents.registry import PROVIDERS, find_provider
from chant_tasks.config import Account, Config, Setting
from chant_tasks.config.provider_names import INSTALL, Which
from chant_tasks.errors import AgentError
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An agent to look over, with its settings and the variables of its account."""

    subject: Subject
    provider: Provider
    settings: Mapping[str, Setting]
    env: Mapping[str, str] = field(default_factory=dict)


def list_candidates(config: Config, which: Which) -> tuple[Candidate | Look, ...]:
    """Return the agents to look over, those in use first; a `Look` where there is nothing to look at.

    In use is what the config names; where it names none, the first of the known agents that is on PATH.
    """
    used = tuple(dict.fromkeys(_list_named(config)))
    accounts = tuple(_find_account(account, config, which) for account in config.parallel.agents)
    found = tuple(name for name in INSTALL if which(PROVIDERS[name].executable(config.providers.get(name, {})) or ""))
    names = used or (() if accounts else found[:1])
    plain = [_find_candidate(name, config, name in names) for name in dict.fromkeys((*names, *found))]
    seen = {(one.subject.name, one.subject.command) for one in accounts}
    return (*accounts, *(one for one in plain if (one.subject.name, one.subject.command) not in seen))


def _list_named(config: Config) -> Iterator[str]:
    """Yield the providers that the config names; one that needs no agent is not looked at."""
    if config.defaults.provider not in (None, "script"):
        yield str(config.defaults.provider)
    yield from (name for name, settings in config.providers.items() if settings)


def _find_account(account: Account, config: Config, which: Which) -> Candidate | Look:
    try:
        name = find_account_provider(account, config, which)
        own = plan_account_config(account, config, which)
    except AgentError as error:
        return _plan_look(account.command or account.name, error, is_used=True, account=account.name)
    found = _find_candidate(name, own, True, account.name)
    return found if isinstance(found, Look) else replace(found, env=account.env)


def _find_candidate(name: str, config: Config, is_used: bool, account: str = "") -> Candidate | Look:
    settings = config.providers.get(name, {})
    try:
        # Whether it is installed is one of the things that are looked at later.
        provider = find_provider(name, config, lambda command: command)
    except AgentError as error:
        return _plan_look(name, error, is_used=is_used, account=account)
    checkup = find_checkup(provider)
    subject = Subject(
        name=provider.name,
        command=provider.executable(settings) or "",
        is_used=is_used,
        account=account,
        tested=provider.tested,
        install=INSTALL.get(provider.name, ""),
        how_to_log_in=checkup.login.how if checkup is not None else "",
    )
    return Candidate(subject=subject, provider=provider, settings=settings)


def _plan_look(name: str, error: AgentError, *, is_used: bool, account: str) -> Look:
    subject = Subject(name=name, command="", is_used=is_used, account=account)
    return Look(subject=subject, facts=Facts(), problems=(Problem(Weight.ERROR, error.reason, error.hint),))
