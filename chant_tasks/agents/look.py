"""What is found of an agent that is looked over: facts as values, and every problem that follows from them."""

from collections.abc import Iterator
from enum import Enum

from chant_tasks.agents.checkup import find_untested
from chant_tasks.agents.contract import Finished, GaveUp, Outcome, Postponed, Stopped
from chant_tasks.values import dataclass


class Weight(Enum):
    """How bad a problem is: an agent with an error cannot be used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an agent, and what to do about it."""

    weight: Weight
    reason: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call against the service on loopback: how it ended, how often the service was asked, and who else was."""

    outcome: Outcome
    requests: int
    strays: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An agent to look over: its provider's name, the command that must be there, and how to install and to log in.

    `is_used` is whether specs depend on it; `account` is the one of the config's that it is looked over for.
    """

    name: str
    command: str
    is_used: bool
    account: str = ""
    tested: tuple[str, ...] = ()
    install: str = ""
    how_to_log_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found of an agent; `path` is where its command is, "" where it is not.

    `login` is None, `missing` is None and `call` is None where nobody knows how to find out.
    """

    path: str = ""
    version: str = ""
    version_problem: str = ""
    flags: int = 0
    missing: tuple[str, ...] | None = None
    unknown_arguments: tuple[str, ...] = ()
    login: str | None = None
    call: Call | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An agent that was looked over, and all that is wrong with it."""

    subject: Subject
    facts: Facts
    problems: tuple[Problem, ...]

    @property
    def is_usable(self) -> bool:
        """Whether specs can be worked by it."""
        return all(problem.weight is not Weight.ERROR for problem in self.problems)


def find_problems(subject: Subject, facts: Facts) -> tuple[Problem, ...]:
    """Return everything that is wrong with an agent, the worst first."""
    if not facts.path:
        install = (
            f"install it: {subject.install}" if subject.install else "install it, or name another in .chant/config.md"
        )
        return (Problem(Weight.ERROR, f"{subject.command or subject.name} is not there", install),)
    problems = [*_find_version_problems(subject, facts), *_find_flag_problems(subject, facts)]
    problems += _find_call_problems(subject, facts)
    if facts.login == "":
        hint = f"{subject.how_to_log_in}; a keychain or another way in that was not looked at is as good"
        problems.append(Problem(Weight.WARNING, "no login and no key where it keeps them", hint))
    return tuple(sorted(problems, key=lambda problem: problem.weight is not Weight.ERROR))


def _find_version_problems(subject: Subject, facts: Facts) -> Iterator[Problem]:
    if facts.version_problem:
        yield Problem(Weight.ERROR, f"--version: {facts.version_problem}", _install_again(subject))
    elif beyond := find_untested(facts.version, subject.tested):
        tested = subject.tested[-1]
        yield Problem(
            Weight.WARNING, f"version {facts.version} is {beyond}", f"watch its first specs, or install {tested}"
        )


def _find_flag_problems(subject: Subject, facts: Facts) -> Iterator[Problem]:
    if facts.missing:
        names = ", ".join(facts.missing)
        yield Problem(
            Weight.ERROR, f"its --help does not name what it is started with: {names}", _install_again(subject)
        )
    if facts.unknown_arguments:
        names = ", ".join(facts.unknown_arguments)
        where = f"providers.{subject.name}.args in .chant/config.md"
        yield Problem(Weight.WARNING, f"its --help does not name {names} of your own arguments", f"look at {where}")


def _find_call_problems(subject: Subject, facts: Facts) -> Iterator[Problem]:
    call = facts.call
    if call is None:
        return
    match call.outcome:
        case Finished() if call.requests:
            pass
        case Finished():
            reason = "a call on loopback: it says that it is done, and has asked no model"
            yield Problem(Weight.ERROR, reason, _install_again(subject))
        case GaveUp(reason) | Postponed(reason) | Stopped(reason):
            yield Problem(Weight.ERROR, f"a call on loopback failed: {reason}", _install_again(subject))
    if call.strays:
        hosts = ", ".join(sorted(set(call.strays))[:3])
        yield Problem(
            Weight.WARNING, f"beside its model it asked {hosts}", "its documentation says how to switch that off"
        )


def _install_again(subject: Subject) -> str:
    known = f" ({subject.tested[-1]} was tested)" if subject.tested else ""
    return f"install it again{known}: {subject.install}" if subject.install else "install it again"
