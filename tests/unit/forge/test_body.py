"""What a pull request says."""

from chant_tasks.forge.body import Told, render_body

TEXT = "\n# Add retry\n\nWords.\n\n## Acceptance Criteria\n\n- [x] it retries\n"


def test_it_is_the_spec_then_what_is_known_beside_it() -> None:
    told = Told(
        path=".chant/specs/a.md",
        commits=("1a2b3c4 Retry `fetch`, closes #1",),
        attempt="2",
        agent="claude",
        model="sonnet",
        cost_usd="0.4213",
        tokens="1234",
    )

    assert render_body(TEXT, told) == (
        "Words.\n\n## Acceptance Criteria\n\n- [x] it retries\n\n---\n\n"
        "- Spec: `.chant/specs/a.md`\n- Attempt: 2\n- Agent: claude\n- Model: sonnet\n- Cost: $0.42\n- Tokens: 1234\n\n"
        "Commits:\n\n- 1a2b3c4 `Retry  fetch , closes #1`\n"
    )


def test_what_is_unknown_is_left_out_and_a_long_text_is_cut() -> None:
    short = render_body("words", Told(path="a.md", commits=()))
    long = render_body("x" * 100_000, Told(path="a.md", commits=()))

    assert short == "words\n\n---\n\n- Spec: `a.md`\n"
    assert len(long) == 60_000
    assert "… the rest stands in the spec's file." in long
