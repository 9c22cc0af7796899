"""What a pull request says: its title from the spec, its text from the spec too, and what was used to make it."""

import re

from chant_tasks.spec.model import Spec
from chant_tasks.values import dataclass

_LONGEST_TITLE = 200
_LONGEST_BODY = 60_000  # GitHub takes 65,536 characters
_CUT = "\n\n… the rest stands in the spec's file.\n"
_TITLE = re.compile(r"\A\s*# [^\n]*\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told beside the spec: its `path` from git's root, its commits (id and subject), which attempt of which
    agent with which model it was, and what all attempts cost; "" for what is unknown."""

    path: str
    commits: tuple[str, ...]
    attempt: str = ""
    agent: str = ""
    model: str = ""
    cost_usd: str = ""
    tokens: str = ""


def render_title(spec: Spec) -> str:
    """The pull request's title."""
    title = spec.title
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def render_body(text: str, told: Told) -> str:
    """The pull request's text: what the spec's file says, criteria as they are ticked, and what is told beside it."""
    last = "\n".join(["", "---", "", *_render_facts(told), "", *_render_commits(told)]).rstrip() + "\n"
    text = _TITLE.sub("", text).strip() + "\n"
    room = _LONGEST_BODY - len(last)
    return (text if len(text) <= room else text[: room - len(_CUT)] + _CUT) + last


def _render_facts(told: Told) -> list[str]:
    cost = f"${float(told.cost_usd):.2f}" if told.cost_usd else ""
    rows = {
        "Spec": f"`{told.path}`",
        "Attempt": told.attempt,
        "Agent": told.agent,
        "Model": told.model,
        "Cost": cost,
        "Tokens": told.tokens,
    }
    return [f"- {name}: {value}" for name, value in rows.items() if value]


def _render_commits(told: Told) -> list[str]:
    rows = (commit.partition(" ") for commit in told.commits)
    return ["Commits:", "", *(f"- {oid} {_quote(subject)}" for oid, _, subject in rows)] if told.commits else []


def _quote(subject: str) -> str:
    """A commit's subject as text: an agent's words mention nobody and close nothing."""
    return f"`{subject.replace('`', ' ')}`"
