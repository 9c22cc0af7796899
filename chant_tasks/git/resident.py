"""Gits that stay for as long as we do: to read objects and refs, and to make trees, one of each a repository.

A start of git takes longer than most of what git is asked (docs/why/git.md). What others write is seen at once: refs
are read anew for each question, and an object that is not found is looked for again in packs that came meanwhile.
"""

import atexit
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from chant_tasks.git.dialogue import Dialogue, Gone
from chant_tasks.git.place import Place, find_place
from chant_tasks.git.runner import Git, Oid, is_trusted
from chant_tasks.git.running import GitProcess
from chant_tasks.git.worktrees import name_registration

_AT_ONCE = 15  # the longest paths, together, still fit into a pipe: git may not read while it answers
_MOST = 6  # a run works in one repository, and in the submodules of some
_READER = ("cat-file", "--batch-command", "-z")
_TREE_MAKER = ("mktree", "--batch", "--missing", "-z")

_BY_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])")
_OF_ONE_WORKTREE = ("refs/bisect/", "refs/worktree/", "refs/rewritten/")


class Found(NamedTuple):
    """The object that a name means: its id, its type, and what it holds (b"" where that was not asked)."""

    oid: Oid
    kind: str
    data: bytes


def is_whole(name: str) -> bool:
    """Whether a name is a whole id, which means the same for ever."""
    return _BY_ID.fullmatch(name) is not None


def find_object(git: Git, name: str) -> Found | None:
    """The id and type of what `name` means (a ref, a whole id, or one of them with `^{tree}` or `:path` behind it);
    None where there is nothing."""
    return _load(git, (name,), has_data=False)[0]


def find_objects(git: Git, names: Sequence[str]) -> Iterator[Found | None]:
    """As `find_object`, for each of the names."""
    for start in range(0, len(names), _AT_ONCE):
        yield from _load(git, names[start : start + _AT_ONCE], has_data=False)


def load_object(git: Git, name: str) -> Found | None:
    """As `find_object`, with what the object holds."""
    return _load(git, (name,), has_data=True)[0]


def load_objects(git: Git, names: Sequence[str]) -> Iterator[Found | None]:
    """As `load_object`, for each of the names."""
    for start in range(0, len(names), _AT_ONCE):
        yield from _load(git, names[start : start + _AT_ONCE], has_data=True)


def add_tree(git: Git, entries: bytes) -> Oid:
    """The id of a new tree of these entries, each as `ls-tree -z` has it. That what they name is there is up to the
    caller."""
    dialogue = _find_dialogue(git, find_place(git.folder), _TREE_MAKER)
    if dialogue is not None:
        with suppress(Gone):
            return dialogue.ask(entries + b"\0", lambda answer: Oid(answer.read_line().decode()))
    return Oid(git.run("mktree", "--missing", "-z", stdin=entries).text)


def end_residents() -> None:
    """End the gits that stay; the next question starts one again."""
    with _residents.lock:
        dialogues = list(_residents.dialogues.values())
        _residents.dialogues.clear()
    for dialogue in dialogues:
        dialogue.end()


class _Residents:
    """The gits that stay, the one that was asked last at the end."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.dialogues: OrderedDict[tuple[Path, tuple[str, ...]], Dialogue] = OrderedDict()


_residents = _Residents()


def _forget_residents() -> None:
    _residents.lock = threading.Lock()
    for dialogue in _residents.dialogues.values():
        dialogue.forget()
    _residents.dialogues.clear()


os.register_at_fork(after_in_child=_forget_residents)
atexit.register(end_residents)


def _load(git: Git, names: Sequence[str], *, has_data: bool) -> tuple[Found | None, ...]:
    place = find_place(git.folder)
    known = [_find_common_name(place, name) if place is not None else None for name in names]
    dialogue = _find_dialogue(git, place, _READER) if None not in known else None
    if dialogue is not None:
        question = "".join(f"{'contents' if has_data else 'info'} {name}\0" for name in known)
        with suppress(Gone):
            return dialogue.ask(_encode(question), lambda answer: tuple(_read(answer, has_data) for _ in names))
    mode = "--batch" if has_data else "--batch-check"
    asked = (git.run("cat-file", mode, "-z", stdin=_encode(f"{name}\0"), ok=(0, 128)) for name in names)
    return tuple(_parse(answer.stdout) for answer in asked)


def _find_common_name(place: Place, name: str) -> str | None:
    if "\n" in name or not name:  # a name that is not there is in the answer, and would be two lines of it
        return None
    if _BY_ID.match(name) or (name.startswith("refs/") and not name.startswith(_OF_ONE_WORKTREE)):
        return name
    if re.fullmatch(r"HEAD(\^\{[a-z]+\})?", name) is None:
        return None
    if place.git_dir == place.common_dir:
        return name
    folder = place.git_dir
    is_named = folder.parent == place.common_dir / "worktrees" and folder.name == name_registration(folder)
    return f"worktrees/{folder.name}/{name}" if is_named else None


def _find_dialogue(git: Git, place: Place | None, arguments: tuple[str, ...]) -> Dialogue | None:
    """The git that stays for the repository at `place`, around git's folder; none where there is none that we may
    trust."""
    if place is None or git.finds_place or not is_trusted(place):
        return None
    key = (place.common_dir, arguments)
    with _residents.lock:
        dialogue = _residents.dialogues.get(key) or Dialogue(_plan_start(*key))
        _residents.dialogues[key] = dialogue
        _residents.dialogues.move_to_end(key)
        oldest = _residents.dialogues.popitem(last=False)[1] if len(_residents.dialogues) > _MOST else None
    if oldest is not None:
        oldest.retire()
    return dialogue


def _plan_start(common_dir: Path, arguments: tuple[str, ...]) -> Callable[[], GitProcess]:
    # Neither of them works on files. That of a submodule would look for its own where its settings say.
    place = (("GIT_DIR", str(common_dir)), ("GIT_WORK_TREE", str(common_dir)))
    git = Git(common_dir, finds_place=True, variables=place)
    return partial(git.start, *arguments, keeps_errors=False)


def _read(answer: Dialogue, has_data: bool) -> Found | None:
    found = _parse_head(answer.read_line())
    if found is None or not has_data:
        return found and found[0]
    return found[0]._replace(data=answer.read_bytes(found[1]))


def _parse(answer: bytes) -> Found | None:
    head, _, data = answer.partition(b"\n")
    found = _parse_head(head)
    return found[0]._replace(data=data[: found[1]]) if found is not None else None


def _parse_head(line: bytes) -> tuple[Found, int] | None:
    """The object that a line tells of, and its size."""
    words = line.rsplit(b" ", 2)
    if len(words) < 3 or not words[2].isdigit() or not _BY_ID.fullmatch(words[0].decode(errors="replace")):
        return None  # "… missing" or "… ambiguous", or the beginning of a name with a newline
    return Found(Oid(words[0].decode()), words[1].decode(), b""), int(words[2])


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
