"""How the four kinds of services answer: one turn of a model as the events of a stream, and a refusal as an object."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import field

from chant_tasks.values import dataclass

SHELLS = ("Bash", "bash", "exec_command", "shell_command", "shell", "run_shell_command")
INPUT_TOKENS, OUTPUT_TOKENS = 1200, 42

Json = Mapping[str, object]
Arguments = dict[str, object]


@dataclass(frozen=True, slots=True)
class Say:
    """A turn: a text, and a shell command to run, after which the agent asks again."""

    text: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """An answer with an error, from now on to every request."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """An answer that begins and never ends: its line is cut in the middle of it, from now on for every request."""

    text: str


Turn = Say | Refuse | Drop


@dataclass(frozen=True, slots=True)
class Call:
    """The use of a tool that a turn asks for."""

    name: str
    arguments: Arguments


def find_call(body: Json, command: str) -> Call | None:
    """Return the use of the shell that a request offers; None where it offers none."""
    for name, schema in _list_tools(body):
        if name in SHELLS:
            known = schema.get("properties")
            properties: Json = known if isinstance(known, dict) else {}
            required = schema.get("required")
            key = next((key for key in ("command", "cmd") if key in properties), "command")
            needed = [word for word in required if word != key] if isinstance(required, list) else []
            return Call(name, {key: command, **{word: _sample(properties.get(word)) for word in needed}})
    return None


def render_refusal(path: str, refusal: Refuse) -> Json:
    """Return the body of an error as the service at `path` words it."""
    if path.endswith("/messages"):
        kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        error: Json = {"type": kinds.get(refusal.status, "api_error"), "message": refusal.message}
        return {"type": "error", "error": {**error, **refusal.more}}
    if ":" in path:
        return {"error": {"code": refusal.status, "message": refusal.message, "status": "", **refusal.more}}
    return {"error": {"message": refusal.message, "type": "error", "code": str(refusal.status), **refusal.more}}


def render_turn(path: str, model: str, text: str, call: Call | None) -> Iterator[tuple[str, str]]:
    """Yield the events of a turn as the service at `path` streams them: a name, "" for none, and the data."""
    if path.endswith("/messages"):
        events = _render_messages(model, text, call)
    elif path.endswith("/responses"):
        events = _render_responses(model, text, call)
    elif path.endswith("/chat/completions"):
        events = _render_chat(model, text, call)
        yield from (("", json.dumps(event)) for event in events)
        yield "", "[DONE]"
        return
    else:
        yield from (("", json.dumps(event)) for event in _render_gemini(model, text, call))
        return
    yield from ((str(event["type"]), json.dumps(event)) for event in events)


def render_whole(path: str, model: str, text: str) -> object:
    """Return the answer to a request that wants no stream."""
    if path.endswith("/messages"):
        content = [{"type": "text", "text": text}]
        usage = {"input_tokens": 1, "output_tokens": 1}
        return {"id": "m", "type": "message", "role": "assistant", "model": model, "content": content, "usage": usage}
    if ":" in path:
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        return {"candidates": [candidate], "modelVersion": model}
    total = INPUT_TOKENS + OUTPUT_TOKENS
    usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": total}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}


def _list_tools(body: Json) -> Iterator[tuple[str, Json]]:
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        for one in tool.get("functionDeclarations") or tool.get("tools") or [tool.get("function") or tool]:
            schema = one.get("input_schema") or one.get("parametersJsonSchema") or one.get("parameters") or {}
            yield str(one.get("name") or ""), schema


def _sample(schema: object) -> object:
    kind = schema.get("type") if isinstance(schema, dict) else None
    return {"boolean": False, "number": 60000, "integer": 60000, "array": [], "object": {}}.get(str(kind), "so")


def _render_messages(model: str, text: str, call: Call | None) -> Iterator[Json]:
    used = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
    head: Json = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
    }
    yield {"type": "message_start", "message": {**head, "stop_sequence": None, "usage": {**used, "output_tokens": 1}}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    yield {"type": "content_block_stop", "index": 0}
    if call is not None:
        block = {"type": "tool_use", "id": f"toolu_{id(call)}", "name": call.name, "input": {}}
        part = {"type": "input_json_delta", "partial_json": json.dumps(call.arguments)}
        yield {"type": "content_block_start", "index": 1, "content_block": block}
        yield {"type": "content_block_delta", "index": 1, "delta": part}
        yield {"type": "content_block_stop", "index": 1}
    reason = "end_turn" if call is None else "tool_use"
    yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": used}
    yield {"type": "message_stop"}


def _render_responses(model: str, text: str, call: Call | None) -> Iterator[Json]:
    part = {"type": "output_text", "text": text, "annotations": []}
    items: list[Json] = [{"id": "msg_1", "type": "message", "role": "assistant", "content": [part]}]
    if call is not None:
        names = {"call_id": f"call_{id(call)}", "name": call.name}
        items.append({"id": "fc_1", "type": "function_call", **names, "arguments": json.dumps(call.arguments)})
    usage = {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    response = {"id": "resp_1", "object": "response", "model": model, "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": response}
    for index, item in enumerate(items):
        yield {"type": "response.output_item.added", "output_index": index, "item": item}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    done = {**response, "status": "completed", "output": items, "usage": usage}
    yield {"type": "response.completed", "response": done}


def _render_chat(model: str, text: str, call: Call | None) -> Iterator[Json]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": model}
    calls = []
    if call is not None:
        function = {"name": call.name, "arguments": json.dumps(call.arguments)}
        calls = [{"index": 0, "id": f"call_{id(call)}", "type": "function", "function": function}]
    delta = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
    yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]}
    total = INPUT_TOKENS + OUTPUT_TOKENS
    usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": total}
    yield {**head, "choices": [], "usage": usage}


def _render_gemini(model: str, text: str, call: Call | None) -> Iterator[Json]:
    parts: list[Json] = [{"text": text}]
    if call is not None:
        parts.append({"functionCall": {"id": f"fc-{id(call)}", "name": call.name, "args": call.arguments}})
    total = INPUT_TOKENS + OUTPUT_TOKENS
    used = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": OUTPUT_TOKENS, "totalTokenCount": total}
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": "STOP"}
    yield {"candidates": [candidate], "usageMetadata": used, "modelVersion": model, "responseId": "r1"}
