"""What changes about calls: names, arguments, costs, limits and what they return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.client.client_model import Cap, Client, Operation, Parameter, Weight
from generator.diff.change import Change, Effect, pairs


def changed_calls(old: Client, new: Client) -> Iterator[Change]:
    for before, after in pairs(old.operations, new.operations, lambda operation: operation.id):
        if after is None and before is not None:
            yield Change(Effect.BREAKING, before.name, f"Removed {_call(before)}.")
        elif before is None and after is not None:
            yield Change(Effect.ADDITION, after.name, f"Added {_call(after)}, weight {after.weight.value}.")
        elif before is not None and after is not None:
            yield from _operation(before, after)


def _operation(old: Operation, new: Operation) -> Iterator[Change]:
    name = new.name
    if old.name != new.name:
        yield Change(Effect.BREAKING, name, f"`client.{old.name}()` is now `client.{new.name}()`.")
    if old.constant != new.constant:
        yield Change(
            Effect.BREAKING, name, f"`operations.{old.constant}` is now `operations.{new.constant}`."
        )
    if (old.method, old.path) != (new.method, new.path):
        yield Change(
            Effect.CHANGE,
            name,
            f"{_method(new)} sends `{new.method} {new.path}`, was `{old.method} {old.path}`.",
        )
    if old.server != new.server:
        yield Change(
            Effect.CHANGE, name, f"{_method(new)} goes to the server {new.server}, was {old.server}."
        )
    if old.security_type != new.security_type:
        yield Change(
            Effect.BREAKING,
            name,
            f"{_method(new)} needs the security type {new.security_type}, was {old.security_type}.",
        )
    elif (old.api_key, old.signed) != (new.api_key, new.signed):
        yield Change(Effect.BREAKING, name, f"{_method(new)} is sent {_proof(new)}, was sent {_proof(old)}.")
    if old.mutates != new.mutates:
        kinds = ("a read, which never ends as `OutcomeUnknown`", "a write, which may end as `OutcomeUnknown`")
        yield Change(Effect.BREAKING, name, f"{_method(new)} is now {kinds[new.mutates]}.")
    yield from _weight(name, old.weight, new.weight)
    yield from _timeouts(old, new)
    yield from _parameters(old, new)
    yield from _answer(old, new)
    yield from _caps(name, old.caps, new.caps)
    yield from _conditions(old, new)
    if _words(old) != _words(new):
        yield Change(Effect.TEXT, name, f"{_method(new)}: other words, rules, evidence or source.")


def _weight(name: str, old: Weight, new: Weight) -> Iterator[Change]:
    if old.value != new.value:
        yield Change(Effect.CHANGE, name, f"`client.{name}()` costs weight {new.value}, was {old.value}.")
    if (old.scope, old.budget) != (new.scope, new.budget):
        yield Change(
            Effect.CHANGE,
            name,
            f"`client.{name}()` is charged to {new.budget} per {new.scope}, "
            f"was to {old.budget} per {old.scope}.",
        )
    if old.when != new.when:
        cases = ", ".join(
            f"{case.value} with{'' if case.present else 'out'} `{case.parameter}`" for case in new.when
        )
        yield Change(
            Effect.CHANGE, name, f"`client.{name}()` has other weights by argument: {cases or 'none'}."
        )
    if (old.label, old.observed, old.documented, old.note) != (
        new.label,
        new.observed,
        new.documented,
        new.note,
    ):
        yield Change(Effect.TEXT, name, f"`client.{name}()`: other evidence about its weight.")


def _timeouts(old: Operation, new: Operation) -> Iterator[Change]:
    for what, before, after in (
        ("the connection", old.connect_timeout_ms, new.connect_timeout_ms),
        ("the answer", old.answer_timeout_ms, new.answer_timeout_ms),
    ):
        if before != after:
            yield Change(
                Effect.CHANGE,
                new.name,
                f"{_method(new)} waits {after} ms for {what}, was {before} ms.",
            )


def _parameters(old: Operation, new: Operation) -> Iterator[Change]:
    before = old.parameters + old.exposed
    after = new.parameters + new.exposed
    for was, now in pairs(before, after, lambda parameter: parameter.name):
        if now is None and was is not None:
            yield Change(
                Effect.BREAKING, new.name, f"{_method(new)} has no argument `{was.python_name}` any more."
            )
        elif was is None and now is not None:
            effect = Effect.BREAKING if now.required else Effect.ADDITION
            kind = "required" if now.required else "optional"
            yield Change(effect, new.name, f"{_method(new)} has a new {kind} argument `{now.python_name}`.")
        elif was is not None and now is not None:
            yield from _parameter(new, was, now)


def _parameter(operation: Operation, old: Parameter, new: Parameter) -> Iterator[Change]:
    subject, argument = operation.name, f"{_method(operation)}: argument `{new.python_name}`"
    if old.python_name != new.python_name:
        yield Change(
            Effect.BREAKING,
            subject,
            f"{_method(operation)}: argument `{old.python_name}` is now `{new.python_name}`.",
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
    """Yield limits of an argument that moved. A tighter one refuses what was accepted, so it breaks."""
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


def _answer(old: Operation, new: Operation) -> Iterator[Change]:
    for before, after, condition in (
        (old.result, new.result, ""),
        (old.single_result, new.single_result, f" with `{new.polymorphic_by or old.polymorphic_by}`"),
    ):
        was = before.annotation(sequence="list") if before is not None else "nothing of its own"
        now = after.annotation(sequence="list") if after is not None else "nothing of its own"
        if was != now:
            yield Change(
                Effect.BREAKING, new.name, f"{_method(new)} returns `{now}`{condition}, was `{was}`."
            )
    resource, _, method = new.name.partition(".")
    walk = f"`client.{resource}.iter_{method}()`"
    if old.pagination is None and new.pagination is not None:
        yield Change(Effect.ADDITION, new.name, f"Added {walk}, which reads every page.")
    elif new.pagination is None and old.pagination is not None:
        yield Change(Effect.BREAKING, new.name, f"Removed {walk}.")
    elif (
        old.pagination is not None
        and new.pagination is not None
        and old.pagination.facts != new.pagination.facts
    ):
        names = sorted(
            key
            for key in {*old.pagination.facts, *new.pagination.facts}
            if old.pagination.facts.get(key) != new.pagination.facts.get(key)
        )
        yield Change(Effect.CHANGE, new.name, f"{walk} reads pages in another way: {', '.join(names)}.")


def _caps(name: str, old: Sequence[Cap], new: Sequence[Cap]) -> Iterator[Change]:
    method = f"`client.{name}()`"
    for before, after in pairs(old, new, lambda cap: cap.id):
        if after is None and before is not None:
            yield Change(
                Effect.CHANGE,
                name,
                f"{method} has no limit {before.id} any more ({before.limit} {before.unit}).",
            )
        elif before is None and after is not None:
            yield Change(
                Effect.BREAKING, name, f"{method} has a new limit {after.id}: {after.limit} {after.unit}."
            )
        elif before is not None and after is not None:
            facts = [
                (cap.limit, cap.unit, cap.inclusive, cap.interval_ms, cap.kind) for cap in (before, after)
            ]
            if facts[0] != facts[1]:
                yield Change(
                    Effect.BREAKING,
                    name,
                    f"{method} has another limit {after.id}: {_cap(after)}, was {_cap(before)}.",
                )


def _conditions(old: Operation, new: Operation) -> Iterator[Change]:
    if old.success != new.success:
        fields = ", ".join(f"`{rule.field}`" for rule in new.success)
        yield Change(
            Effect.CHANGE,
            new.name,
            f"{_method(new)} counts as done by other rules, on {fields or 'nothing'}.",
        )
    if old.unresolved_scope != new.unresolved_scope:
        scope = new.unresolved_scope
        what = f"calls of {scope.group} with the same `{scope.argument}`" if scope is not None else "nothing"
        yield Change(Effect.CHANGE, new.name, f"An unknown outcome of {_method(new)} now blocks {what}.")
    if old.requires_any != new.requires_any:
        names = ", ".join(f"`{name}`" for name in new.requires_any)
        effect = Effect.BREAKING if new.requires_any else Effect.CHANGE
        yield Change(effect, new.name, f"{_method(new)} needs one of {names or 'nothing'}.")


def _call(operation: Operation) -> str:
    return f"`{operation.method} {operation.path}` as `client.{operation.name}()`"


def _method(operation: Operation) -> str:
    return f"`client.{operation.name}()`"


def _proof(operation: Operation) -> str:
    return "signed" if operation.signed else "with the key" if operation.api_key else "without a key"


def _kind(parameter: Parameter) -> str:
    return f"`{parameter.annotation}`" if parameter.kind != "enum" else "one of a list of texts"


def _cap(cap: Cap) -> str:
    per = f" per {cap.interval_ms} ms" if cap.interval_ms else ""
    return f"{cap.limit} {cap.unit}{per}{'' if cap.inclusive else ', exclusive'}"


def _or_none(value: object) -> str:
    return "none" if value in (None, "", False) else str(value)


def _words(operation: Operation) -> tuple[object, ...]:
    return (
        operation.summary,
        operation.description,
        operation.rules,
        operation.questions,
        operation.known_errors,
        operation.evidence,
        operation.source,
        tuple(
            (parameter.name, parameter.description, parameter.evidence) for parameter in operation.parameters
        ),
        tuple((cap.id, cap.text, cap.evidence) for cap in operation.caps),
    )
