"""What `doit spec-init` writes into a project, decided from what is there already: texts and paths, no disk."""

from collections.abc import Callable
from datetime import date

from chant_tasks.prompts import BUILT_IN_TEXT
from chant_tasks.spec.new_spec import plan_spec_id
from chant_tasks.values import dataclass
from chant_tasks.words import render_count

_IMPORT = "from chant_tasks import task_specs"

CONFIG_TEXT = """\
---
# Every setting has a default. Take away a `#` to change one; `doit list --config` prints what holds.
#
# defaults:
#   provider: claude        # or codex, gemini, …, command, script; unset: the first known agent on PATH
#   model: sonnet
#   prompt: standard        # .chant/prompts/standard.md
#   main_branch: main       # where work lands; unset: the branch that is checked out
# providers:
#   command:
#     argv: [my-agent, --yes]   # the prompt comes on its standard input
# timeouts:
#   silence: 30m
# worktrees:
#   setup: npm ci           # runs in each new worktree
---
# Settings

How the specs of this project are worked. Whatever else a person should know about it can stand here.
"""

DODO_TEXT = f'''\
"""Tasks of this project, for doit: `doit list` shows them, `doit -n 2` does what is to be done."""

{_IMPORT}  # noqa: F401 - every spec in .chant/specs becomes a task
'''

EXAMPLE_TEXT = """\
---
type: code
status: pending
labels:
- docs
target_files:
- DEVELOPMENT.md
---
# Write down how to work on this project

Someone who sees this repository for the first time wants to change something in it. Write `DEVELOPMENT.md`, a page of
at most 60 lines at the root, from what is really in the repository; where it is there already, bring it up to date.

## Acceptance Criteria

- [ ] DEVELOPMENT.md says what the project is, in at most three sentences
- [ ] It names the folders that matter, and what is in each
- [ ] It has the commands that set the project up and run its tests, or says that there are none
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to write; `path` is seen from the project's folder, `about` is said behind it."""

    path: str
    text: str
    about: str = ""

    @property
    def shown(self) -> str:
        return f"{self.path} ({self.about})" if self.about else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What the folder holds before: paths of ours that exist, ids of specs, the dodo's text (None: no dodo)."""

    paths: frozenset[str]
    spec_ids: tuple[str, ...]
    dodo: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """What to write, and what stays as it is. `asks_for_import` says that the dodo does not load specs yet."""

    files: tuple[NewFile, ...]
    kept: tuple[str, ...]
    asks_for_import: bool

    @property
    def import_line(self) -> str:
        """The line that a dodo needs."""
        return _IMPORT


def plan_scaffold(present: Present, day: date, choose: Callable[[str], str]) -> Scaffold:
    """The files to write, none of which is there. `choose` takes one letter of a text, as `random.choice` does."""
    wanted = [
        NewFile(path=".chant/config.md", text=CONFIG_TEXT),
        NewFile(path=".chant/prompts/standard.md", text=BUILT_IN_TEXT),
    ]
    if not present.spec_ids:
        path = f".chant/specs/{plan_spec_id(day, present.spec_ids, choose)}.md"
        wanted.append(NewFile(path=path, text=EXAMPLE_TEXT, about="an example"))
    if present.dodo is None:
        wanted.append(NewFile(path="dodo.py", text=DODO_TEXT))
    kept = [file.path for file in wanted if file.path in present.paths]
    if present.spec_ids:
        kept.append(f".chant/specs ({render_count(len(present.spec_ids), 'spec')})")
    if present.dodo is not None:
        kept.append("dodo.py")
    return Scaffold(
        files=tuple(file for file in wanted if file.path not in present.paths),
        kept=tuple(kept),
        asks_for_import=present.dodo is not None and "task_specs" not in present.dodo,
    )
