"""Commits made once more elsewhere: the same author and words, with another tree or parent."""

from collections.abc import Mapping
from dataclasses import replace

from chant_tasks.git.objects import add_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A commit as it is: `author` holds name, e-mail address and date, as git wants them in its environment."""

    oid: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: tuple[tuple[str, str], ...]
    message: str


def load_originals(git: Git, base: Oid, head: Oid) -> tuple[Original, ...]:
    """The commits in `head` and not in `base`, each behind its parents."""
    listed = git.run("rev-list", "--reverse", "--topo-order", f"{base}..{head}").text.split()
    return tuple(_load_original(git, Oid(oid)) for oid in listed)


def add_again(git: Git, wanted: Original, *, is_signed: bool) -> Oid:
    """The id of a commit like an original, its tree, parents and message as they are `wanted`. Raises GitError without
    a key."""
    by = replace(git, variables=wanted.author)
    return add_commit(by, wanted.tree, wanted.parents, wanted.message, is_signed=is_signed)


def _load_original(git: Git, oid: Oid) -> Original:
    head, _, body = git.run("cat-file", "commit", oid).stdout.partition(b"\n\n")
    rows = [line.partition(b" ")[::2] for line in head.split(b"\n")]
    fields: Mapping[bytes, bytes] = dict(reversed(rows))  # those of a signature, further below, do not count
    encoding = fields.get(b"encoding", b"utf-8").decode("ascii", "replace")
    return Original(
        oid=oid,
        tree=Oid(fields[b"tree"].decode()),
        parents=tuple(Oid(value.decode()) for name, value in rows if name == b"parent"),
        author=_parse_author(_decode(fields[b"author"], encoding)),
        message=_decode(body, encoding),
    )


def _parse_author(line: str) -> tuple[tuple[str, str], ...]:
    """`Ann <ann@example.com> 1767222000 +0100` as variables; git takes no empty name."""
    name, _, rest = line.partition(" <")
    email, _, date = rest.rpartition("> ")
    return (
        ("GIT_AUTHOR_NAME", name or email or "unknown"),
        ("GIT_AUTHOR_EMAIL", email),
        ("GIT_AUTHOR_DATE", f"@{date}"),
    )


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "surrogateescape")
    except LookupError:  # an encoding that nobody knows
        return data.decode("utf-8", "surrogateescape")
