"""The finalized file of a spec, what the agent starts from, and merging what several people did to one spec's file."""

from collections.abc import Mapping

from chant_tasks.git.objects import run_file_merge
from chant_tasks.git.runner import Git
from chant_tasks.spec.criteria import open_boxes
from chant_tasks.spec.frontmatter import edit_frontmatter, parse_frontmatter, split_frontmatter
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.scalars import Number
from chant_tasks.values import dataclass

_RECORD_KEYS = ("commits", "completed_at", "model", "cost_usd", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a finalized file says beside `status: completed`; `completed_at` is ISO 8601 in UTC.

    `cost_usd` and `tokens` are numbers as they are written, "" where the file is to say nothing of them.
    """

    commits: tuple[str, ...]
    completed_at: str
    model: str
    cost_usd: str = ""
    tokens: str = ""


def render_start(given: bytes, *, is_rerun: bool) -> bytes:
    """The file that the agent gets: as the checkout has it, or, for a spec that was forgotten, with its boxes open and
    its record set aside."""
    if not is_rerun:
        return given
    return edit_frontmatter(open_boxes(given), {"status": "pending", **dict.fromkeys(_RECORD_KEYS)})


def render_with_pr(final: bytes, url: str) -> bytes:
    """The finalized file that also tells the address of its pull request."""
    return edit_frontmatter(final, {"pr": url})


def render_final(end: bytes, record: Record) -> bytes:
    """The finalized file: what the agent left, with the record written into its frontmatter."""
    changes: dict[str, str | tuple[str, ...] | None] = {"status": "completed"}
    changes["commits"] = record.commits or None
    changes["completed_at"] = record.completed_at
    changes["model"] = record.model or None
    numbers = {"cost_usd": record.cost_usd, "tokens": record.tokens}
    changes |= {key: Number(number) for key, number in numbers.items() if number}
    return edit_frontmatter(end, changes)


def render_record(data: bytes, final: bytes) -> bytes:
    """`data` with the record that the finalized file `final` has."""
    found = split_frontmatter(final)
    if found is None:
        return data
    fields = parse_frontmatter(found)
    record = Record(
        commits=fields.texts("commits"),
        completed_at=fields.find_text("completed_at") or "",
        model=fields.find_text("model") or "",
        cost_usd=fields.find_text("cost_usd") or "",
        tokens=fields.find_text("tokens") or "",
    )
    return render_final(data, record)


def find_completed_at(data: bytes) -> str | None:
    """When the finalized file `data` says that it was; None where it does not."""
    found = split_frontmatter(data)
    return parse_frontmatter(found).find_text("completed_at") if found is not None else None


def render_message(spec_id: SpecId, title: str, trailers: Mapping[str, str]) -> str:
    """A landing commit's message; `trailers` without a value are left out."""
    lines = "".join(f"{name}: {value}\n" for name, value in trailers.items() if value)
    return f"chant({spec_id}): {title}\n\n{lines}"


def find_merged_spec(git: Git, *, current: bytes, base: bytes, other: bytes) -> bytes | None:
    """The spec's file with the changes of both sides; None where they contradict each other.

    Where git sees a conflict only because somebody edited next to a box that was ticked, the ticks and the record are
    put into the other side's text.
    """
    merged = run_file_merge(git, current=current, base=base, other=other)
    if merged is not None:
        return merged
    return _put_ticks(current, base=base, other=other)


def _put_ticks(current: bytes, *, base: bytes, other: bytes) -> bytes | None:
    head, body = _cut(base)
    other_head, other_body = _cut(other)
    if [_plain(line) for line in body] != [_plain(line) for line in other_body]:
        return None
    ticked = {one: two for one, two in zip(body, other_body, strict=True) if one != two}
    current_head, current_body = _cut(current)
    if current_head != head or not set(ticked) <= set(current_body):
        return None
    return b"".join((*other_head, *(ticked.get(line, line) for line in current_body)))


def _cut(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines of the frontmatter, and those below it."""
    lines = data.splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if line.strip() == b"---"]
    end = ends[1] + 1 if len(ends) > 1 else 0
    return lines[:end], lines[end:]


def _plain(line: bytes) -> bytes:
    return line.replace(b"[x]", b"[ ]", 1).replace(b"[X]", b"[ ]", 1)
