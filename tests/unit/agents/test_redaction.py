"""Which values are secrets, and that none of them comes through."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.redaction import NO_SECRETS, find_secrets
from chant_tasks.agents.streams import LineSplitter

KEY = "sk-ant-0123456789"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ANTHROPIC_API_KEY",
            "GITHUB_TOKEN",
            "client_secret",
            "DB_PASSWORD",
            "PGPASSWD",
            "MY_KEYS",
            "GH_PAT",
            "KEY_2",
        ),
        *(
            "API_KEY_PROD",
            "GEMINI_API_KEY2",
            "AZURE_OPENAI_KEY1",
            "SECRET_KEY_BASE",
            "TOKEN_GITHUB",
            "DB_PASSWORD_PROD",
        ),
        *("PGPASS", "DB_PASS", "JWT", "MY_JWT_2", "AWS_SECRET_ACCESS_KEY", "NPM_CONFIG__AUTH", "DB_PWD_TEST"),
        *("GOOGLE_CREDENTIALS_JSON", "githubToken", "SSH_PRIVATE_KEY"),
    ],
)
def test_the_value_of_a_variable_with_a_secrets_name_is_a_secret(name: str) -> None:
    assert find_secrets({name: KEY}).redact(f"a {KEY} b {KEY}".encode()) == b"a *** b ***"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HOME": "/home/somebody", "LANG": "C.UTF-8", "SSH_AUTH_SOCK": "/tmp/agent.sock"},
        {"API_KEY": "short"},
        {"KEYBOARD_LAYOUT": "dvorak-programmer", "TOKENIZERS_PARALLELISM": "disabled"},
        {"PUBLIC_KEY": "ssh-ed25519 AAAAC3Nza", "NEXT_PUBLIC_API_KEY": "pk_0123456789"},
        {"PWD": "/gone/by/now", "OLDPWD": "/gone/before", "PATH": "/usr/local/bin", "COMPASS": "northwest"},
        {"AUTH_METHOD": "interactive", "GIT_AUTHOR_NAME": "Ann Somebody", "BYPASS_PROXY": "localhost"},
        {"HOMEPAGE": "https://example.com/somewhere/else"},
    ],
)
def test_nothing_else_is_a_secret(environment: dict[str, str]) -> None:
    assert find_secrets(environment) == NO_SECRETS


def test_the_path_of_a_key_is_no_secret_but_a_key_may_begin_with_a_slash(tmp_path: Path) -> None:
    (tmp_path / "id_ed25519").touch()

    assert find_secrets({"SSH_KEY": str(tmp_path / "id_ed25519")}) == NO_SECRETS
    assert find_secrets({"API_KEY": "/b64/0123456789"}).redact(b"/b64/0123456789") == b"***"


@pytest.mark.parametrize(
    ("value", "said", "shown"),
    [
        ("http://me:pass%40word@proxy:80", b"pass%40word pass@word me", b"*** *** me"),
        ("https://ghp_0123456789@github.com/a/b", b"https://ghp_0123456789@github.com", b"https://***@github.com"),
        ("AUTHORIZATION: basic QWxhZGRpbg==", b"basic QWxhZGRpbg==", b"basic ***"),
    ],
)
def test_credentials_in_urls_and_headers_are_secrets_whatever_the_variable(
    value: str, said: bytes, shown: bytes
) -> None:
    assert find_secrets({"SOMETHING": value}).redact(said) == shown


def test_a_secret_is_found_as_it_stands_in_json_and_in_urls() -> None:
    secrets = find_secrets({"DB_PASSWORD": 'a"b\\c/d e é'})

    assert secrets.redact(b'{"x": "a\\"b\\\\c/d e \\u00e9"}') == b'{"x": "***"}'
    assert secrets.redact('"a\\"b\\\\c/d e é"'.encode()) == b'"***"'
    assert secrets.redact(b"?p=a%22b%5Cc%2Fd%20e%20%C3%A9") == b"?p=***"


def test_each_line_of_a_key_of_several_lines_is_a_secret() -> None:
    secrets = find_secrets({"DEPLOY_KEY": "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkq==\n-----END KEY-----\n"})

    assert secrets.redact(b"x MIIEvQIBADANBg\nkq==") == b"x ***\nkq=="


def test_of_two_secrets_that_begin_alike_the_longer_one_goes_whole() -> None:
    assert find_secrets({"A_KEY": "12345678", "B_KEY": "1234567890"}).redact(b"1234567890") == b"***"


@given(
    st.lists(st.sampled_from([KEY, "text", " ", "é", KEY[:-1], "\n"]), max_size=30),
    st.lists(st.integers(0, 400), max_size=10),
    st.integers(min_value=20, max_value=60),
)
def test_no_secret_comes_through_however_a_stream_is_cut(words: list[str], cuts: list[int], limit: int) -> None:
    stream = "".join(words).encode()
    places = sorted(min(cut, len(stream)) for cut in cuts)
    splitter = LineSplitter(limit, find_secrets({"API_KEY": KEY}))

    lines = [
        line
        for start, end in zip([0, *places], [*places, len(stream)], strict=True)
        for line in splitter.feed(stream[start:end])
    ]
    lines += splitter.flush()

    told = "".join(text for line in lines for text in line.texts)
    assert told == stream.decode().replace(KEY, "***").replace("\n", "")
