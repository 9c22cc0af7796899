"""What the forges' command lines are asked, and how their answers are read."""

import json

import pytest

from chant_tasks.config import ForgeKind, Remote
from chant_tasks.errors import ForgeError
from chant_tasks.forge.choice import require_forge
from chant_tasks.forge.command import Command
from chant_tasks.forge.contract import Forge, PullRequest, Wanted
from chant_tasks.forge.github import GitHub, find_host, find_owner
from chant_tasks.forge.gitlab import GitLab
from chant_tasks.forge.rest import find_complaint


def wanted(address: str = "git@github.com:you/project.git") -> Wanted:
    return Wanted(
        spec="s", branch="chant/a b", base="main", title="Do it", body="text", remote="origin", address=address
    )


FOUND = PullRequest(number="7", url="https://forge.example/7")


def test_github_is_asked_by_branch_and_owner() -> None:
    forge = GitHub()

    assert forge.plan_look(wanted()).argv == (
        *("gh", "api", "--method", "GET"),
        "repos/{owner}/{repo}/pulls?state=open&head=you:chant%2Fa%20b",
    )
    assert json.loads(forge.plan_open(wanted()).stdin)["head"] == "you:chant/a b"
    assert forge.plan_update(wanted(), FOUND).argv[-1] == "repos/{owner}/{repo}/pulls/7"
    assert json.loads(forge.plan_update(wanted(), FOUND).stdin) == {"title": "Do it", "body": "text", "base": "main"}
    assert forge.plan_look(wanted("https://ghe.example.com/you/project")).argv[2:4] == ("--hostname", "ghe.example.com")
    assert forge.plan_look(wanted("/srv/project.git")).argv[-1].endswith("head={owner}:chant%2Fa%20b")


def test_gitlab_gets_json_and_no_argument_that_could_be_too_long() -> None:
    forge = GitLab()

    assert forge.plan_look(wanted()).argv[-1] == (
        "projects/:fullpath/merge_requests?state=opened&source_branch=chant%2Fa%20b"
    )
    assert forge.plan_open(wanted()).argv == (
        *("glab", "api", "--method", "POST", "--header", "Content-Type: application/json", "--input", "-"),
        "projects/:fullpath/merge_requests",
    )
    assert json.loads(forge.plan_open(wanted()).stdin) == {
        "title": "Do it",
        "description": "text",
        "target_branch": "main",
        "source_branch": "chant/a b",
    }


@pytest.mark.parametrize(
    ("address", "host", "owner"),
    [
        ("https://github.com/you/project.git", "github.com", "you"),
        ("https://me:secret@github.com/you/project", "github.com", "you"),
        ("ssh://git@ghe.example.com:2222/you/project.git", "ghe.example.com", "you"),
        ("git@work:you/project.git", "work", "you"),
        ("/srv/git/project.git", "", ""),
        ("file:///srv/git/project.git", "", ""),
        ("../project.git", "", ""),
    ],
)
def test_an_address_tells_host_and_owner(address: str, host: str, owner: str) -> None:
    assert (find_host(address), find_owner(address)) == (host, owner)


@pytest.mark.parametrize("forge", [GitHub(), GitLab()], ids=["github", "gitlab"])
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "<html>",
        "[" * 100_000,
        "{}",
        '{"number": 1, "iid": 1}',
        '{"number": 1, "iid": 1, "html_url": "javascript:x"}',
    ],
)
def test_an_answer_that_names_no_pull_request_is_refused(forge: Forge, answer: str) -> None:
    with pytest.raises(ForgeError):
        forge.parse_made(answer)


def test_the_first_of_a_list_is_the_one_and_an_empty_list_is_none() -> None:
    answer = json.dumps([{"number": 7, "html_url": FOUND.url, "iid": 7, "web_url": FOUND.url}])

    assert GitHub().parse_look(answer, wanted()) == GitLab().parse_look(answer, wanted()) == FOUND
    assert GitHub().parse_look("[]", wanted()) is None


@pytest.mark.parametrize("answer", [f"opening\n{FOUND.url}\n", json.dumps({"url": FOUND.url})])
def test_a_users_command_tells_the_address_in_either_way(answer: str) -> None:
    assert Command(("open-it",)).parse_made(answer) == FOUND


def test_the_forge_is_what_is_set_else_what_the_address_tells() -> None:
    gitlab = "https://gitlab.example.com/you/project.git"

    assert isinstance(require_forge(Remote(), "git@github.com:you/project.git"), GitHub)
    assert isinstance(require_forge(Remote(), gitlab), GitLab)
    assert isinstance(require_forge(Remote(provider=ForgeKind.GITHUB), gitlab), GitHub)
    assert isinstance(require_forge(Remote(command=("open-it",)), gitlab), Command)
    with pytest.raises(ForgeError, match="does not tell which forge"):
        require_forge(Remote(), "/srv/project.git")
    with pytest.raises(ForgeError, match=r"git\.command names none"):
        require_forge(Remote(provider=ForgeKind.COMMAND), "/srv/project.git")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"message": "Validation Failed", "errors": [{"message": "No commits"}]}', "Validation Failed; No commits"),
        ('{"message": ["Another open merge request already exists"]}', "Another open merge request already exists"),
        ('{"error": "insufficient_scope"}', "insufficient_scope"),
        ("nothing", ""),
        ("[]", ""),
    ],
)
def test_a_refusal_is_told_in_its_own_words(answer: str, words: str) -> None:
    assert find_complaint(answer) == words
