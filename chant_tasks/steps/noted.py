"""What was in the user's checkout before an agent works there: noted in the journal, and put back from it."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chant_tasks.errors import ChantError
from chant_tasks.git.index import (
    Entry,
    add_files_from_index,
    apply_entries,
    apply_intent,
    apply_refresh,
    load_changed,
    load_committed,
    load_entries,
    load_intents,
)
from chant_tasks.git.noted import apply_hidden, load_ignored, load_untracked
from chant_tasks.git.objects import find_blob, load_file
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.files import save_whole
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.spec.store import save_file
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedSpec:
    """A spec's file that was not as HEAD had it: its index entry, and what it held (None: it was gone)."""

    path: str
    entry: Entry | None
    is_intent: bool
    data: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What was in the checkout before.

    `commit` is where HEAD was ("" in a journal that does not tell). `untracked` and `ignored` are paths, with a slash
    at the end where a whole folder is meant; `head_log` is how long git's log of HEAD was.
    """

    untracked: tuple[str, ...]
    ignored: tuple[str, ...]
    specs: tuple[NotedSpec, ...]
    head_log: int
    commit: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The noted specs' files."""
        return tuple(spec.path for spec in self.specs)

    def is_users(self, path: str) -> bool:
        """Whether `path` was there before, or is in a folder that was, without being tracked."""
        kept = {*self.untracked, *self.ignored}
        parts = path.split("/")
        return (
            path in kept
            or f"{path}/" in kept
            or any("/".join(parts[:depth]) + "/" in kept for depth in range(1, len(parts)))
        )


def load_noted(git: Git, git_dir: Path, specs_prefix: str, own: str) -> Noted:
    """What there is in the checkout now that is to come back; `own` is the spec's file, kept apart."""
    untracked, intents = load_untracked(git), load_intents(git)
    others = [path for path in untracked if path.startswith(specs_prefix) and path.endswith(".md")]
    changed = [path for path in sorted(load_changed(git)) if path.startswith(specs_prefix)]
    entries = load_entries(git, (*changed, *others))
    log = git_dir / "logs" / "HEAD"
    return Noted(
        untracked=untracked,
        ignored=load_ignored(git),
        specs=tuple(
            NotedSpec(
                path=path,
                entry=entries.get(path),
                is_intent=path in intents,
                data=None if path == own else _find_bytes(git.folder / path),
            )
            for path in (*changed, *others)
        ),
        head_log=log.stat().st_size if log.is_file() else 0,
        commit=find_commit(git, "HEAD") or "",
    )


def save_noted(path: Path, noted: Noted) -> None:
    """Keep what was noted."""
    specs = [
        {
            "path": spec.path,
            "entry": [spec.entry.mode, spec.entry.blob] if spec.entry is not None else None,
            "is_intent": spec.is_intent,
            "data": base64.b64encode(spec.data).decode() if spec.data is not None else None,
        }
        for spec in noted.specs
    ]
    values = {
        "untracked": noted.untracked,
        "ignored": noted.ignored,
        "specs": specs,
        "head_log": noted.head_log,
        "commit": noted.commit,
    }
    save_whole(path, json.dumps(values).encode())


