"""What models cost, as `prices:` in the config says: dollars for a million tokens of each kind."""

import math
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from yaml.nodes import MappingNode, Node, ScalarNode

from chant_tasks.config.value import BadValue, describe, parse_text, suggest
from chant_tasks.tokens import Price

_KINDS = tuple(field.name for field in fields(Price))
_REQUIRED = ("input", "output")


def parse_prices(node: Node) -> Mapping[str, Price]:
    """Return the prices by the model's name. Raises BadValue."""
    if not isinstance(node, MappingNode):
        raise BadValue(f"must be models with their prices below, not {describe(node)}")
    return MappingProxyType({parse_text(name): _parse_price(parse_text(name), value) for name, value in node.value})


def _parse_price(model: str, node: Node) -> Price:
    if not isinstance(node, MappingNode):
        raise BadValue(f"must have input and output for {model}, not {describe(node)}")
    found: dict[str, float] = {}
    for name_node, value in node.value:
        name = parse_text(name_node)
        if name not in _KINDS:
            raise BadValue(f"has {model}.{name}, which is none of {', '.join(_KINDS)}{suggest(name, list(_KINDS))}")
        found[name] = _parse_dollars(f"{model}.{name}", value)
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise BadValue(f"says nothing of {model}.{missing[0]}")
    return Price(**found)


def _parse_dollars(name: str, node: Node) -> float:
    try:
        dollars = float(node.value) if isinstance(node, ScalarNode) else math.nan
    except ValueError:
        dollars = math.nan
    if not (0 <= dollars < math.inf):
        raise BadValue(f"must be dollars for a million tokens, and {name} is {describe(node)}")
    return dollars
