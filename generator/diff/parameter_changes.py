"""Compare the arguments of one operation in two versions of the client."""

from __future__ import annotations

from collections.abc import Iterator

from generator.client.client_model import Operation, Parameter
from generator.diff.change import Change, Effect, method, pairs


def changed_parameters(old: Operation, new: Operation) -> Iterator[Change]:
    """Yield every change of the arguments of one operation.

    Args:
        old: The operation in the older version.
        new: The same operation in the newer version.
    """
    before = old.parameters + old.exposed
    after = new.parameters + new.exposed
    for was, now in pairs(before, after, lambda parameter: parameter.name):
        if now is None and was is not None:
            yield Change(
                Effect.BREAKING, new.name, f"{method(new)} has no argument `{was.python_name}` any more."
            )
        elif was is None and now is not None:
            effect = Effect.BREAKING if now.required else Effect.ADDITION
            kind = "required" if now.required else "optional"
            yield Change(effect, new.name, f"{method(new)} has a new {kind} argument `{now.python_name}`.")
        elif was is not None and now is not None:
            yield from _parameter(new, was, now)


def _parameter(operation: Operation, old: Parameter, new: Parameter) -> Iterator[Change]:
    subject, argument = operation.name, f"{method(operation)}: argument `{new.python_name}`"
    if old.python_name != new.python_name:
        yield Change(
            Effect.BREAKING,
            subject,
            f"{method(operation)}: argument `{old.python_name}` is now `{new.python_name}`.",
        )
    if old.required != new.required:
        text = f"{argument} is now {'required' if new.required else 'optional'}."
        yield Change(Effect.BREAKING if new.required else Effect.CHANGE, subject, text)
    if old.kind != new.kind:
        yield Change(Effect.BREAKING, subject, f"{argument} is now {_kind(new)}, was {_kind(old)}.")
    if old.unit != new.unit:
        yield Change(
            Effect.BREAKING,
            subject,
            f"{argument} is counted in {new.unit or 'nothing'}, was {old.unit or 'nothing'}.",
        )
    if old.location != new.location:
        yield Change(
            Effect.CHANGE, subject, f"{argument} travels in the {new.location}, was in the {old.location}."
        )
    if old.kind == new.kind == "enum":
        for value in old.choices:
            if value not in new.choices:
                yield Change(Effect.BREAKING, subject, f"{argument} no longer takes {value!r}.")
        for value in new.choices:
            if value not in old.choices:
                yield Change(Effect.ADDITION, subject, f"{argument} also takes {value!r}.")
    for value in sorted(set(old.excludes) ^ set(new.excludes)):
        refused = value in new.excludes
        text = f"{argument} {'refuses' if refused else 'accepts'} {value!r} now."
        yield Change(Effect.BREAKING if refused else Effect.CHANGE, subject, text)
    yield from _bounds(subject, argument, old, new)


def _bounds(subject: str, argument: str, old: Parameter, new: Parameter) -> Iterator[Change]:
    """Yield limits of an argument that moved. A tighter limit refuses what was accepted, so it is breaking."""
    lower = (
        ("minimum", "a minimum of"),
        ("min_length", "a minimum length of"),
        ("min_items", "a minimum count of"),
    )
    upper = (
        ("maximum", "a maximum of"),
        ("max_length", "a maximum length of"),
        ("max_items", "a maximum count of"),
        ("max_integer_digits", "a maximum of digits before the point of"),
        ("max_fraction_digits", "a maximum of digits after the point of"),
    )
    for names, tighter in ((lower, 1), (upper, -1)):
        for attribute, words in names:
            was: int | None = getattr(old, attribute)
            now: int | None = getattr(new, attribute)
            if was != now:
                breaks = now is not None and (was is None or (now - was) * tighter > 0)
                text = f"{argument} has {words} {_or_none(now)}, was {_or_none(was)}."
                yield Change(Effect.BREAKING if breaks else Effect.CHANGE, subject, text)
    for attribute, words in (
        ("pattern", "pattern"),
        ("exclusive_minimum", "exclusive minimum"),
        ("unique_items", "rule about duplicates"),
    ):
        was_text: object = getattr(old, attribute)
        now_text: object = getattr(new, attribute)
        if was_text != now_text:
            yield Change(
                Effect.BREAKING if now_text else Effect.CHANGE,
                subject,
                f"{argument} has another {words}: {_or_none(now_text)}, was {_or_none(was_text)}.",
            )


def _kind(parameter: Parameter) -> str:
    return f"`{parameter.annotation}`" if parameter.kind != "enum" else "one of a list of texts"


def _or_none(value: object) -> str:
    return "none" if value in (None, "", False) else str(value)
