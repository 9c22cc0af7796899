"""Merge requests on GitLab, by `glab api`.

Not by `glab mr`: its options and its output have changed from version to version, and a description as an argument may
be too long for one.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from chant_tasks.forge.contract import HEADLESS, Call, PullRequest, Wanted
from chant_tasks.forge.rest import parse_answer, parse_first, parse_one

_REQUESTS = "projects/:fullpath/merge_requests"  # glab fills in what the repository's remotes tell


class GitLab:
    """GitLab's own command line."""

    name = "glab"
    login = "glab auth login"
    variables: Mapping[str, str] = MappingProxyType(
        {**HEADLESS, "NO_PROMPT": "1", "GLAB_CHECK_UPDATE": "false", "GLAB_PAGER": "cat"}
    )

    def plan_look(self, wanted: Wanted) -> Call:
        """The list of the branch's open merge requests."""
        branch = quote(wanted.branch, safe="")
        return Call(argv=_plan(f"{_REQUESTS}?state=opened&source_branch={branch}"))

    def parse_look(self, answer: str, wanted: Wanted) -> PullRequest | None:  # noqa: ARG002
        return parse_first(answer, "iid", "web_url")

    def plan_open(self, wanted: Wanted) -> Call:
        values = {**_plan_values(wanted), "source_branch": wanted.branch}
        return Call(argv=_plan(_REQUESTS, "POST"), stdin=json.dumps(values))

    def plan_update(self, wanted: Wanted, found: PullRequest) -> Call:
        return Call(argv=_plan(f"{_REQUESTS}/{found.number}", "PUT"), stdin=json.dumps(_plan_values(wanted)))

    def parse_made(self, answer: str) -> PullRequest:
        return parse_one(parse_answer(answer), "iid", "web_url")


def _plan(endpoint: str, method: str = "GET") -> tuple[str, ...]:
    body = () if method == "GET" else ("--header", "Content-Type: application/json", "--input", "-")
    return ("glab", "api", "--method", method, *body, endpoint)


def _plan_values(wanted: Wanted) -> Mapping[str, str]:
    return {"title": wanted.title, "description": wanted.body, "target_branch": wanted.base}
