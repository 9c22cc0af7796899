"""What an agent is told that goes on from an earlier attempt: in that attempt's own session, or without any memory."""

from collections.abc import Iterator

from chant_tasks.values import dataclass
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


CLASH_TEXT = """\
## Finish this merge

Your work on the spec `{spec_path}` was done, and it conflicts with what has landed on `{target}` since it began.
`{target}` is being merged into your branch `{branch}`, in your worktree `{worktree}`: the merge has been begun for you
and is not finished. Git's marks of the conflict stand in:

{paths}

What these conflict with, all on `{target}`:

{landed}
{before}
Finish this one merge, whatever else you were told about merging:

1. Look at both sides before you change anything: `git status`, `git diff`, `git log -p HEAD..MERGE_HEAD -- PATH`, and
   read the specs that are named above.
2. Resolve each file so that both hold, what `{spec_path}` asks for and what the others have landed. Take nothing of
   theirs back, and leave no mark.
3. Run the project's own tests and checks, and mend what the two together have broken.
4. See for yourself that each criterion of `{spec_path}` still holds; open the box of one that does not.
5. `git add` what you resolved, then `git commit --no-edit`. No abort, no reset, no rebase, no push.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedChange:
    """A commit of the target that changed what an attempt's work changed, too; `spec` is the spec that it landed, or
    "", `title` its first line."""

    commit: str
    spec: str
    title: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A conflict of finished work with the target, for an agent to resolve: in which paths, with what, and what became
    of the try before ("": there was none)."""

    target: str
    paths: tuple[str, ...]
    landed: tuple[LandedChange, ...] = ()
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What an earlier attempt left in the place where another one goes on.

    `reason` is why it ended, `said` what a check that failed said last, and `said_of` on what that ran. `commits` are
    its own, each as abbreviated id and subject, `files` all that it changed, `uncommitted` those of them that are in no
    commit yet, `ticked` the criteria whose boxes are ticked. `clash` is the conflict that is to be resolved there.
    """

    reason: str
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    uncommitted: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()
    clash: Clash | None = None
    said: tuple[str, ...] = ()
    said_of: str = ""

    @property
    def has_changes(self) -> bool:
        return bool(self.files or self.commits)

    @property
    def is_worth_telling(self) -> bool:
        """Whether an agent without any memory has to know of it."""
        return self.has_changes or self.clash is not None

    @property
    def summary(self) -> str:
        """What is there, in a few words."""
        if not self.has_changes:
            return "nothing was changed"
        commits = f"{render_count(len(self.commits), 'commit')}, " if self.commits else ""
        some = f"{len(self.uncommitted)} of them " if len(self.uncommitted) < len(self.files) else ""
        open_files = f" ({some}not committed)" if self.uncommitted else ""
        return f"{commits}{render_count(len(self.files), 'file')}{open_files}"


def can_go_on(agent: str | None) -> bool:
    """Whether an agent of this provider (None: whichever is found) can go on from an earlier attempt. A script would
    begin at its first line, on top of what it did before."""
    return agent != _SCRIPT


def render_section(earlier: Earlier, *, spec_path: str, worktree: str, branch: str) -> str:
    """The section of a whole prompt that says what is there already."""
    if earlier.clash is not None:
        return _render_clash(earlier.clash, spec_path=spec_path, worktree=worktree, branch=branch)
    return SECTION_TEXT.format(reason=earlier.reason, facts=render_facts(earlier))


def render_resumed(earlier: Earlier, *, spec_path: str, worktree: str, branch: str) -> str:
    """The whole prompt of an agent whose own session is resumed."""
    if earlier.clash is not None:
        return _render_clash(earlier.clash, spec_path=spec_path, worktree=worktree, branch=branch)
    facts = render_facts(earlier)
    return RESUMED_TEXT.format(
        reason=earlier.reason, facts=facts, spec_path=spec_path, worktree=worktree, branch=branch
    )


def render_facts(earlier: Earlier) -> str:
    """What is there, as a list."""
    return "\n".join(_find_lines(earlier))


def _render_clash(clash: Clash, *, spec_path: str, worktree: str, branch: str) -> str:
    before = f"\nYour last try was not accepted: {clash.before}. The merge has been begun anew since.\n"
    return CLASH_TEXT.format(
        spec_path=spec_path,
        worktree=worktree,
        branch=branch,
        target=clash.target,
        paths="\n".join(f"- {_render_item(path)}" for path in clash.paths),
        landed="\n".join(_find_landed_lines(clash)) or "- commits that cannot be told apart: look at the log",
        before=before if clash.before else "",
    )


def _find_landed_lines(clash: Clash) -> Iterator[str]:
    for change in clash.landed[:_SHOWN]:
        name = f"spec {_render_item(change.spec)}, " if change.spec else ""
        shared = ", ".join(_render_item(path) for path in change.paths[:_SHOWN])
        yield f"- {name}commit {change.commit} {_render_item(change.title)}: {shared}"
    if len(clash.landed) > _SHOWN:
        yield f"- and {len(clash.landed) - _SHOWN} more"


def _find_lines(earlier: Earlier) -> Iterator[str]:
    if not earlier.has_changes:
        yield "- nothing was changed"
    rows = (
        (render_count(len(earlier.commits), "commit"), earlier.commits),
        (f"{render_count(len(earlier.files), 'file')} changed in all", earlier.files),
        (f"{len(earlier.uncommitted)} of these not committed", earlier.uncommitted),
        (f"{render_count(len(earlier.ticked), 'box', 'boxes')} ticked", earlier.ticked if earlier.has_changes else ()),
        (f"the check that failed ran on {earlier.said_of}, and said last", earlier.said),
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
