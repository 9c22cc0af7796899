"""What follows from what was found of an agent."""

from dataclasses import replace

from chant_tasks.agents.contract import ErrorClass, Finished, GaveUp, Outcome
from chant_tasks.agents.look import Call, Facts, Problem, Subject, Weight, find_problems

SUBJECT = Subject(
    name="mine",
    command="mine",
    is_used=True,
    tested=("1.0", "1.2"),
    install="npm install -g mine",
    how_to_log_in="run `mine login`",
)


def call(outcome: Outcome, requests: int = 1, strays: tuple[str, ...] = ()) -> Call:
    return Call(outcome=outcome, requests=requests, strays=strays)


FINE = Facts(path="/bin/mine", version="1.1", flags=3, missing=(), login="KEY is set", call=call(Finished("Hello.")))


def test_nothing_is_wrong_with_one_that_answers() -> None:
    assert find_problems(SUBJECT, FINE) == ()


def test_one_that_is_not_there_has_only_that_problem() -> None:
    assert find_problems(SUBJECT, Facts()) == (
        Problem(Weight.ERROR, "mine is not there", "install it: npm install -g mine"),
    )


def test_every_problem_is_told_with_what_to_do_the_worst_first() -> None:
    facts = Facts(
        path="/bin/mine",
        version="2.0",
        flags=3,
        missing=("--json", "-c"),
        unknown_arguments=("--odd",),
        login="",
        call=call(GaveUp("it crashed", ErrorClass.CRASH), strays=("b.example:443", "a.example:443", "a.example:443")),
    )
    again = "install it again (1.2 was tested): npm install -g mine"

    assert find_problems(SUBJECT, facts) == (
        Problem(Weight.ERROR, "its --help does not name what it is started with: --json, -c", again),
        Problem(Weight.ERROR, "a call on loopback failed: it crashed", again),
        Problem(
            Weight.WARNING,
            "version 2.0 is newer than 1.2, the newest that was tested",
            "watch its first specs, or install 1.2",
        ),
        Problem(
            Weight.WARNING,
            "its --help does not name --odd of your own arguments",
            "look at providers.mine.args in .chant/config.md",
        ),
        Problem(
            Weight.WARNING,
            "beside its model it asked a.example:443, b.example:443",
            "its documentation says how to switch that off",
        ),
        Problem(
            Weight.WARNING,
            "no login and no key where it keeps them",
            "run `mine login`; a keychain or another way in that was not looked at is as good",
        ),
    )


def test_one_that_is_done_without_a_model_is_not_believed() -> None:
    facts = replace(FINE, call=call(Finished("Hello."), requests=0))

    assert [problem.reason for problem in find_problems(SUBJECT, facts)] == [
        "a call on loopback: it says that it is done, and has asked no model"
    ]


def test_one_that_does_not_tell_its_version_cannot_be_used() -> None:
    facts = replace(FINE, version="", version_problem="no answer within 20 seconds")

    assert [(problem.weight, problem.reason) for problem in find_problems(SUBJECT, facts)] == [
        (Weight.ERROR, "--version: no answer within 20 seconds")
    ]
