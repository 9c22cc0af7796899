"""Dataclasses that cost a command next to nothing where it makes none of them.

The standard library compiles six functions for each frozen class with slots as its module is loaded: half a millisecond
a class, and a list of specs loads eighty. Here a class is made with functions that serve all, and its `__init__` is
compiled when the first value is made. Everything else is the standard library's: `fields`, `replace`, `asdict`.
"""

import dataclasses
from _thread import allocate_lock
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic

_FINDING = allocate_lock()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """As the standard library's decorator, for a frozen class with slots that stands for itself."""
        assert frozen
        assert slots

        def make(cls: type) -> type:
            if _is_special(cls):
                return dataclasses.dataclass(frozen=True, slots=True, kw_only=kw_only)(cls)
            return _make_slotted(cls, _LateFields(cls, kw_only=kw_only))

        return make


def _is_special(cls: type) -> bool:
    """Whether the class has a base of its own, or says itself how something is done."""
    return cls.__bases__ not in ((object,), (Generic,)) or not {
        "__post_init__",
        "__eq__",
        "__hash__",
        "__repr__",
    }.isdisjoint(vars(cls))


class _LateFields:
    """A class's `__dataclass_fields__`, which the standard library finds when somebody asks for them: as it does here,
    for the first value that is made, or as `fields` and `replace` do."""

    def __init__(self, plain: type, *, kw_only: bool) -> None:
        self._plain = plain
        self._kw_only = kw_only
        self._found: dict[str, dataclasses.Field[Any]] | None = None
        self.made: type | None = None
        self.names = tuple(vars(plain).get("__annotations__", ()))
        given = {name: vars(plain).get(name) for name in self.names}
        self.compared = tuple(
            name for name, default in given.items() if not isinstance(default, dataclasses.Field) or default.compare
        )
        self.positional = () if kw_only else self.names

    def __get__(self, value: object, owner: type) -> dict[str, "dataclasses.Field[Any]"]:
        with _FINDING:  # the standard library takes the defaults away from the class: a second thread would find none
            if self._found is None:
                self._found = self._find()
        return self._found

    def _find(self) -> dict[str, "dataclasses.Field[Any]"]:
        plain: Any = self._plain
        plain.__doc__ = plain.__doc__ or plain.__name__  # else the signature is worked out, which takes long
        dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=self._kw_only)(plain)
        plain.__dataclass_params__.frozen = True  # whoever inherits asks for it
        found: dict[str, dataclasses.Field[Any]] = plain.__dataclass_fields__
        made: Any = self.made
        made.__dataclass_params__, made.__dataclass_fields__ = plain.__dataclass_params__, found
        return found


def _make_slotted(cls: type, late: _LateFields) -> type:
    hidden = (*late.names, "__dict__", "__weakref__")
    body: dict[str, Any] = {name: value for name, value in vars(cls).items() if name not in hidden}
    body |= _plan_methods(late.names, late.compared)
    body["__slots__"], body["__match_args__"], body["__dataclass_fields__"] = late.names, late.positional, late
    late.made = made = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__

    def init(self: object, *positional: Any, **named: Any) -> None:
        compiled = _compile_init(dataclasses.fields(made))
        made.__init__ = compiled  # type: ignore[misc]
        compiled(self, *positional, **named)

    made.__init__ = init  # type: ignore[misc]
    return made


def _plan_methods(names: tuple[str, ...], compared: tuple[str, ...]) -> dict[str, Any]:
    """What all such classes have in common, for the fields of one."""
    load: Callable[[object], object] = attrgetter(*compared) if compared else lambda _: ()

    def is_equal(self: object, other: object) -> Any:
        return load(self) == load(other) if other.__class__ is self.__class__ else NotImplemented

    def load_state(self: object) -> list[object]:
        return [getattr(self, name) for name in names]

    def save_state(self: object, state: list[object]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__eq__": is_equal,
        "__hash__": lambda self: hash(load(self)),
        "__repr__": _render,
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_removal,
        "__getstate__": load_state,
        "__setstate__": save_state,
    }


def _compile_init(fields: tuple["dataclasses.Field[Any]", ...]) -> Any:
    """The function that sets these fields, those without `kw_only` first."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_NONE": dataclasses.MISSING}
    positional: list[str] = []
    named: list[str] = []
    lines: list[str] = []
    for field in fields:
        name, default = field.name, ""
        if field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"], default = field.default_factory, "=_NONE"
            lines.append(f" _set(self, {name!r}, _make_{name}() if {name} is _NONE else {name})")
        else:
            lines.append(f" _set(self, {name!r}, {name})")
        if field.default is not dataclasses.MISSING:
            known[f"_default_{name}"], default = field.default, f"=_default_{name}"
        (named if field.kw_only else positional).append(f"{name}{default}")
    arguments = ", ".join(["self", *positional, *(["*", *named] if named else [])])
    made: dict[str, Any] = {}
    exec("\n".join([f"def __init__({arguments}):", *(lines or [" pass"])]), known, made)
    return made["__init__"]


def _render(self: object) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self))  # type: ignore[arg-type]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_change(self: object, name: str, value: object) -> None:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_removal(self: object, name: str) -> None:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
