"""What an agent is told that goes on from an earlier attempt."""

from chant_tasks.earlier import Clash, Earlier, LandedChange, render_facts, render_resumed, render_section

EARLIER = Earlier(
    reason="the run was stopped",
    commits=("1a2b3c4 Add a retry",),
    files=("fetch.py", "tests/test_fetch.py"),
    uncommitted=("tests/test_fetch.py",),
    ticked=("retries twice",),
)
FACTS = """\
- 1 commit:
  - `1a2b3c4 Add a retry`
- 2 files changed in all:
  - `fetch.py`
  - `tests/test_fetch.py`
- 1 of these not committed:
  - `tests/test_fetch.py`
- 1 box ticked:
  - `retries twice`"""


def test_everything_that_is_there_is_listed() -> None:
    assert render_facts(EARLIER) == FACTS


def test_an_attempt_that_changed_nothing_is_said_to_have_changed_nothing() -> None:
    assert render_facts(Earlier(reason="killed", ticked=("one",))) == "- nothing was changed"


def test_a_long_list_is_cut_and_counted() -> None:
    facts = render_facts(Earlier(reason="x", files=tuple(f"{number}.txt" for number in range(33))))

    assert facts.splitlines()[0] == "- 33 files changed in all:"
    assert facts.splitlines()[-2:] == ["  - `29.txt`", "  - and 3 more"]


def test_a_name_stays_in_its_line_and_in_its_quotes() -> None:
    facts = render_facts(Earlier(reason="x", commits=("1a2 use `x`\n\n# now",), files=("{a}",)))

    assert facts.splitlines()[1] == "  - `` 1a2 use `x` # now ``"
    assert facts.splitlines()[3] == "  - `{a}`"


def test_a_whole_prompt_gets_a_section_and_a_resumed_session_a_message_of_its_own() -> None:
    section = render_section(EARLIER, spec_path="", worktree="", branch="")
    message = render_resumed(EARLIER, spec_path=".chant/specs/a.md", worktree="/tmp/chant-a", branch="spec/a")

    assert section.startswith("## What is there already\n")
    assert FACTS in section
    assert "(the run was stopped)" in section
    assert FACTS in message
    assert "(the run was stopped)" in message
    assert "`.chant/specs/a.md`" in message
    assert "`/tmp/chant-a`, on branch `spec/a`" in message


def test_an_agent_is_told_of_its_conflict_alike_whether_it_remembers_or_not() -> None:
    landed = LandedChange(commit="1a2b3c4", spec="2026-01-24-001-aaa", title="Rename {keys}", paths=("src/a.py",))
    clash = Clash(target="main", paths=("src/a.py",), landed=(landed,), before="marks are left")
    earlier = Earlier(reason="its work conflicts", clash=clash)

    section = render_section(earlier, spec_path=".chant/specs/b.md", worktree="/tmp/chant-b", branch="spec/b")
    message = render_resumed(earlier, spec_path=".chant/specs/b.md", worktree="/tmp/chant-b", branch="spec/b")

    assert section == message
    assert "- `src/a.py`\n" in message
    assert "- spec `2026-01-24-001-aaa`, commit 1a2b3c4 `Rename {keys}`: `src/a.py`\n" in message
    assert "Your last try was not accepted: marks are left." in message
    assert "last try" not in render_section(
        Earlier(reason="", clash=Clash(target="main", paths=())), spec_path="", worktree="", branch=""
    )
