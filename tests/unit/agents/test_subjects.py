"""Which agents are looked over."""

from chant_tasks.agents.look import Look, Subject
from chant_tasks.agents.subjects import Candidate, list_candidates
from chant_tasks.config import Account, Config, Defaults, Parallel


def subjects(config: Config, *on_path: str) -> list[tuple[str, str, bool, str]]:
    found = list_candidates(config, lambda command: command if command in on_path else None)
    return [(one.subject.name, one.subject.command, one.subject.is_used, one.subject.account) for one in found]


def test_without_settings_the_first_on_path_is_in_use() -> None:
    assert subjects(Config(), "gemini", "codex") == [("codex", "codex", True, ""), ("gemini", "gemini", False, "")]
    assert subjects(Config()) == []


def test_what_the_config_names_is_in_use_and_looked_for_where_it_is_not_on_path() -> None:
    config = Config(defaults=Defaults(provider="qwen"), providers={"claude": {"executable": "/opt/claude"}})

    assert subjects(config, "codex") == [
        ("qwen", "qwen", True, ""),
        ("claude", "/opt/claude", True, ""),
        ("codex", "codex", False, ""),
    ]


def test_each_account_is_looked_over_with_its_own_command_and_variables() -> None:
    accounts = (
        Account(name="main", provider="claude"),
        Account(name="second", command="/opt/my-claude", provider="claude", env={"CLAUDE_CONFIG_DIR": "/mine"}),
        Account(name="third", command="codex"),
    )
    config = Config(parallel=Parallel(agents=accounts))

    assert subjects(config) == [
        ("claude", "claude", True, "main"),
        ("claude", "/opt/my-claude", True, "second"),
        ("codex", "codex", True, "third"),
    ]
    second = list_candidates(config, lambda _: None)[1]
    assert isinstance(second, Candidate)
    assert second.env == {"CLAUDE_CONFIG_DIR": "/mine"}


def test_an_account_that_no_agent_can_be_found_for_is_a_finding() -> None:
    config = Config(parallel=Parallel(agents=(Account(name="main"), Account(name="own", provider="nobodys"))))

    found = list_candidates(config, lambda _: None)

    assert [(one.subject.account, isinstance(one, Look), one.subject.is_used) for one in found] == [
        ("main", True, True),
        ("own", True, True),
    ]


def test_a_name_that_nobody_knows_is_a_finding() -> None:
    (found,) = list_candidates(Config(defaults=Defaults(provider="claud")), lambda _: None)

    assert isinstance(found, Look)
    assert found.subject == Subject(name="claud", command="", is_used=True)
    assert [problem.reason for problem in found.problems] == ["unknown provider `claud` (did you mean `claude`?)"]


def test_scripts_need_no_agent() -> None:
    assert subjects(Config(defaults=Defaults(provider="script"))) == []


def test_a_command_of_ones_own_is_looked_for() -> None:
    config = Config(providers={"command": {"argv": ("my-agent", "--go")}})

    assert subjects(config) == [("command", "my-agent", True, "")]
