"""Whose the folders and links on the way to a path are: whoever owns one of them decides what is there."""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path


def find_foreign_part(path: Path, trusted: Collection[int]) -> Path | None:
    """The first folder or link on the way to `path` whose owner is none of `trusted`; None where there is none. Links
    are followed one by one: whoever owns one of them sends us where they like."""
    return next((part for part in _find_parts(path) if part.lstat().st_uid not in trusted), None)


def find_foreign_link(path: Path, trusted: Collection[int]) -> Path | None:
    """As `find_foreign_part`, of links alone: folders of others are no danger to a folder that is ours."""
    links = (part for part in _find_parts(path) if stat.S_ISLNK(part.lstat().st_mode))
    return next((link for link in links if link.lstat().st_uid not in trusted), None)


def find_trusted(folder: Path) -> frozenset[int]:
    """Who may own what leads to a folder of ours: root, ourselves, and whoever owns `/` or `folder`."""
    return frozenset({0, os.geteuid(), Path("/").stat().st_uid, folder.stat().st_uid})


def _find_parts(path: Path) -> Iterator[Path]:
    path = Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would hide the links
    for part in (*reversed(path.parents), path):
        yield part
        if stat.S_ISLNK(part.lstat().st_mode):
            yield from _find_parts(part.parent.resolve() / part.readlink())
