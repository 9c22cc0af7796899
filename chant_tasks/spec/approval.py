"""What a person's decision on a spec writes into its file: the key `approval`, and an entry of the discussion."""

from datetime import UTC, datetime
from pathlib import Path

from chant_tasks.errors import SpecError
from chant_tasks.spec.frontmatter import UNNAMED, Frontmatter, edit_frontmatter, parse_frontmatter, split_frontmatter
from chant_tasks.spec.markdown import Markdown, parse_markdown
from chant_tasks.spec.yaml_entries import Value
from chant_tasks.values import dataclass

SECTION = "Approval Discussion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who approved or rejected a spec and when (with a time zone); `reason` is "" for an approval without one."""

    is_approved: bool
    by: str
    moment: datetime
    reason: str = ""


def render_decision(data: bytes, decision: Decision, path: Path = UNNAMED) -> bytes:
    """The file with the decision in its frontmatter and at the end of its discussion; no other line changes.

    Raises SpecError where the frontmatter cannot be read or edited.
    """
    frontmatter = split_frontmatter(data)
    if frontmatter is None:
        raise SpecError(path, 1, "has no frontmatter, so it is no spec", "begin it with lines `---`, keys, `---`")
    fields = parse_frontmatter(frontmatter, path)
    section = fields.find_section("approval")
    approval = _plan_approval(dict(section.values) if section is not None else {}, decision)
    edited = edit_frontmatter(data, {"approval": approval}, path)
    head = edited[: len(edited) - len(frontmatter.body)]
    return head + _render_body(frontmatter, _render_entry(decision, frontmatter.newline))


def _plan_approval(approval: dict[str, Value], decision: Decision) -> dict[str, Value]:
    # a rejection that is not required would stop nothing
    is_required = True if not decision.is_approved else approval.get("required", True)
    return {
        "required": is_required,
        **{key: value for key, value in approval.items() if key != "required"},
        "status": "approved" if decision.is_approved else "rejected",
        "by": _flatten(decision.by),
        "at": decision.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _render_entry(decision: Decision, newline: str) -> str:
    word = "APPROVED" if decision.is_approved else "REJECTED"
    first = f"**{_flatten(decision.by)}** - {decision.moment:%Y-%m-%d %H:%M} - {word}"
    return newline.join([first, *_render_reason(decision.reason)])


def _render_reason(reason: str) -> list[str]:
    """The reason's lines; quoted (`> `) where they hold more than paragraphs, which could become criteria."""
    lines = [_flatten(line) for line in reason.strip().splitlines()]
    parsed = parse_markdown("\n".join(lines))
    if all(not line.text or (line.is_paragraph and not line.is_item and not line.level) for line in parsed.lines):
        return lines
    return ["", *(f"> {line}".rstrip() for line in lines)]


def _render_body(frontmatter: Frontmatter, entry: str) -> bytes:
    text, newline = frontmatter.body.decode(errors="surrogateescape"), frontmatter.newline
    markdown = parse_markdown(text)
    heading = _find_heading(markdown)
    end = _find_end(markdown, heading) if heading is not None else _find_last_text(markdown, len(markdown.lines))
    added = entry if heading is not None else f"## {SECTION}{newline}{newline}{entry}"
    gap = newline * 2 if text[:end] else newline
    rest = text[end:] or newline
    return f"{text[:end]}{gap}{added}{rest}".encode(errors="surrogateescape")


def _find_heading(markdown: Markdown) -> int | None:
    """The line of the section's heading; the last of several."""
    named = [
        index
        for index, line in enumerate(markdown.lines)
        if line.level and line.hidden is None and line.title.strip(" :*_").lower() == SECTION.lower()
    ]
    return named[-1] if named else None


def _find_end(markdown: Markdown, heading: int) -> int:
    """Where in the text the section's own text ends."""
    level = markdown.lines[heading].level
    behind = (
        index
        for index, line in enumerate(markdown.lines)
        if index > heading and line.hidden is None and 0 < line.level <= level
    )
    return _find_last_text(markdown, next(behind, len(markdown.lines)))


def _find_last_text(markdown: Markdown, before: int) -> int:
    """Where the last line that is not blank ends, of those before line `before`; 0 where all are blank."""
    ends = (line.start + len(line.text) for line in markdown.lines[:before] if line.text.strip())
    return max(ends, default=0)


def _flatten(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
