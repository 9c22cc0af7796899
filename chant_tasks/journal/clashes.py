"""Branches that a spec was to begin on and that contradict each other: noted, so that every screen tells the same.

`clashes/<spec>.json` holds as long as these branches end where they did.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from chant_tasks.journal.files import save_whole
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Clash
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedClash:
    """What contradicts each other, where each dependency's branch ended then, and the target ("" where it took no
    part)."""

    clash: Clash
    tips: Mapping[SpecId, str]
    target: str


def save_clash(journal: Path, spec: SpecId, noted: NotedClash) -> None:
    """Note why a spec cannot begin."""
    save_whole(_find_path(journal, spec), json.dumps(asdict(noted)).encode() + b"\n")


def remove_clash(journal: Path, spec: SpecId) -> None:
    """A spec can begin: nothing contradicts any more."""
    _find_path(journal, spec).unlink(missing_ok=True)


def load_clashes(journal: Path) -> Mapping[SpecId, NotedClash]:
    """Each clash that is noted, by spec; one that cannot be read says nothing."""
    folder = journal / "clashes"
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    found = {SpecId(path.name.removesuffix(".json")): _parse(path.read_bytes()) for path in paths}
    return {spec: noted for spec, noted in found.items() if noted is not None}


def _find_path(journal: Path, spec: SpecId) -> Path:
    return journal / "clashes" / f"{spec}.json"


def _parse(data: bytes) -> NotedClash | None:
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        values = json.loads(data)
        clash = values["clash"]
        return NotedClash(
            clash=Clash(one=clash["one"], other=clash["other"], paths=tuple(clash["paths"])),
            tips={SpecId(spec): str(tip) for spec, tip in values["tips"].items()},
            target=str(values["target"]),
        )
    return None
