"""Pull requests by a command of the user's, for any other forge.

It gets one JSON object on standard input, and prints the address of the pull request that is open then, as its last
line or as `{"url": …}`. It is called again for the same branch: it has to find what it opened before.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

from chant_tasks.errors import ForgeError
from chant_tasks.forge.contract import HEADLESS, Call, PullRequest, Wanted, require_address


class Command:
    """A command of the user's."""

    login = ""
    variables: Mapping[str, str] = HEADLESS

    def __init__(self, argv: tuple[str, ...]) -> None:
        self._argv = argv
        self.name = argv[0]

    def plan_look(self, wanted: Wanted) -> None:  # noqa: ARG002
        return None

    def parse_look(self, answer: str, wanted: Wanted) -> None:  # noqa: ARG002
        return None

    def plan_open(self, wanted: Wanted) -> Call:
        return Call(argv=self._argv, stdin=json.dumps(asdict(wanted)) + "\n")

    def plan_update(self, wanted: Wanted, found: PullRequest) -> Call:  # noqa: ARG002
        return self.plan_open(wanted)

    def parse_made(self, answer: str) -> PullRequest:
        lines = [line.strip() for line in answer.splitlines() if line.strip()]
        if not lines:
            raise ForgeError("printed no address of a pull request")
        url = require_address(_parse_url(answer) or lines[-1])
        return PullRequest(number=url.rstrip("/").rpartition("/")[2], url=url)


def _parse_url(answer: str) -> str:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("url", "")) if isinstance(found, Mapping) else ""
