"""What agents have in common that print one JSON object a line: reading one without trusting its shape."""

import json
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.agent_events import AgentEvent, Denied, Said, UsedTool, shorten

Json = Mapping[str, object]

# A tool is told with the first of these that it was given: what it works on says more than how.
_TELLING = ("command", "file_path", "path", "notebook_path", "pattern", "url", "query", "description")


def parse_object(line: str) -> Json | None:
    """Return the object that a line holds; None where it holds something else, or is cut."""
    if not line.lstrip().startswith("{"):  # most lines of most output: asking json costs ten times as much
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parse_stray(line: str) -> tuple[AgentEvent, ...]:
    """Return what a line tells that is no object: a message that was printed past the format, or nothing."""
    text = shorten(line)
    # A brace opens an event that was cut; a lone number or word in JSON is nobody's message.
    return () if not text or line.lstrip()[:1] in '{["0123456789-' else (Said(text),)


def read_blocks(message: Json) -> Iterator[AgentEvent]:
    """Yield what a message of Anthropic's kind says and uses, which Qwen Code writes as Claude Code does."""
    for block in map(object_of, list_of(message.get("content"))):
        if block.get("type") == "text" and (text := shorten(text_of(block.get("text")))):
            yield Said(text)
        elif block.get("type") == "tool_use":
            yield UsedTool(text_of(block.get("name")), describe_input(object_of(block.get("input"))))


def read_denials(result: Json) -> Iterator[AgentEvent]:
    """Yield each tool once that a result of the same kind names as denied."""
    tools = [text_of(object_of(denial).get("tool_name")) for denial in list_of(result.get("permission_denials"))]
    yield from (Denied(tool) for tool in dict.fromkeys(tools))


def text_of(value: object) -> str:
    """Return `value` where it is a text, else ""."""
    return value if isinstance(value, str) else ""


def object_of(value: object) -> Json:
    """Return `value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> Sequence[object]:
    """Return `value` where it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def count_of(value: object) -> int:
    """Return `value` where it is a number that counts something, else 0."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e18 else 0


def number_of(value: object) -> float | None:
    """Return `value` where it is a number that is not negative, else None."""
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18 else None
    )


def status_of(value: object) -> int | None:
    """Return `value` where it may be the status of an HTTP answer, else None."""
    return value if isinstance(value, int) and 100 <= value <= 599 else None


def describe_input(arguments: Json) -> str:
    """Return what a tool is used on, in one line."""
    telling = next((text for name in _TELLING if (text := text_of(arguments.get(name)))), "")
    return shorten(telling or next((text for text in map(text_of, arguments.values()) if text), ""))
