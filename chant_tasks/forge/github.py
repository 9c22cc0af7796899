"""Pull requests on GitHub, by `gh api`.

Not by `gh pr edit`: before gh 2.82 that asks for classic projects, which GitHub has switched off, and fails. The calls
below are the same in every version.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from chant_tasks.forge.contract import HEADLESS, Call, PullRequest, Wanted
from chant_tasks.forge.rest import parse_answer, parse_first, parse_one

_PULLS = "repos/{owner}/{repo}/pulls"  # gh fills in what the repository's remotes, or GH_REPO, tell
_PLACE = re.compile(r"(?:[a-z+]+://(?:[^/@]*@)?([^/:]+)(?::\d+)?/|(?:[^/@]+@)?([^/:]+):)([^/]+)/[^/]+", re.IGNORECASE)


class GitHub:
    """GitHub's own command line."""

    name = "gh"
    login = "gh auth login"
    variables: Mapping[str, str] = MappingProxyType(
        {**HEADLESS, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "GH_PAGER": "cat"}
    )

    def plan_look(self, wanted: Wanted) -> Call:
        """The list of the branch's open pull requests; GitHub wants to know whose branch it is."""
        head = f"{find_owner(wanted.address) or '{owner}'}:{quote(wanted.branch, safe='')}"
        return Call(argv=self._plan(wanted, f"{_PULLS}?state=open&head={head}"))

    def parse_look(self, answer: str, wanted: Wanted) -> PullRequest | None:  # noqa: ARG002
        return parse_first(answer, "number", "html_url")

    def plan_open(self, wanted: Wanted) -> Call:
        owner = find_owner(wanted.address)
        head = f"{owner}:{wanted.branch}" if owner else wanted.branch
        values = {"title": wanted.title, "body": wanted.body, "base": wanted.base, "head": head}
        return Call(argv=self._plan(wanted, _PULLS, method="POST"), stdin=json.dumps(values))

    def plan_update(self, wanted: Wanted, found: PullRequest) -> Call:
        values = {"title": wanted.title, "body": wanted.body, "base": wanted.base}
        return Call(argv=self._plan(wanted, f"{_PULLS}/{found.number}", method="PATCH"), stdin=json.dumps(values))

    def parse_made(self, answer: str) -> PullRequest:
        return parse_one(parse_answer(answer), "number", "html_url")

    def _plan(self, wanted: Wanted, endpoint: str, method: str = "GET") -> tuple[str, ...]:
        host = find_host(wanted.address)
        is_enterprise = "." in host and not host.endswith("github.com")  # without a dot it is a name of ssh's
        hostname = ("--hostname", host) if is_enterprise else ()
        body = () if method == "GET" else ("--input", "-")
        return ("gh", "api", *hostname, "--method", method, *body, endpoint)


def find_owner(address: str) -> str:
    """Whose repository a remote's address names; "" where it is a folder, or tells none."""
    found = _PLACE.match(address)
    return found[3] if found else ""


def find_host(address: str) -> str:
    """The machine that a remote's address names; "" where it is a folder."""
    found = _PLACE.match(address)
    return (found[1] or found[2]) if found else ""
