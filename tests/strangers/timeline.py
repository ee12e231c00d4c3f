"""Print one history for people: what happened when, and the journal beside the exchange's truth."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.strangers.choices import table
from tests.strangers.play import Played


def _texts(played: Played) -> list[tuple[int, str]]:
    lines = list(played.lines)
    for one in played.exchange.arrivals:
        asked = "the whole debt" if one.amount is None else f"{one.amount:f} {one.asset}"
        lines.append(
            (
                one.at,
                f"ARRIVES   repay-debt {one.number} for {asked}, attempt {one.attempt or '-'} (owed {one.owed:f})",
            )
        )
        lines.append((one.answered_at or one.at, f"TOLD      repay-debt {one.number}: {one.told}"))
    for entry in played.exchange.books.entries:
        change = entry.change
        parts = [
            f"{name} {value:+f}"
            for name, value in (
                ("borrowed", change.borrowed),
                ("interest", change.interest),
                ("free", change.free),
            )
            if value
        ]
        lines.append((entry.at, f"BOOKS     {entry.why}: {entry.asset} {', '.join(parts)}"))
    return sorted(lines, key=lambda line: line[0])


def _sighting(sighting: dict[str, Any]) -> str:
    look: dict[str, Any] = sighting.get("look") or {}
    holdings: dict[str, dict[str, str]] = look.get("assets") or {}
    assets = {
        name: {key: value for key, value in holding.items() if Decimal(value)}
        for name, holding in holdings.items()
    }
    found: list[object] = sighting.get("rows") or []
    rows = [str(one) for one in found]
    return json.dumps(
        {"at": look.get("sent_at_ms"), "assets": assets, "rows": rows, "unread": sighting.get("unread")}
    )


def timeline(played: Played) -> str:
    """Return the history as text."""
    history, start = played.history, played.history.start_ms
    defaults = {name: choice.default for name, choice in table().items()}
    out = [f"world {history.world}, seed {history.seed}"]
    out.append("choices: " + json.dumps({k: v for k, v in history.values.items() if v != defaults[k]}))
    out.append(f"opening: { {name: str(holding) for name, holding in history.opening.items()} }")
    out.append(f"wishes: {[str(wish) for wish in history.wishes]}")
    out.append(f"deeds: {[str(deed) for deed in history.deeds]}")
    out.append("")
    out.extend(f"{(at - start) / 1000:11.3f}  {text}" for at, text in _texts(played))
    out.append("")
    for attempt in played.attempts:
        moved = sum((arrival.moved for arrival in played.arrivals(attempt.id)), Decimal(0))
        opened = (attempt.opened_at_ms - start) / 1000
        out.append(
            f"attempt {attempt.id} of {attempt.plan_key}: {attempt.state.value}, asked {attempt.intent.amount}, "
            f"said repaid {attempt.repaid}; TRUE: {moved:f}. Opened at {opened:.3f}, "
            f"base reading at {(attempt.intent.before.sent_at_ms - start) / 1000:.3f}"
        )
        for record in played.evidence.get(attempt.id, []):
            body: dict[str, Any] = dict(record.body)
            verdict: dict[str, Any] = body.get("verdict") or {}
            out.append(
                f"    {(record.taken_at_ms - start) / 1000:.3f} {record.verdict} by {verdict.get('rule')}"
            )
            out.extend(
                f"        {one['witness']}: {one['says']}: {one['text']}"
                for one in verdict.get("findings", [])
            )
            out.extend(f"        saw {_sighting(one)}" for one in body.get("sightings", []))
    owed = {name: str(played.exchange.books[name].owed) for name in played.exchange.books.assets}
    out.append(f"owed in truth at the end: {owed}")
    return "\n".join(out)
