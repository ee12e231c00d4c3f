"""Compare errors, limits, signing and servers of two versions."""

from __future__ import annotations

from collections.abc import Iterator

from generator.client.client_model import Client, ErrorCode, StatusOutcome
from generator.diff.change import Change, Effect, pairs


def changed_protocol(old: Client, new: Client) -> Iterator[Change]:
    """Yield every change of a fact that belongs to no single operation.

    Args:
        old: Client of the older version.
        new: Client of the newer version.
    """
    yield from _errors(old, new)
    yield from _outcomes(old, new)
    yield from _limits(old, new)
    yield from _scheme(old, new)
    yield from _servers(old, new)


def _errors(old: Client, new: Client) -> Iterator[Change]:
    for before, after in pairs(old.error_codes, new.error_codes, lambda row: (row.code, row.server)):
        if after is None and before is not None:
            yield Change(Effect.BREAKING, _error(before), f"{_error(before)} is no longer listed.")
        elif before is None and after is not None:
            yield Change(
                Effect.ADDITION,
                _error(after),
                f"{_error(after)} is new: {after.category}, executed: {after.executed}.",
            )
        elif before is not None and after is not None:
            for what in ("name", "executed", "category", "match"):
                was, now = getattr(before, what), getattr(after, what)
                if was != now:
                    yield Change(
                        Effect.BREAKING, _error(after), f"{_error(after)}: {what} is {now}, was {was}."
                    )
            if before.retry != after.retry:
                yield Change(
                    Effect.CHANGE,
                    _error(after),
                    f"{_error(after)}: retry is {after.retry}, was {before.retry}.",
                )
            if (before.meaning, before.http, before.listed, before.provenance) != (
                after.meaning,
                after.http,
                after.listed,
                after.provenance,
            ):
                yield Change(Effect.TEXT, _error(after), f"{_error(after)}: other words or provenance.")


def _outcomes(old: Client, new: Client) -> Iterator[Change]:
    def condition(row: StatusOutcome) -> tuple[object, ...]:
        return row.status, row.body, row.text, row.code

    for before, after in pairs(old.status_outcomes, new.status_outcomes, condition):
        if after is None and before is not None:
            yield Change(
                Effect.BREAKING,
                "HTTP status",
                f"{_outcome(before)}: no rule of its own any more (executed: {before.executed}).",
            )
        elif before is None and after is not None:
            yield Change(
                Effect.BREAKING,
                "HTTP status",
                f"{_outcome(after)}: a new rule, executed: {after.executed}, {after.category}.",
            )
        elif before is not None and after is not None:
            facts = [(row.executed, row.category, row.overrides_codes) for row in (before, after)]
            if facts[0] != facts[1]:
                yield Change(
                    Effect.BREAKING,
                    "HTTP status",
                    f"{_outcome(after)}: executed is {after.executed} ({after.category}), "
                    f"was {before.executed} ({before.category}).",
                )
    common = [
        condition(row)
        for row in old.status_outcomes
        if condition(row) in {condition(other) for other in new.status_outcomes}
    ]
    order = [condition(row) for row in new.status_outcomes if condition(row) in common]
    if order != common:
        yield Change(
            Effect.BREAKING,
            "HTTP status",
            "The rules for HTTP statuses come in another order; the first that fits decides.",
        )


def _limits(old: Client, new: Client) -> Iterator[Change]:
    for before, after in pairs(old.limits, new.limits, lambda limit: limit.id):
        if after is None and before is not None:
            yield Change(Effect.CHANGE, before.id, f"The budget {before.id} is gone.")
        elif before is None and after is not None:
            yield Change(
                Effect.ADDITION,
                after.id,
                f"The budget {after.id} is new: {after.limit} per {after.interval_ms} ms and {after.per}.",
            )
        elif before is not None and after is not None and before != after:
            facts = [
                f"{limit.limit} per {limit.interval_ms} ms and {limit.per} ({limit.header})"
                for limit in (before, after)
            ]
            if facts[0] != facts[1]:
                yield Change(Effect.CHANGE, after.id, f"The budget {after.id} is {facts[1]}, was {facts[0]}.")
            else:
                yield Change(Effect.TEXT, after.id, f"The budget {after.id}: other provenance or reading.")


def _scheme(old: Client, new: Client) -> Iterator[Change]:
    if old.api_key_header != new.api_key_header:
        yield Change(
            Effect.CHANGE,
            "signing",
            f"The key travels in `{new.api_key_header}`, was `{old.api_key_header}`.",
        )
    for name in sorted({*old.signing, *new.signing}):
        was, now = old.signing.get(name), new.signing.get(name)
        if was != now:
            lost = (
                sorted(set(was) - set(now))
                if isinstance(was, dict) and isinstance(now, dict) and name == "algorithms"
                else []
            )
            text = (
                f"no longer signed with {', '.join(lost)}" if lost else f"`{name}` of the auth scheme changed"
            )
            yield Change(Effect.BREAKING if lost else Effect.CHANGE, "signing", f"Requests: {text}.")


def _servers(old: Client, new: Client) -> Iterator[Change]:
    for name in sorted({*old.servers, *new.servers}):
        was, now = old.servers.get(name), new.servers.get(name)
        if was != now:
            yield Change(
                Effect.CHANGE, "servers", f"The server {name} is {now or 'gone'}, was {was or 'not listed'}."
            )
    if old.clocks != new.clocks:
        yield Change(Effect.CHANGE, "servers", f"Clocks: {', '.join(new.clocks) or 'none'}.")
    if old.ban != new.ban:
        yield Change(Effect.CHANGE, "bans", "The facts about bans and pauses changed.")
    if old.stream != new.stream:
        names = sorted(
            key for key in {*old.stream, *new.stream} if old.stream.get(key) != new.stream.get(key)
        )
        if names != ["events"]:  # events are compared one by one
            yield Change(
                Effect.CHANGE, "stream", f"The facts about the user data stream changed: {', '.join(names)}."
            )


def _error(row: ErrorCode) -> str:
    return f"Error {row.code} {row.name}{f' of {row.server}' if row.server else ''}"


def _outcome(row: StatusOutcome) -> str:
    parts = [
        f"HTTP {row.status}",
        f'with the text "{row.text}"' if row.text else "",
        f"with code {row.code}" if row.code else "",
    ]
    bodies = {"empty": "with an empty body", "html": "with an HTML page", "json-error": "with a JSON error"}
    parts.append(bodies.get(row.body, ""))
    return " ".join(part for part in parts if part)
