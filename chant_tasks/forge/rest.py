"""What the answers of GitHub and GitLab have in common: JSON, a pull request an object, errors in words."""

import json
from collections.abc import Mapping
from typing import Any

from chant_tasks.errors import ForgeError
from chant_tasks.forge.contract import PullRequest, require_address
from chant_tasks.words import render_excerpt


def parse_answer(answer: str) -> Any:
    """The value of a JSON answer. Raises ForgeError."""
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise ForgeError(f"answered what is no JSON: `{render_excerpt(answer)}`") from None


def parse_first(answer: str, number: str, url: str) -> PullRequest | None:
    """The first pull request of a list, None where that is empty; `number` and `url` are the keys that tell these."""
    found = parse_answer(answer)
    if not isinstance(found, list):
        raise ForgeError(f"answered no list: `{render_excerpt(answer)}`")
    return parse_one(found[0], number, url) if found else None


def parse_one(found: Any, number: str, url: str) -> PullRequest:
    """The pull request that an object tells of. Raises ForgeError."""
    if not isinstance(found, Mapping) or found.get(number) is None:
        raise ForgeError(f"told of no pull request: `{render_excerpt(str(found))}`")
    return PullRequest(number=str(found[number]), url=require_address(found.get(url)))


def find_complaint(answer: str) -> str:
    """What a refusal's JSON says, in words; "" where it says nothing."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, Mapping):
        return ""
    errors = found.get("errors")
    rows = errors if isinstance(errors, list) else []
    words = [row.get("message", "") if isinstance(row, Mapping) else str(row) for row in rows]
    message = found.get("message", found.get("error", ""))
    heads = message if isinstance(message, list) else [message]
    return render_excerpt("; ".join(str(word) for word in (*heads, *words) if word), 200)
