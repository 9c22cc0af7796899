"""What a forge is asked for, what it answers, and what each adapter can do."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from chant_tasks.errors import ForgeError
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]+")
_LONGEST_ADDRESS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A pull request as it shall be: of `branch`, to be merged into `base`. `remote` is where the branch was pushed and
    `address` that remote's, `url` the pull request that we opened before ("" for none)."""

    spec: str
    branch: str
    base: str
    title: str
    body: str
    remote: str
    address: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request that is open: its number, in the forge's own words, and where a person finds it."""

    number: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One start of a forge's command line: arguments, and what it gets on standard input."""

    argv: tuple[str, ...]
    stdin: str = ""


class Forge(Protocol):
    """One way to open pull requests. `variables` are for its command; `login` is what to type where it does
    not know who calls ("" for nothing in particular)."""

    name: str
    login: str
    variables: Mapping[str, str]

    def plan_look(self, wanted: Wanted) -> Call | None:
        """What finds the branch's open pull request; None where opening one finds it, too."""

    def parse_look(self, answer: str, wanted: Wanted) -> PullRequest | None:
        """The open pull request that was found. Raises ForgeError where the answer cannot be read."""

    def plan_open(self, wanted: Wanted) -> Call:
        """What opens one."""

    def plan_update(self, wanted: Wanted, found: PullRequest) -> Call:
        """What brings one up to date: title, body and base."""

    def parse_made(self, answer: str) -> PullRequest:
        """The one that was opened or brought up to date. Raises ForgeError where the answer cannot be read."""


# Nobody is asked anything, nothing is coloured or paged, no newer version is looked for.
HEADLESS: Mapping[str, str] = MappingProxyType(
    {"NO_COLOR": "1", "PAGER": "cat", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}
)


def require_address(value: Any) -> str:
    """The address of a pull request that a forge told. Raises ForgeError where it is none that can be shown."""
    text = value if isinstance(value, str) else ""
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise ForgeError(f"told no address of a pull request but `{render_excerpt(str(value))}`")
    return text
