"""Landings that an earlier run had begun: what has landed by then, and what was about to, with what belongs to it."""

from collections.abc import Sequence

from chant_tasks.git.history import load_line
from chant_tasks.git.objects import find_blob, is_ancestor, load_blob
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AttemptRecord, load_last, load_open
from chant_tasks.landing.checkout import SpecFile
from chant_tasks.landing.commit import Made
from chant_tasks.landing.land import Landed, Request
from chant_tasks.landing.stack import Stack
from chant_tasks.steps.advance import Results, advance, hold_target
from chant_tasks.steps.attempt import find_copy
from chant_tasks.steps.candidate import Batch


def find_landed(batch: Batch) -> Results:
    """Those of the candidates that another one has taken along to the target: they were to land together."""
    target = f"refs/heads/{batch.target}"
    return {
        request.spec: Landed(
            commit=request.resumed.commit,
            tip=request.resumed.tip,
            final=_load_final(batch, request, request.resumed.commit),
            holds=None if _is_left_out(batch, request, request.resumed.commit) else request.head,
        )
        for request in batch.requests
        if request.resumed is not None
        and find_commit(batch.git, request.resumed.commit) is not None
        and is_ancestor(batch.git, request.resumed.commit, target)
    }


def finish_begun(batch: Batch) -> Results:
    """What became of those that were about to land together, where the target still is where they began: it moves to
    the commit that was checked then, and a checkout that was moved halfway is at one with it again."""
    for tip in dict.fromkeys(request.resumed.tip for request in batch.requests if request.resumed is not None):
        with hold_target(batch) as is_held:
            old = find_commit(batch.git, f"refs/heads/{batch.target}")
            stack = _find_stack(batch, old, tip) if is_held and old is not None else None
            beside = _find_beside(batch, tip)
            if stack is None or not _is_whole(batch, stack, beside):
                continue
            results = advance(batch, stack, tuple(_load_file(batch, one) for one in beside if not one.is_ignored))
            if results:
                return results
    return {}


def _find_stack(batch: Batch, old: Oid, tip: Oid) -> Stack | None:
    """The stack that an earlier run was about to land, of those who are here; None where none of them is."""
    members = [
        Made(request=request, commit=request.resumed.commit, final=_load_final(batch, request, request.resumed.commit))
        for request in batch.requests
        if request.resumed is not None and (request.resumed.old, request.resumed.tip) == (old, tip)
    ]
    return Stack(old=old, members=tuple(members), conflicts={}, tip=tip) if members else None


def _find_beside(batch: Batch, tip: Oid) -> tuple[AttemptRecord, ...]:
    """The attempts that were to land with it and are in nobody's hands here."""
    journal, here = batch.run.overview.project.journal_folder, {request.spec for request in batch.requests}
    records = (load_last(journal, spec) for spec in sorted(load_open(journal)) if spec not in here)
    return tuple(record for record in records if record is not None and record.landing_tip == tip)


def _is_whole(batch: Batch, stack: Stack, beside: Sequence[AttemptRecord]) -> bool:
    """Whether nobody of it is missing (one was discarded), and nobody has gone on from what was to land."""
    git = batch.git
    if find_commit(git, stack.end) is None:
        return False
    heads = [(made.request.head, made.commit) for made in stack.members]
    heads += [(find_commit(git, f"refs/heads/{one.branch}"), Oid(one.landing_commit)) for one in beside if one.branch]
    count = len(load_line(git, stack.old, stack.end))
    return count == len(stack.members) + len(beside) and all(
        head is None or is_ancestor(git, head, commit) for head, commit in heads
    )


def _is_left_out(batch: Batch, request: Request, commit: Oid) -> bool:
    """Whether the history of a landing commit leaves the work's own commits out."""
    return request.head is not None and not is_ancestor(batch.git, request.head, commit)


def _load_file(batch: Batch, record: AttemptRecord) -> SpecFile:
    """The file of a spec that lands and is in nobody's hands, as its attempt's copies have it."""
    given, final = (find_copy(batch.run, record, name) or b"" for name in ("given.md", "final.md"))
    return SpecFile(path=record.spec_path, given=given, final=final)


def _load_final(batch: Batch, request: Request, commit: Oid) -> bytes:
    """A spec's file as its landing commit has it."""
    blob = None if request.is_ignored else find_blob(batch.git, commit, request.spec_path)
    return load_blob(batch.git, blob) if blob is not None else request.final
