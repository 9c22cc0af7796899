"""The YAML nodes of a frontmatter that holds settings."""

import yaml
from yaml.nodes import Node

from chant_tasks.spec.yaml_entries import MAX_DEPTH, YamlProblem, explain_yaml_error

# The C loader is ten times as fast and not everywhere; both give the same nodes.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose_settings(text: str) -> Node | None:
    """Return the root of a YAML text, None where it is empty. Raises YamlProblem where it cannot be read."""
    try:
        _require_shallow(text)
        return yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise explain_yaml_error(error, text) from None


def _require_shallow(text: str) -> None:
    """Read the events first: the composer calls itself for each level, and its stack ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            start = event.start_mark
            raise YamlProblem(start.index if start else 0, f"nested more than {MAX_DEPTH} deep")
