"""Compare the operations of two versions: names, weights, caps, conditions and answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.client.client_model import Cap, Client, Operation, Weight
from generator.diff.change import Change, Effect, method, pairs
from generator.diff.parameter_changes import changed_parameters


def changed_calls(old: Client, new: Client) -> Iterator[Change]:
    """Yield every change of an operation, its arguments included.

    Args:
        old: Client of the older version.
        new: Client of the newer version.
    """
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
            f"{method(new)} sends `{new.method} {new.path}`, was `{old.method} {old.path}`.",
        )
    if old.server != new.server:
        yield Change(Effect.CHANGE, name, f"{method(new)} goes to the server {new.server}, was {old.server}.")
    if old.security_type != new.security_type:
        yield Change(
            Effect.BREAKING,
            name,
            f"{method(new)} needs the security type {new.security_type}, was {old.security_type}.",
        )
    elif (old.api_key, old.signed) != (new.api_key, new.signed):
        yield Change(Effect.BREAKING, name, f"{method(new)} is sent {_proof(new)}, was sent {_proof(old)}.")
    if old.mutates != new.mutates:
        kinds = ("a read, which never ends as `OutcomeUnknown`", "a write, which may end as `OutcomeUnknown`")
        yield Change(Effect.BREAKING, name, f"{method(new)} is now {kinds[new.mutates]}.")
    yield from _weight(name, old.weight, new.weight)
    yield from _timeouts(old, new)
    yield from changed_parameters(old, new)
    yield from _answer(old, new)
    yield from _caps(name, old.caps, new.caps)
    yield from _conditions(old, new)
    if _words(old) != _words(new):
        yield Change(Effect.TEXT, name, f"{method(new)}: other words, rules, provenance or source.")


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
        yield Change(Effect.TEXT, name, f"`client.{name}()`: other provenance about its weight.")


def _timeouts(old: Operation, new: Operation) -> Iterator[Change]:
    for what, before, after in (
        ("the connection", old.connect_timeout_ms, new.connect_timeout_ms),
        ("the answer", old.answer_timeout_ms, new.answer_timeout_ms),
    ):
        if before != after:
            yield Change(
                Effect.CHANGE,
                new.name,
                f"{method(new)} waits {after} ms for {what}, was {before} ms.",
            )


def _answer(old: Operation, new: Operation) -> Iterator[Change]:
    for before, after, condition in (
        (old.result, new.result, ""),
        (old.single_result, new.single_result, f" with `{new.polymorphic_by or old.polymorphic_by}`"),
    ):
        was = before.annotation(sequence="list") if before is not None else "nothing of its own"
        now = after.annotation(sequence="list") if after is not None else "nothing of its own"
        if was != now:
            yield Change(Effect.BREAKING, new.name, f"{method(new)} returns `{now}`{condition}, was `{was}`.")
    resource, _, name = new.name.partition(".")
    walk = f"`client.{resource}.iter_{name}()`"
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
    subject = f"`client.{name}()`"
    for before, after in pairs(old, new, lambda cap: cap.id):
        if after is None and before is not None:
            yield Change(
                Effect.CHANGE,
                name,
                f"{subject} has no limit {before.id} any more ({before.limit} {before.unit}).",
            )
        elif before is None and after is not None:
            yield Change(
                Effect.BREAKING, name, f"{subject} has a new limit {after.id}: {after.limit} {after.unit}."
            )
        elif before is not None and after is not None:
            facts = [
                (cap.limit, cap.unit, cap.inclusive, cap.interval_ms, cap.kind) for cap in (before, after)
            ]
            if facts[0] != facts[1]:
                yield Change(
                    Effect.BREAKING,
                    name,
                    f"{subject} has another limit {after.id}: {_cap(after)}, was {_cap(before)}.",
                )


def _conditions(old: Operation, new: Operation) -> Iterator[Change]:
    if old.success != new.success:
        fields = ", ".join(f"`{rule.field}`" for rule in new.success)
        yield Change(
            Effect.CHANGE,
            new.name,
            f"{method(new)} counts as done by other rules, on {fields or 'nothing'}.",
        )
    if old.unresolved_scope != new.unresolved_scope:
        scope = new.unresolved_scope
        what = f"calls of {scope.group} with the same `{scope.argument}`" if scope is not None else "nothing"
        yield Change(Effect.CHANGE, new.name, f"An unknown outcome of {method(new)} now blocks {what}.")
    if old.requires_any != new.requires_any:
        names = ", ".join(f"`{name}`" for name in new.requires_any)
        effect = Effect.BREAKING if new.requires_any else Effect.CHANGE
        yield Change(effect, new.name, f"{method(new)} needs one of {names or 'nothing'}.")


def _call(operation: Operation) -> str:
    return f"`{operation.method} {operation.path}` as `client.{operation.name}()`"


def _proof(operation: Operation) -> str:
    return "signed" if operation.signed else "with the key" if operation.api_key else "without a key"


def _cap(cap: Cap) -> str:
    per = f" per {cap.interval_ms} ms" if cap.interval_ms else ""
    return f"{cap.limit} {cap.unit}{per}{'' if cap.inclusive else ', exclusive'}"


def _words(operation: Operation) -> tuple[object, ...]:
    return (
        operation.summary,
        operation.description,
        operation.rules,
        operation.questions,
        operation.known_errors,
        operation.provenance,
        operation.source,
        tuple(
            (parameter.name, parameter.description, parameter.provenance)
            for parameter in operation.parameters
        ),
        tuple((cap.id, cap.text, cap.provenance) for cap in operation.caps),
    )
