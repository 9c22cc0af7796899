"""What an agent used of a model, counted as it is billed, and what that costs by a list of prices."""

from collections.abc import Mapping
from dataclasses import fields

from chant_tasks.values import dataclass

_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens as they are billed: `input` without what was read from or written to the cache, `output` with reasoning.

    `reasoning` is the part of `output` that was spent on it, as far as the agent tells.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def __sub__(self, other: "Tokens") -> "Tokens":
        """What came after `other`; never less than nothing, for agents have been seen to start counting anew."""
        return Tokens(
            **{field.name: max(0, getattr(self, field.name) - getattr(other, field.name)) for field in fields(self)}
        )

    @property
    def total(self) -> int:
        """All that was billed."""
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, in dollars for a million tokens."""

    input: float
    output: float
    cache_read: float = 0.0
    cache_write: float = 0.0


def find_cost(tokens: Tokens, model: str, prices: Mapping[str, Price]) -> float | None:
    """The dollars that the tokens cost by `prices`; None for a model that these do not name."""
    price = prices.get(model)
    if price is None:
        return None
    dollars = tokens.input * price.input + tokens.output * price.output
    return (dollars + tokens.cache_read * price.cache_read + tokens.cache_write * price.cache_write) / _PER_PRICE
