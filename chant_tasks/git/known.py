"""What git has answered and what stays true, kept so that it is asked once."""

from typing import Generic, TypeVar

_MOST = 1 << 14
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Known(Generic[_Key, _Value]):
    """Answers by what was asked. Where there are too many, all are forgotten: they can be had again."""

    def __init__(self) -> None:
        self._answers: dict[_Key, _Value] = {}

    def find(self, key: _Key) -> _Value | None:
        """The answer; None where it is not known."""
        return self._answers.get(key)

    def note(self, key: _Key, answer: _Value) -> _Value:
        """Keep an answer, and give it back."""
        if len(self._answers) >= _MOST:
            self._answers.clear()
        self._answers[key] = answer
        return answer
