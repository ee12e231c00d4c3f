"""Compare what the exchange sends in two versions: classes, their members, enums and events."""

from __future__ import annotations

from collections.abc import Iterator

from generator.client.client_model import Client, Field, Model, OpenEnum, TaggedUnion
from generator.diff.change import Change, Effect, pairs


def changed_answers(old: Client, new: Client) -> Iterator[Change]:
    """Yield every change of a class that users receive.

    Args:
        old: Client of the older version.
        new: Client of the newer version.
    """
    yield from _models(old, new)
    yield from _enums(old, new)
    yield from _unions(old, new)


def _models(old: Client, new: Client) -> Iterator[Change]:
    for before, after in pairs(old.models, new.models, lambda model: model.class_name):
        if after is None and before is not None:
            yield Change(Effect.BREAKING, before.class_name, f"Removed the class `{before.class_name}`.")
        elif before is None and after is not None:
            yield Change(Effect.ADDITION, after.class_name, f"Added the class `{after.class_name}`.")
        elif before is not None and after is not None:
            for was, now in pairs(before.fields, after.fields, lambda field: field.name):
                yield from _field(after, was, now)
            if before.description != after.description:
                yield Change(Effect.TEXT, after.class_name, f"`{after.class_name}`: other words.")


def _field(model: Model, old: Field | None, new: Field | None) -> Iterator[Change]:
    owner = model.class_name
    if new is None:
        if old is not None:
            yield Change(Effect.BREAKING, owner, f"`{owner}.{old.python_name}` is gone.")
        return
    name = f"`{owner}.{new.python_name}`"
    if old is None:
        yield Change(Effect.ADDITION, owner, f"{name} is new: {_annotated(new)}.")
        return
    if old.python_name != new.python_name:
        yield Change(Effect.BREAKING, owner, f"`{owner}.{old.python_name}` is now {name}.")
    if old.type != new.type and _annotated(old) == _annotated(new):
        yield Change(Effect.CHANGE, owner, f"{name} is read from {_wire(new)} now, was from {_wire(old)}.")
    elif old.type != new.type:
        yield Change(Effect.BREAKING, owner, f"{name} is now {_annotated(new)}, was {_annotated(old)}.")
    elif old.required and not new.required:
        yield Change(Effect.BREAKING, owner, f"{name} may be missing now: {_annotated(new)}.")
    if new.required and not old.required:
        yield Change(Effect.CHANGE, owner, f"{name} is always there now: {_annotated(new)}.")
    if old.unit != new.unit:
        yield Change(
            Effect.BREAKING,
            owner,
            f"{name} is counted in {new.unit or 'nothing'}, was {old.unit or 'nothing'}.",
        )
    if (old.description, old.provenance) != (new.description, new.provenance):
        yield Change(Effect.TEXT, owner, f"{name}: other words or provenance.")


def _enums(old: Client, new: Client) -> Iterator[Change]:
    for before, after in pairs(old.enums, new.enums, lambda enum: enum.class_name):
        if after is None and before is not None:
            yield Change(Effect.BREAKING, before.class_name, f"Removed the enum `{before.class_name}`.")
        elif before is None and after is not None:
            yield Change(Effect.ADDITION, after.class_name, f"Added the enum `{after.class_name}`.")
        elif before is not None and after is not None:
            yield from _enum(before, after)


def _enum(old: OpenEnum, new: OpenEnum) -> Iterator[Change]:
    name = new.class_name
    for was, now in pairs(old.members, new.members, lambda member: member.value):
        if now is None and was is not None:
            yield Change(
                Effect.BREAKING,
                name,
                f"`{name}.{was.name}` is gone; the value is still read, as an unknown one.",
            )
        elif was is None and now is not None:
            yield Change(Effect.ADDITION, name, f"`{name}.{now.name}` is new.")
        elif was is not None and now is not None and was.name != now.name:
            yield Change(Effect.BREAKING, name, f"`{name}.{was.name}` is now `{name}.{now.name}`.")
        elif was != now:
            yield Change(Effect.TEXT, name, f"`{name}`: other words.")


def _unions(old: Client, new: Client) -> Iterator[Change]:
    for before, after in pairs(old.unions, new.unions, lambda union: union.class_name):
        if after is None and before is not None:
            yield Change(Effect.BREAKING, before.class_name, f"Removed `{before.class_name}`.")
        elif before is None and after is not None:
            yield Change(Effect.ADDITION, after.class_name, f"Added `{after.class_name}`.")
        elif before is not None and after is not None:
            yield from _union(before, after)


def _union(old: TaggedUnion, new: TaggedUnion) -> Iterator[Change]:
    name = new.class_name
    for was, now in pairs(old.cases, new.cases, lambda case: case.value):
        if now is None and was is not None:
            yield Change(
                Effect.BREAKING, name, f"`{name}`: {was.value} is no longer read as `{was.class_name}`."
            )
        elif was is None and now is not None:
            yield Change(Effect.ADDITION, name, f"`{name}`: {now.value} is read as `{now.class_name}`.")
        elif was is not None and now is not None and was != now:
            yield Change(
                Effect.BREAKING,
                name,
                f"`{name}`: {now.value} is read as `{now.class_name}`, was `{was.class_name}`.",
            )


def _annotated(field: Field) -> str:
    text = field.type.annotation()
    return f"`{text}`" if field.required or text.endswith("| None") else f"`{text} | None`"


def _wire(field: Field) -> str:
    kinds = {
        "decimal": "decimal text",
        "decimal_or_empty": "decimal text or an empty text",
        "decimal_text_or_number": "decimal text or a number",
    }
    kind = kinds.get(field.type.kind, field.type.kind)
    if field.type.minimum is not None:
        kind += f" of at least {field.type.minimum}"
    if field.type.maximum is not None:
        kind += f" {'and' if field.type.minimum is not None else 'of'} at most {field.type.maximum}"
    return f"{kind} or null" if field.type.nullable else kind
