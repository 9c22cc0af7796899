"""How a value is written in YAML so that every reader gets the same text back, chant's and YAML 1.1's too."""

import re
from collections.abc import Mapping

import yaml

from chant_tasks.spec.yaml_entries import Value

# What may stand plain: in a block nothing that ends it or begins anything else, in brackets less.
_IN_BLOCK = re.compile(r"""(?=[^\s?:,\[\]{}#&*!|>'"%@`~=<-])(?!.*(?::\ |\ \#|[:\ ]\Z)).+""", re.VERBOSE)
_IN_FLOW = re.compile(r"[A-Za-z0-9_./+][A-Za-z0-9_./+@~=()^-]*(?: [A-Za-z0-9_./+@~=()^-]+)*")
# chant writes `completed_at` plain, and PyYAML's users get a datetime from chant's files already.
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# Numbers of YAML 1.2, which has more of them than PyYAML knows (1e10203, 0o17), and 1.1's one-letter bools.
_SPECIAL = re.compile(r"[-+.]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|0[box][0-9A-Fa-f_]+|[yYnN]|\.\w+")
# (The class of what may stand unescaped would take ten times as long to compile.)
_NEEDS_ESCAPES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# By a text's first character: the patterns of what YAML 1.1 takes for a number, a date, a bool or a null.
_RESOLVERS = yaml.resolver.Resolver.yaml_implicit_resolvers


class Number(str):
    """A number as it is written: no quotes keep other readers from taking it for one."""

    __slots__ = ()


def render_scalar(value: str | bool | None, plain: re.Pattern[str] = _IN_BLOCK) -> str:
    """One line of YAML that reads back as `value`: as it is where that is safe and `plain` allows it, else quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value
    if _NEEDS_ESCAPES.search(value):
        return yaml.dump(value, default_style='"', width=float("inf"), allow_unicode=True).rstrip("\n")
    return value if _is_unmistakable(value) and plain.fullmatch(value) else "'" + value.replace("'", "''") + "'"


def render_flow(value: Value) -> str:
    """Any value on one line, its collections in brackets."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(render_flow, value)) + "]"
    if value is None or isinstance(value, str | bool):
        return render_scalar(value, _IN_FLOW)
    items = (f"{render_scalar(key, _IN_FLOW)}: {render_flow(item)}" for key, item in value.items())
    return "{" + ", ".join(items) + "}"


def render_entry(key: str, value: Value) -> tuple[str, ...]:
    """The lines of a top-level key, its list or its keys below it as chant writes them."""
    if isinstance(value, tuple) and value:
        return (f"{render_scalar(key)}:", *(f"- {_render_inline(item)}" for item in value))
    if isinstance(value, Mapping) and value and not any(isinstance(item, tuple | Mapping) for item in value.values()):
        return (
            f"{render_scalar(key)}:",
            *(f"  {render_scalar(name)}: {_render_inline(value[name])}" for name in value),
        )
    return (f"{render_scalar(key)}: {_render_inline(value)}",)


def _render_inline(value: Value) -> str:
    return render_scalar(value) if value is None or isinstance(value, str | bool) else render_flow(value)


def _is_unmistakable(text: str) -> bool:
    """Whether every reader takes the text for a text."""
    if not text or _SPECIAL.fullmatch(text):
        return False
    if _TIMESTAMP.fullmatch(text):
        return True
    return not any(pattern.match(text) for _, pattern in _RESOLVERS.get(text[0], ()))
