"""The spec that a file's bytes are."""

import difflib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from chant_tasks.duration import parse_duration
from chant_tasks.errors import SpecError
from chant_tasks.spec.criteria import find_criteria
from chant_tasks.spec.fields import Fields
from chant_tasks.spec.frontmatter import (
    Frontmatter,
    find_edit_problem,
    find_opening_line,
    is_hard_to_edit,
    parse_frontmatter,
    split_frontmatter,
)
from chant_tasks.spec.markdown import Line, parse_markdown, scan_lines
from chant_tasks.spec.model import Approval, OnConflict, Spec, SpecId, SpecTimeout, Status
from chant_tasks.spec.small_file import find_length_problem
from chant_tasks.words import render_excerpt

# What is written when a spec is finalized: that it can be is known before an agent starts.
FINALIZED_KEYS = ("status", "commits", "completed_at", "model")
_REMEMBERED = 32  # a spec's file is read a dozen times while it is worked, and hardly ever has another text
_TIMEOUTS = ("wall", "silence", "check")
_APPROVALS = ("pending", "approved", "rejected")
_KNOWN_APPROVALS = f"known are {', '.join(_APPROVALS)}"


def parse_spec(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    """The spec, or None where the file has no frontmatter and so is none.

    Raises SpecError where the text is too long or not UTF-8, the frontmatter does not end or cannot be read, or a key's
    value is of a wrong kind.
    """
    return _parse_text(spec_id, path, data)


@lru_cache(maxsize=_REMEMBERED)
def _parse_text(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    frontmatter = _find_frontmatter(path, data)
    if frontmatter is None:
        return None
    outline = _parse_outline(spec_id, frontmatter, path)
    criteria = find_criteria(parse_markdown(frontmatter.body.decode()), frontmatter.body_line)
    problem = criteria.problem or _find_edit_problem(frontmatter, data)
    return replace(outline, criteria=criteria.items, problem=problem)


def parse_outline(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    """As `parse_spec`, but without criteria, and without what would stop the spec from being worked: of most files all
    but a few lines need no look then."""
    frontmatter = _find_frontmatter(path, data)
    return _parse_outline(spec_id, frontmatter, path) if frontmatter is not None else None


def _find_frontmatter(path: Path, data: bytes) -> Frontmatter | None:
    _require_readable(path, data)
    frontmatter = split_frontmatter(data)
    if frontmatter is None:
        _require_no_opening(path, data)
        return None
    _require_text(path, data)
    return frontmatter


def _parse_outline(spec_id: SpecId, frontmatter: Frontmatter, path: Path) -> Spec:
    fields = parse_frontmatter(frontmatter, path)
    return Spec(
        id=spec_id,
        path=path,
        type=fields.find_text("type") or "code",
        status=_parse_status(fields),
        title=find_title(scan_lines(frontmatter.body.decode())) or spec_id,
        depends_on=tuple(SpecId(name) for name in fields.texts("depends_on")),
        names_dependencies=fields.is_set("depends_on"),
        labels=fields.texts("labels"),
        target_files=fields.texts("target_files"),
        context=fields.texts("context"),
        task_dep=fields.texts("task_dep"),
        prompt=fields.find_text("prompt"),
        provider=fields.find_text("provider"),
        model=fields.find_text("model"),
        run=fields.find_text("run"),
        allow_no_changes=fields.find_flag("allow_no_changes") or False,
        approval=_parse_approval(fields),
        branch=_parse_wish(fields, "branch"),
        pr=_parse_wish(fields, "pr"),
        branch_prefix=fields.find_text("branch_prefix"),
        commits=fields.texts("commits"),
        completed_at=fields.find_text("completed_at"),
        timeout=_parse_timeout(fields),
        on_conflict=_parse_on_conflict(fields),
        checks=_parse_checks(fields),
        estimate=_parse_estimate(fields),
        criteria=(),
        problem=None,
    )


def parse_description(data: bytes) -> str:
    """What a spec's file says below its frontmatter."""
    frontmatter = split_frontmatter(data)
    return (frontmatter.body if frontmatter is not None else data).decode(errors="replace").strip()


def find_title(lines: Iterable[Line]) -> str:
    """The first heading of level 1, else the first line of text, "" where there is none; on one printable line. No line
    below that heading is asked for."""
    words = ""
    for line in lines:
        if line.hidden is None and line.title and line.level == 1:
            words = line.title
            break
        if line.hidden is None:
            words = words or line.title
    if not words.isprintable():
        words = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(words.split())


def _require_readable(path: Path, data: bytes) -> None:
    too_long = find_length_problem(len(data))
    if too_long:
        raise SpecError(path, 0, too_long)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:4] in (b"-\0-\0", b"\0-\0-"):
        raise SpecError(path, 1, "UTF-16, not UTF-8", "save it as UTF-8")


def _require_no_opening(path: Path, data: bytes) -> None:
    """A frontmatter that is never closed was meant to be one: who wrote it waits for a spec to be worked."""
    line = find_opening_line(data)
    if line:
        raise SpecError(path, line, "the frontmatter that begins here has no closing `---`", "end it with a line `---`")


def _require_text(path: Path, data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(path, line, f"not UTF-8: byte 0x{data[error.start]:02x}", "save it as UTF-8") from None
    if b"\0" in data:
        raise SpecError(path, data.count(b"\n", 0, data.index(b"\0")) + 1, "holds a NUL byte, which no text does")


def _parse_status(fields: Fields) -> Status:
    text = fields.find_text("status")
    if text is None:
        return Status.PENDING
    known = [status.value for status in Status]
    if text not in known:
        nearest = difflib.get_close_matches(text[:60].lower(), known, 1)
        guess = f"did you mean `{nearest[0]}`?" if nearest else f"known are {', '.join(known)}"
        raise fields.error("status", f"unknown status `{render_excerpt(text)}` ({guess})")
    return Status(text)


def _parse_approval(fields: Fields) -> Approval | None:
    section = fields.find_section("approval")
    if section is None:
        return None
    status = section.find_text("status") or "pending"
    if status not in _APPROVALS:
        raise section.error("status", f"unknown approval `{render_excerpt(status)}` ({_KNOWN_APPROVALS})")
    return Approval(is_required=section.find_flag("required") or False, status=status, by=section.find_text("by"))


def _parse_timeout(fields: Fields) -> SpecTimeout:
    if not isinstance(fields.values.get("timeout"), Mapping):
        return SpecTimeout(wall=_parse_limit(fields, "timeout"))
    section = fields.find_section("timeout")
    assert section is not None
    unknown = next((key for key in section.values if key not in _TIMEOUTS), None)
    if unknown is not None:
        raise section.error(
            unknown, f"unknown key `timeout.{render_excerpt(unknown)}` (known are {', '.join(_TIMEOUTS)})"
        )
    wall, silence, check = (_parse_limit(section, key, "timeout.") for key in _TIMEOUTS)
    return SpecTimeout(wall=wall, silence=silence, check=check)


def _parse_limit(fields: Fields, key: str, prefix: str = "") -> float | None:
    text = fields.find_text(key)
    try:
        return None if text is None else parse_duration(text) or 0.0
    except ValueError:
        kind = "must be a time such as 30m, 1h30m, 90 or none"
        raise fields.error(key, f"`{prefix}{key}` {kind}, not `{render_excerpt(str(text))}`") from None


def _parse_estimate(fields: Fields) -> float | None:
    text = fields.find_text("estimate")
    if text is None:
        return None
    with suppress(ValueError):
        seconds = parse_duration(text)
        if seconds is not None:
            return seconds
    kind = "must be a time such as 20m, 1h30m or 90"
    raise fields.error("estimate", f"`estimate` {kind}, not `{render_excerpt(text)}`")


def _parse_on_conflict(fields: Fields) -> OnConflict | None:
    text = fields.find_text("on_conflict")
    known = [choice.value for choice in OnConflict]
    if text is not None and text not in known:
        words = f"`on_conflict` must be {' or '.join(known)}, not `{render_excerpt(text)}`"
        raise fields.error("on_conflict", words)
    return OnConflict(text) if text is not None else None


def _parse_wish(fields: Fields, key: str) -> bool | str | None:
    """Whether something is to be made for the spec, or the record of what was."""
    value = fields.values.get(key)
    return value if isinstance(value, bool) else fields.find_text(key)


def _parse_checks(fields: Fields) -> tuple[str, ...]:
    """The spec's own checks. None of the settings' can be switched off: what lands has passed them."""
    checks = fields.texts("checks")
    if fields.values.get("checks") in ("none", False):
        raise fields.error("checks", "`checks` adds to the settings' checks, and switches none of them off")
    return checks


def _find_edit_problem(frontmatter: Frontmatter, data: bytes) -> str | None:
    problem = find_edit_problem(data, FINALIZED_KEYS) if is_hard_to_edit(frontmatter) else None
    return None if problem is None else f"{problem} (line {frontmatter.head_line})"
