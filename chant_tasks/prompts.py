"""The prompt that an agent gets: a template of the project's, or the built-in one, with its variables filled in."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from chant_tasks.errors import PromptError
from chant_tasks.spec.model import Spec
from chant_tasks.spec.small_file import UnfitFile, load_small_file
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

STANDARD = "standard"
BUILT_IN_NAMES = (STANDARD, "bootstrap")  # chant's own default name; its projects have no file of that name
CONTEXT_LIMIT = 200_000
EARLIER = "attempt.earlier"

_VARIABLE = re.compile(r"\{\{[ \t]*(\w[\w. -]*?)[ \t]*\}\}")
_FRONTMATTER = re.compile(r"\A---[ \t]*\n(?:.*?^)?---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)
_SAME = "project.name"  # the one variable that stands for the same in all specs
_FENCE = re.compile(r"^`{3,}", re.MULTILINE)

BUILT_IN_TEXT = """\
# Work one spec

You work on one spec, alone, in a git worktree made for it. Which spec that is, and where, stands under "The spec".

Nobody reads along and nobody can answer, so never ask a question: where something is open, decide as the project would,
and say in the commit message what you decided.

## What to do

1. Read the spec's file to its end. It says what is wanted; its acceptance criteria say when it is done.
2. Read the code around it before you change anything, and follow the habits that you find there.
3. Make the change: all that the spec asks for, nothing that it does not.
4. Run the project's own tests and checks, and mend what you broke.
5. In the spec's file, tick the box of a criterion (`- [x]`) only when you have seen that it holds. Leave the box of any
   other open: an open box is an honest answer, a box ticked in hope is not. Change no other word of that file.
6. Commit it all: `git add` the files that you mean, then the `git commit` that stands under "The spec".

## What to leave alone

- Work inside your worktree only; other copies of the repository belong to others.
- Change no other spec, and nothing else below `.chant/`.
- Stay on your branch: no push, no merge, no rebase, no other branch. Your commits are landed for you.
- Do not run `doit` on specs; the project's other tasks are yours to run.

## The spec

- spec: `{{spec.id}}`, {{spec.title}}
- its file: `{{spec.path}}`
- your worktree: `{{worktree.path}}`, on branch `{{worktree.branch}}`
- your commits: `git commit -m "chant({{spec.id}}): what the change does"`
- files that it is likely to touch: {{spec.target_files}}

{{spec.description}}

{{spec.context}}
"""


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt before its variables are filled in; `first_line` is where `text` begins in the file `origin`."""

    origin: str
    text: str
    first_line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an agent works and at what, in the words of the prompt.

    `spec_path` is the spec's file as the agent finds it, `description` what that says below its frontmatter. `earlier`
    says what an earlier attempt left there; "" where nothing was begun.
    """

    spec_path: str
    description: str
    worktree: str
    branch: str
    project: str
    earlier: str = ""


def find_prompt_name(spec: Spec, configured: str | None) -> str:
    """Return the prompt's name: the spec's own, the project's, else `standard`."""
    return spec.prompt or configured or STANDARD


def load_template(folder: Path, name: str) -> Template:
    """Return the prompt `name` of the folder `.chant/prompts`; `standard` and `bootstrap` are there without a file.

    Raises PromptError where there is none, or its file cannot be read.
    """
    if not name.isprintable() or not name or name.startswith(".") or "/" in name or "\\" in name:
        raise PromptError(
            f"`{render_excerpt(name)}` is no name of a prompt", f"name a file of {folder} without its `.md`"
        )
    path = folder / f"{name}.md"
    try:
        text = load_small_file(path, follows_links=True).decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        if name in BUILT_IN_NAMES:
            return Template("built-in prompt", BUILT_IN_TEXT)
        raise PromptError(f"there is no prompt `{name}` in {folder}", _list_prompts(folder, name)) from None
    except UnfitFile as error:
        raise PromptError(f"{path} {error.reason}") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path} cannot be read: not UTF-8 text") from error
    if "\0" in text:  # no program can be given such a text
        raise PromptError(f"{path} cannot be read: it holds a NUL byte")
    match = _FRONTMATTER.match(text)
    head = match.group() if match else ""
    return Template(str(path), text[len(head) :], head.count("\n") + 1)


