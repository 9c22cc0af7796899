"""What the commits of a history say."""

from collections.abc import Iterator, Sequence

from chant_tasks.git.runner import Git, Oid
from chant_tasks.values import dataclass

_COMMIT, _FIELD = "\1", "\2"  # between commits, and between what is told of one
_LANDINGS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Touching:
    """A commit that changed `paths`, among others: its abbreviated id, first line, and the value of a trailer."""

    commit: str
    subject: str
    trailer: str
    paths: tuple[str, ...]


def load_subjects(git: Git, base: Oid, head: Oid) -> tuple[str, ...]:
    """The commits in `head` and not in `base`, oldest first, merges left out: abbreviated id and subject."""
    listed = git.run(
        "log", "--format=%h %s", "--reverse", "--no-merges", "--no-show-signature", f"{base}..{head}", "--"
    )
    return tuple(listed.text.splitlines())


def load_touching(git: Git, old: Oid, new: Oid, paths: Sequence[str], trailer: str) -> tuple[Touching, ...]:
    """The steps from `old` to `new`, oldest first, that changed one of `paths`: a merge counts as one step, by all that
    it brought."""
    form = f"--format=%x01%h%x02%s%x02%(trailers:key={trailer},valueonly,separator=%x20)%x02"
    options = ("--reverse", "--first-parent", "--diff-merges=first-parent", "--no-renames", "--name-only", "-z")
    literal = [f":(top,literal){path}" for path in paths]
    listed = git.run("log", form, *options, "--no-show-signature", f"{old}..{new}", "--", *literal)
    return tuple(_parse_touching(listed.stdout.decode("utf-8", "surrogateescape")))


def _parse_touching(text: str) -> Iterator[Touching]:
    for chunk in text.split(_COMMIT)[1:]:
        commit, subject, trailer, names = chunk.split(_FIELD, 3)
        paths = tuple(name for name in (field.strip("\n") for field in names.split("\0")) if name)
        yield Touching(commit=commit, subject=subject, trailer=trailer.strip(), paths=paths)


def has_landing(git: Git, known: Sequence[Oid], tip: Oid) -> bool:
    """Whether `tip` holds a landing that none of the commits `known` does."""
    others = [f"^{commit}" for commit in known]
    found = git.run("rev-list", "--max-count=1", "--grep=^Chant-Spec: ", tip, *others, "--")
    return bool(found.stdout)


def load_own(git: Git, known: Oid, tip: Oid) -> tuple[str, ...]:
    """The abbreviated ids of the commits between two of a target that no landing and no merge of ours made, oldest
    first. What came with a landing is that landing's."""
    options = ("--first-parent", "--reverse", "--invert-grep", "--grep=^Chant-Spec: ", "--grep=^chant: merge ")
    listed = git.run("log", "--format=%h", "--no-show-signature", *options, f"{known}..{tip}", "--")
    return tuple(listed.text.splitlines())


def load_line(git: Git, base: Oid, head: Oid) -> tuple[Oid, ...]:
    """The commits from `head` back to `base`, each one's first parent next."""
    return tuple(map(Oid, git.run("rev-list", "--first-parent", f"{base}..{head}", "--").text.split()))


def find_landed_specs(git: Git, tip: Oid) -> tuple[str, ...]:
    """The ids of the specs that landed in a history, in whichever clone, the last first; not those of long ago."""
    options = (f"--max-count={_LANDINGS}", "--no-show-signature", "--grep=^Chant-Spec: ")
    listed = git.run("log", *options, "--format=%(trailers:key=Chant-Spec,valueonly,separator=%x20)", tip, "--")
    return tuple(dict.fromkeys(line.strip() for line in listed.text.splitlines() if line.strip()))
