"""Which branch a spec is worked on, and whether its work stays there."""

import re
from collections.abc import Iterable, Mapping

from chant_tasks.config.model import Config
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.values import dataclass

DIRECT_PREFIX = "spec/"
_FORBIDDEN = re.compile(r"\.\.|@\{|[\x00-\x20\x7f~^:?*\[\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A spec's branch; with `is_kept` finalized work stays on it instead of landing on the target, and with `has_pr` it
    is pushed, for a pull request."""

    name: str
    is_kept: bool
    has_pr: bool = False


def find_branch(spec_id: SpecId, spec: Spec | None, config: Config) -> Branch:
    """The branch that the spec is worked on: as its own `branch:`, `branch_prefix:` and `pr:` say, else the config.

    A text in `branch:` is chant's record of a branch that it made: it says nothing of the next one. One in `pr:` is the
    address of a pull request, and who had one gets one again: never past a review that was asked for. A pull request
    needs a branch; what the spec says itself goes before the settings.
    """
    own_branch = spec.branch if spec is not None and isinstance(spec.branch, bool) else None
    own_pr = bool(spec.pr) if spec is not None and spec.pr is not None else None
    has_pr = own_pr if own_pr is not None else config.defaults.pr and own_branch is not False
    asked = has_pr or (own_branch if own_branch is not None else config.defaults.branch)
    if not asked:
        return Branch(name=f"{DIRECT_PREFIX}{spec_id}", is_kept=False)
    own = spec.branch_prefix if spec is not None else None
    return Branch(name=f"{own or config.defaults.branch_prefix}{spec_id}", is_kept=True, has_pr=has_pr)


def is_stacked(spec_id: SpecId, spec: Spec | None, config: Config) -> bool:
    """Whether the spec begins on the branches of what it depends on: only work that stays on a branch may."""
    return config.defaults.stack and find_branch(spec_id, spec, config).is_kept


def find_base_branch(spec_id: SpecId, spec: Spec | None, config: Config) -> str:
    """The branch that the spec's work stands on where that is made of several others."""
    own = spec.branch_prefix if spec is not None else None
    return f"{own or config.defaults.branch_prefix}base/{spec_id}"


def is_branch_name(name: str) -> bool:
    """Whether git can have a branch of this name (the rules of git-check-ref-format)."""
    parts = name.split("/")
    has_bad_part = any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    is_taken = name in ("@", "HEAD") or name.startswith("-")  # git reads them as something else
    return not (has_bad_part or is_taken or name.endswith(".") or _FORBIDDEN.search(name))


def find_branch_collisions(branches: Mapping[SpecId, Branch], taken: Iterable[str]) -> Mapping[SpecId, str]:
    """Why a spec cannot have its branch: another one has it, or git cannot have both (`a` and `a/b`); for each of them.

    `taken` are other branches that must stay, such as the target.
    """
    owners: dict[str, list[SpecId]] = {}
    for spec_id, branch in branches.items():
        owners.setdefault(branch.name, []).append(spec_id)
    names = {*owners, *taken}
    problems = {}
    for spec_id, branch in branches.items():
        parts = branch.name.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        other = next((name for name in above if name in names), None)
        if not is_branch_name(branch.name):
            mend = "rename its file" if not is_branch_name(f"{DIRECT_PREFIX}{spec_id}") else "change its branch_prefix"
            problems[spec_id] = f"git cannot have a branch named {branch.name}: {mend}"
        elif len(owners[branch.name]) > 1:
            named = " and ".join(other for other in owners[branch.name] if other != spec_id)
            problems[spec_id] = f"its branch {branch.name} would also be that of {named}"
        elif branch.name in taken:
            problems[spec_id] = f"its branch {branch.name} would be the target"
        elif other is not None:
            problems[spec_id] = f"git cannot have its branch {branch.name} beside the branch {other}"
    return problems
