"""Whether a spec's task has nothing to do: what doit asks before it runs one."""

from chant_tasks.doit_plugin.session import Session
from chant_tasks.overview import load_state
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State

_DONE = State(kind=Kind.COMPLETED)


class IsFinished:
    """True where the spec is completed or cancelled, and for an agent's doit always: agents never work specs."""

    def __init__(self, session: Session, spec_id: SpecId) -> None:
        self._session = session
        self._spec_id = spec_id

    def __call__(self) -> bool:
        if self._session.is_agent:
            return True
        work = self._session.work
        noted = work.noted.pop(self._spec_id, None) if work is not None else None
        state = noted or load_present_state(self._session, self._spec_id)
        return state is not None and state.is_satisfied


def load_present_state(session: Session, spec_id: SpecId) -> State | None:
    """The spec's state now; what was finished stays so. None where it cannot be told, which the action will say."""
    overview = session.overview
    if overview is None:
        return None
    known = overview.states.get(spec_id)
    if known is not None and known.is_satisfied:
        return known
    try:
        return load_state(overview, spec_id)
    except Exception:  # an exception from here would end the whole run of doit
        return known


def load_finished_state(session: Session, spec_id: SpecId) -> State:
    """The state of a spec that there is nothing to do for. What an earlier run could not clean up after it may be gone
    by now: the run begins with that."""
    overview = session.overview
    known = overview.states.get(spec_id, _DONE) if overview is not None else _DONE
    if overview is None or not (known.is_satisfied and known.details):
        return known
    try:
        return load_state(overview, spec_id)
    except Exception:  # as above
        return known
