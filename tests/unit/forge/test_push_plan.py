"""A push goes over nothing but what we have put there ourselves."""

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.forge.push_plan import Adopt, Leave, Push, Seen, plan_push
from chant_tasks.git.runner import Oid

_OIDS = st.sampled_from([Oid(letter * 40) for letter in "abcd"])
_MAYBE = st.one_of(st.just(Oid("")), _OIDS)


def seen(there: str | None, *, pushed: str = "", pending: str = "", is_forward: bool = False) -> Seen:
    place = Oid(there) if there is not None else None
    return Seen(tip=Oid("tip"), there=place, pushed=Oid(pushed), pending=Oid(pending), is_forward=is_forward)


def test_what_is_there_decides() -> None:
    assert plan_push(seen(None)) == Push(Oid(""))
    assert plan_push(seen("tip")) == Adopt()
    assert plan_push(seen("old", pushed="old")) == Push(Oid("old"))
    assert plan_push(seen("half", pushed="old", pending="half")) == Push(Oid("half"))
    assert plan_push(seen("theirs", pushed="old", is_forward=True)) == Push(Oid("theirs"))
    assert plan_push(seen("theirs", pushed="old")) == Leave(
        "has commits there that are not ours (theirs), and none was overwritten", is_foreign=True
    )
    assert plan_push(seen("old", is_forward=True)) == Leave(
        "has a branch of that name that is not ours", is_foreign=True
    )
    assert plan_push(seen(None, pushed="older")) == Push(Oid(""))
    assert plan_push(seen(None, pushed="tip")) == Leave(
        "its branch was removed there, and no merge of it has been seen"
    )


@given(tip=_OIDS, there=st.one_of(st.none(), _OIDS), pushed=_MAYBE, pending=_MAYBE, is_forward=st.booleans())
def test_nobodys_commit_is_ever_overwritten(
    tip: Oid, there: Oid | None, pushed: Oid, pending: Oid, is_forward: bool
) -> None:
    plan = plan_push(Seen(tip=tip, there=there, pushed=pushed, pending=pending, is_forward=is_forward))

    if isinstance(plan, Push):
        assert plan.lease == (there or "")
        assert there is None or there in (pushed, pending) or (is_forward and bool(pushed or pending))
    else:
        assert isinstance(plan, Leave) or tip == there