def plan_variables(spec: Spec, place: Place, context: str) -> Mapping[str, str]:
    """Return what each variable of a prompt stands for; `context` is what `load_context` gave."""
    return {
        "spec.id": spec.id,
        "spec.title": spec.title,
        "spec.description": place.description,
        "spec.path": place.spec_path,
        "spec.target_files": ", ".join(f"`{path}`" for path in spec.target_files) or "the spec names none",
        "spec.context": context,
        "project.name": place.project,
        "worktree.path": place.worktree,
        "worktree.branch": place.branch,
        EARLIER: place.earlier.rstrip("\n"),
    }


def render_prompt(template: Template | str, variables: Mapping[str, str]) -> str:
    """Return the template with each `{{variable}}` filled in, once: braces in what is filled in stay as they are.

    What an earlier attempt left comes last where the template has no place for it: an agent that is not told begins
    anew on top of it. Raises PromptError at a variable that there is not. What is no name in double braces
    (`{{color: red}}`) stays.
    """
    source = template if isinstance(template, Template) else Template("prompt", template)
    for line, reason in find_unknown_variables(source, variables):
        raise PromptError(f"{source.origin}:{line}: {reason}")
    text = _VARIABLE.sub(lambda match: variables[match.group(1)], source.text)
    earlier = variables.get(EARLIER, "")
    has_place = any(match.group(1) == EARLIER for match in _VARIABLE.finditer(source.text))
    return text if has_place or not earlier else f"{text.rstrip()}\n\n{earlier}\n"


def find_shared(template: Template) -> Template:
    """Return the head of a template that is the same for all specs: the whole sections before the one in which a spec's
    own variable comes first. Rendered, it is what the rendered template begins with."""
    names = ((match.group(1), match.start()) for match in _VARIABLE.finditer(template.text))
    first = next((start for name, start in names if name != _SAME), len(template.text))
    starts = (match.start() for match in _HEADING.finditer(template.text, 0, first))
    # A line of code may begin like a heading.
    sections = [start for start in starts if len(_FENCE.findall(template.text, 0, start)) % 2 == 0]
    return Template(template.origin, template.text[: sections[-1]] if sections else "", template.first_line)


def find_unknown_variables(template: Template, known: Collection[str]) -> Iterator[tuple[int, str]]:
    """Return each place where the template names a variable that there is not: its line in the file, what is wrong."""
    for match in _VARIABLE.finditer(template.text):
        name = match.group(1)
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" (did you mean `{near[0]}`?)" if near else f" (there are: {', '.join(known)})"
            line = template.first_line + template.text.count("\n", 0, match.start())
            yield line, f"unknown variable `{render_excerpt(name)}`{hint}"


def load_context(root: Path, paths: Iterable[str]) -> str:
    """Return the files `paths`, named from `root`, as markdown; one that cannot be shown gets a line that says why.

    Raises PromptError at a path that leads out of `root`.
    """
    return "\n\n".join(_load_context_file(root.resolve(), path) for path in paths)


def _load_context_file(root: Path, name: str) -> str:
    if name.startswith("derived_") and "=" in name:  # chant keeps values that it derived in the same list
        return name
    try:
        path = (root / name).resolve()
        is_other = path.exists() and not path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL byte, links in a circle
        return f"Context `{render_excerpt(name)}`: cannot be read."
    if not path.is_relative_to(root):
        raise PromptError(f"context `{name}` is outside of the project", "name files inside of it, seen from its root")
    if is_other:
        return f"Context `{name}`: not a file, so it is not shown."
    try:
        with path.open("rb") as file:
            data = file.read(CONTEXT_LIMIT + 1)
    except (OSError, ValueError) as error:
        return f"Context `{name}`: {getattr(error, 'strerror', None) or 'cannot be read'}."
    if b"\0" in data:
        return f"Context `{name}`: not text, so it is not shown."
    return _render_context(name, data)


def _render_context(name: str, data: bytes) -> str:
    text = data[:CONTEXT_LIMIT].decode("utf-8", "replace")
    fence = max(["```", *(f"{found}`" for found in _FENCE.findall(text))], key=len)
    rest = f"\n(cut here: only the first {CONTEXT_LIMIT // 1000} kB are shown)" if len(data) > CONTEXT_LIMIT else ""
    return f"Context `{name}`:\n\n{fence}\n{text.rstrip()}\n{fence}{rest}"


def _list_prompts(folder: Path, name: str) -> str:
    present = sorted({path.stem for path in folder.glob("*.md")} | {STANDARD})
    near = get_close_matches(name, present, n=1)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(present)}"
