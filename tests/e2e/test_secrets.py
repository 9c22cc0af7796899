"""Keys in the environment reach neither a log nor the story, the journal or a commit's message."""

from pathlib import Path

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import TICK_ALL

ONE, OTHER = "2026-01-01-001-one", "2026-01-01-002-two"
SECRETS = {
    "SHOP_API_KEY": "k3y-of-the-shop",
    "DEPLOY_TOKEN": "t0ken\\of/deploy",
    "DATABASE_URL": "postgres://shop:db-pa55word@db.example.com/shop",
}
VALUES = ("k3y-of-the-shop", "t0ken\\of/deploy", "t0ken\\\\of/deploy", "db-pa55word")


def _find_secrets(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if any(value.encode() in path.read_bytes() for value in VALUES)]


def test_no_key_is_shown_logged_or_written_down(sandbox: Sandbox) -> None:
    """One agent prints its environment and is done, the other prints it and fails with a key as its last word."""
    sandbox.add_spec(ONE, run=f"env\nenv >&2\necho x > x.txt\n{TICK_ALL}")
    sandbox.add_spec(OTHER, run='env\nprintf "the key $SHOP_API_KEY is not valid, $DATABASE_URL\\n" >&2\nexit 3')
    sandbox.commit()

    ran = sandbox.doit("-n", "2", environ=SECRETS)
    listed = sandbox.doit("info", OTHER).text + sandbox.doit("list").text

    assert ran.status == 1, ran.text
    assert "exit status 3: the key *** is not valid, postgres://shop:***@db.example.com/shop" in ran.err
    assert [value for value in VALUES if value in ran.text + listed] == []
    assert _find_secrets(sandbox.root / ".git" / "chant") == []
    log = (sandbox.root / f".git/chant/attempts/{ONE}/1/log").read_text()
    assert log.count("SHOP_API_KEY=***\n") == 2
    assert "DATABASE_URL=postgres://shop:***@db.example.com/shop\n" in log


def test_a_setup_that_fails_tells_no_key(sandbox: Sandbox) -> None:
    (sandbox.root / ".chant" / "config.md").write_text(
        '---\nworktrees:\n  setup: echo "no access with $SHOP_API_KEY" >&2; exit 1\n---\n'
    )
    sandbox.add_spec(ONE)
    sandbox.commit()

    ran = sandbox.doit("-n", "2", environ=SECRETS)

    assert ran.status == 1
    assert "no access with ***" in ran.err
    assert "k3y-of-the-shop" not in ran.text
    assert _find_secrets(sandbox.root / ".git" / "chant") == []
