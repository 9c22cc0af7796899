"""What an agent is told that goes on from an earlier attempt: in that attempt's own session, or without any memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from chant_tasks.words import render_count

_SHOWN = 30
_SCRIPT = "script"

SECTION_TEXT = """\
## What is there already

You do not begin from nothing: an earlier attempt ended before this spec was done ({reason}). What it left is in your
worktree:

{facts}

Look at all of it before you change anything (`git log -p`, `git status`, `git diff`). Keep what is right, mend what is
not, do what is missing, and do nothing twice. See for yourself that a criterion holds whose box is ticked already, and
open the box again where it does not.
"""

RESUMED_TEXT = """\
You were stopped before the spec `{spec_path}` was done ({reason}). Go on from where you were: all that you were told at
the start still holds. You are in `{worktree}`, on branch `{branch}`. What you left is there:

{facts}

Commands that ran then have ended, and files that git ignores may be gone, so look (`git status`, `git diff`) before you
go on. Read `{spec_path}` again: it may have been edited since. You are done when all that it asks for is there, every
box is ticked whose criterion you have seen to hold, and everything is committed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What an earlier attempt left in the place where another one goes on.

    `reason` is why it ended. `commits` are its own, each as abbreviated id and subject, `files` all that it changed,
    `uncommitted` those of them that are in no commit yet, `ticked` the criteria whose boxes are ticked.
    """

    reason: str
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    uncommitted: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()

    @property
    def has_changes(self) -> bool:
        return bool(self.files or self.commits)

    @property
    def summary(self) -> str:
        """What is there, in a few words."""
        if not self.has_changes:
            return "nothing was changed"
        words = [
            *([render_count(len(self.commits), "commit")] if self.commits else []),
            render_count(len(self.files), "file"),
            *([f"{len(self.uncommitted)} not committed"] if self.uncommitted else []),
        ]
        return ", ".join(words)


def can_go_on(agent: str | None) -> bool:
    """Whether an agent of this provider (None: whichever is found) can go on from an earlier attempt. A script would
    begin at its first line, on top of what it did before."""
    return agent != _SCRIPT


def render_section(earlier: Earlier) -> str:
    """The section of a whole prompt that says what is there already."""
    return SECTION_TEXT.format(reason=earlier.reason, facts=render_facts(earlier))


def render_resumed(earlier: Earlier, *, spec_path: str, worktree: str, branch: str) -> str:
    """The whole prompt of an agent whose own session is resumed."""
    facts = render_facts(earlier)
    return RESUMED_TEXT.format(
        reason=earlier.reason, facts=facts, spec_path=spec_path, worktree=worktree, branch=branch
    )


def render_facts(earlier: Earlier) -> str:
    """What is there, as a list."""
    return "\n".join(_find_lines(earlier))


def _find_lines(earlier: Earlier) -> Iterator[str]:
    if not earlier.has_changes:
        yield "- nothing was changed"
        return
    rows = (
        (render_count(len(earlier.commits), "commit"), earlier.commits),
        (f"{render_count(len(earlier.files), 'file')} changed in all", earlier.files),
        (f"{len(earlier.uncommitted)} of these not committed", earlier.uncommitted),
        (f"{render_count(len(earlier.ticked), 'box', 'boxes')} ticked", earlier.ticked),
    )
    for words, items in rows:
        if items:
            yield f"- {words}:"
            yield from (f"  - {_render_item(item)}" for item in items[:_SHOWN])
            if len(items) > _SHOWN:
                yield f"  - and {len(items) - _SHOWN} more"


def _render_item(text: str) -> str:
    """The text as code in one line, whatever is in it."""
    line = " ".join(text.split())
    fence = "``" if "`" in line else "`"
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"