def find_noted(path: Path) -> Noted | None:
    """What was noted; None where nothing was touched yet. Raises ChantError where it cannot be read."""
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_bytes())
        return Noted(
            untracked=tuple(values["untracked"]),
            ignored=tuple(values["ignored"]),
            specs=tuple(
                NotedSpec(
                    path=spec["path"],
                    entry=Entry(mode=spec["entry"][0], blob=Oid(spec["entry"][1])) if spec["entry"] else None,
                    is_intent=spec["is_intent"],
                    data=base64.b64decode(spec["data"]) if spec["data"] is not None else None,
                )
                for spec in values["specs"]
            ),
            head_log=values["head_log"],
            commit=values.get("commit", ""),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ChantError(f"what was noted of your checkout cannot be read: {error}") from error


def apply_aside(git: Git, noted: Noted, own: str, commit: Oid) -> None:
    """Let the index have the specs' files as `commit` has them, and hide those of other specs from git's commands."""
    _apply_committed(git, noted, commit)
    hide_others(git, noted, own, is_hidden=True)


def take_away(git: Git, noted: Noted, commit: Oid) -> None:
    """Let every noted spec's file be as HEAD has it, so that git can switch to `commit`; `put_there` brings back what
    they held."""
    _apply_committed(git, noted, "HEAD")
    tracked = load_entries(git, noted.paths)
    add_files_from_index(git, tracked)
    for path in load_committed(git, commit, noted.paths).keys() - tracked.keys():
        (git.folder / path).unlink(missing_ok=True)
    apply_refresh(git)


def put_there(git: Git, noted: Noted, own: str) -> None:
    """The noted specs' files as the user had them, whatever commit HEAD is at; the own one apart."""
    for spec in noted.specs:
        if spec.path != own:
            _put_back_file(git, spec, spec.data)


def hide_others(git: Git, noted: Noted, own: str, *, is_hidden: bool) -> None:
    """Hide the noted specs' files, the own one apart; an untracked one has no entry to mark."""
    apply_hidden(git, load_tracked_others(git, noted, own), is_hidden=is_hidden)


def load_tracked_others(git: Git, noted: Noted, own: str) -> tuple[str, ...]:
    """The paths of the noted specs that are tracked, the own one apart."""
    return tuple(load_entries(git, (path for path in noted.paths if path != own)))


def find_newer(git: Git, noted: Noted, commits: Iterable[Oid]) -> Noted:
    """`noted`, with what its user has written into other specs' files since: what none of `commits` has there."""
    commits = tuple(commits)

    def look(spec: NotedSpec) -> NotedSpec:
        current = _find_bytes(git.folder / spec.path)
        is_ours = current is None or any(current == find_file(git, commit, spec.path) for commit in commits)
        return spec if is_ours else replace(spec, data=current)

    return replace(noted, specs=tuple(look(spec) for spec in noted.specs))


def put_back_specs(git: Git, noted: Noted, own: str, base: Oid) -> None:
    """The noted specs' files and index entries as they were. Where the target has a newer text of one meanwhile, what
    was changed in the file is merged into that, and is staged no longer."""
    tip = find_commit(git, "HEAD") or base
    at_tip, at_base = load_committed(git, tip, noted.paths), load_committed(git, base, noted.paths)
    newer = {path for path in noted.paths if _find_blob(at_tip, path) != _find_blob(at_base, path)}
    for spec in noted.specs:
        if spec.path != own:
            _put_back_file(git, spec, _merge(git, spec, base, tip) if spec.path in newer else spec.data)
    intents = [spec.path for spec in noted.specs if spec.is_intent and spec.path not in newer]
    before = {spec.path: None if spec.is_intent else spec.entry for spec in noted.specs}
    apply_entries(git, before | {path: at_tip.get(path) for path in newer})
    for path in intents:
        apply_intent(git, path)


def put_back_untracked(git: Git, noted: Noted, commits: Sequence[Oid]) -> None:
    """The user's files that an agent added by force, and that a switch of its own took away: from the first of
    `commits` that has them."""
    for commit in commits:
        listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit).fields
        for head, _, path in (line.partition("\t") for line in listed):
            mode, kind, blob = head.split(" ")
            place = git.folder / path
            if kind == "blob" and mode != "120000" and noted.is_users(path) and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(git.run("cat-file", "--filters", f"--path={path}", blob).stdout)
                place.chmod(0o755 if mode == "100755" else 0o644)


def _apply_committed(git: Git, noted: Noted, commit: str) -> None:
    """Let the index have the noted specs' files as the commit has them."""
    committed = load_committed(git, commit, noted.paths)
    apply_entries(git, {path: committed.get(path) for path in noted.paths})


def _find_blob(entries: Mapping[str, Entry], path: str) -> Oid | None:
    return entries[path].blob if path in entries else None


def find_file(git: Git, commit: Oid, path: str) -> bytes | None:
    """What a checkout of `commit` has at `path`; None where there is nothing."""
    return load_file(git, commit, path) if find_blob(git, commit, path) is not None else None


def _merge(git: Git, spec: NotedSpec, base: Oid, tip: Oid) -> bytes | None:
    old, new = find_file(git, base, spec.path), find_file(git, tip, spec.path)
    if spec.data is None or old is None or new is None:
        return spec.data
    merged = find_merged_spec(git, current=spec.data, base=old, other=new)
    return merged if merged is not None else spec.data


def _put_back_file(git: Git, spec: NotedSpec, data: bytes | None) -> None:
    place = git.folder / spec.path
    if data is None:
        place.unlink(missing_ok=True)
    elif _find_bytes(place) != data:
        place.parent.mkdir(parents=True, exist_ok=True)
        save_file(place, data)


def _find_bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
