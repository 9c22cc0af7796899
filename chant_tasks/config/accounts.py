"""The accounts that agents work on, as `parallel.agents` in the config lists them."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from chant_tasks.config.model import Account, Rotation
from chant_tasks.config.value import BadValue, describe, is_null, parse_project_name, parse_text, parse_whole, suggest

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_DEFAULT_NAME = "main"  # chant's


def parse_accounts(node: Node) -> tuple[Account, ...]:
    """Return the accounts of a list, in its order. Raises BadValue."""
    if not isinstance(node, SequenceNode):
        raise BadValue(f"must be a list of accounts, each with a name, not {describe(node)}")
    accounts = tuple(_parse_account(item) for item in node.value)
    double = [name for name, number in Counter(account.name for account in accounts).items() if number > 1]
    if double:
        raise BadValue(f"has two accounts named `{double[0]}`")
    return accounts


def parse_rotation(node: Node) -> Rotation:
    """Return how accounts take turns; chant writes `round_robin`, too. Raises BadValue."""
    words = [rotation.value for rotation in Rotation]
    text = str(node.value).strip().replace("_", "-") if isinstance(node, ScalarNode) else ""
    if text not in words:
        raise BadValue(f"must be one of {', '.join(words)}, not {describe(node)}{suggest(text, words)}")
    return Rotation(text)


def _parse_account(node: Node) -> Account:
    if not isinstance(node, MappingNode):
        raise BadValue(f"must be a list of accounts, each with a name, not of {describe(node)}")
    found: dict[str, Any] = {"name": _DEFAULT_NAME}
    for name_node, value in node.value:
        name = parse_text(name_node)
        if name not in _KEYS:
            raise BadValue(f"has `{name}`, which is none of {', '.join(_KEYS)}{suggest(name, list(_KEYS))}")
        if is_null(value):
            continue
        try:
            found[name] = _KEYS[name](value)
        except BadValue as error:
            raise BadValue(f"has an account whose `{name}` {error}") from None
    return Account(**found)


def _parse_variables(node: Node) -> Mapping[str, str]:
    if not isinstance(node, MappingNode):
        raise BadValue(f"must be variables with their values, not {describe(node)}")
    variables = {parse_text(name): _parse_value(value) for name, value in node.value}
    wrong = [name for name in variables if not _VARIABLE.fullmatch(name)]
    if wrong:
        raise BadValue(f"holds `{wrong[0]}`, which is no variable's name")
    return MappingProxyType(variables)


def _parse_value(node: Node) -> str:
    """A variable's value as it is written: yes, no and numbers are texts there."""
    if not isinstance(node, ScalarNode):
        raise BadValue(f"must hold texts, not {describe(node)}")
    return "" if is_null(node) else cast(str, node.value)


_KEYS: Mapping[str, Callable[[Node], object]] = {
    "name": parse_project_name,  # its rest is written into a file of that name
    "command": parse_text,
    "provider": parse_text,
    "model": parse_text,
    "max_concurrent": parse_whole(1),
    "weight": parse_whole(1),
    "env": _parse_variables,
}
