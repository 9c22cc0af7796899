"""What a session says while it reads the specs."""

import sys

import pytest

from chant_tasks.doit_plugin.session import tell_reading


@pytest.mark.parametrize(("is_terminal", "said"), [(True, "reading 10,000 specs that are new here …\n"), (False, "")])
def test_a_long_look_is_told_once_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool, said: str
) -> None:
    tell_reading.cache_clear()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)

    tell_reading(10_000)
    tell_reading(10_000)

    assert capsys.readouterr().err == said
