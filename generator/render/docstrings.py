"""Write the docstrings of generated code: what a caller must know, in the order in which it is needed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping

from generator.client.client_model import Client, Field, Model, Operation, Parameter, Resource
from generator.client.python_types import Type
from generator.quoting import Source
from generator.quoting import docstring as quoted

WIDTH = 104
_LAST_MOMENT = 9_999_999_999_999  # 13 digits of milliseconds
_LAST_ID = 2**63 - 1
_READ_RAISES = (
    (
        "RequestNotSent",
        "Nothing left this machine: an argument was wrong, a budget was spent, or no connection was made.",
    ),
    ("RequestRejected", "The exchange refused to answer. Nothing was read, nothing has changed."),
    (
        "ReadFailed",
        "No usable answer, even after repeating. Conclude nothing; reading again is safe.",
    ),
)
_WRITE_RAISES = (
    ("RequestNotSent", "Nothing left this machine. Nothing was executed; calling again is safe."),
    ("RequestRejected", "The exchange refused. Nothing was executed."),
    (
        "OutcomeUnknown",
        "It may have happened. Find out before calling again: a repeat may be executed a second time.",
    ),
)


def operation_docstring(operation: Operation, client: Client, indent: int, *, rows: bool = False) -> Source:
    """Return the docstring of a method, without quotation marks, its later lines indented.

    Args:
        operation: The operation that the method sends.
        client: For its limits, and for the Python names of everything else.
        indent: Column of the docstring.
        rows: Whether it is the method that iterates over all rows.
    """
    width = WIDTH - indent
    models = {model.class_name: model for model in client.models}
    names = python_names(client) | {
        parameter.name: parameter.python_name for parameter in operation.parameters + operation.exposed
    }
    summary = (
        f"Iterate over every row of `{operation.python_name}`, page by page." if rows else operation.summary
    )
    blocks = [
        _paragraph(_pythonic(text, names), width) for text in (summary, *_paragraphs(operation.description))
    ]
    if rows:
        blocks.append(_paragraph(_seams_text(operation), width))
    arguments = [
        parameter
        for parameter in (*operation.parameters, *operation.exposed)
        if not rows or not _is_page(operation, parameter)
    ]
    if arguments:
        blocks.append(
            _section(
                "Args",
                [(parameter.python_name, _pythonic(_argument(parameter), names)) for parameter in arguments],
                width,
            )
        )
    if rows and operation.row is not None:
        blocks.append(_section("Yields", [("", _pythonic(_result(operation.row, models), names))], width))
    elif operation.result.kind != "nothing":
        blocks.append(_section("Returns", [("", _pythonic(_results(operation, models), names))], width))
    blocks.append(_section("Raises", _WRITE_RAISES if operation.mutates else _READ_RAISES, width))
    blocks.append("\n".join(_facts(operation, client, names, width)))
    return quoted("\n\n".join(blocks), indent)


def model_docstring(model: Model, client: Client, indent: int) -> Source:
    """Return the docstring of a model class, without quotation marks.

    Args:
        model: The class.
        client: For the Python names that the text mentions.
        indent: Column of the docstring.
    """
    width = WIDTH - indent
    names = python_names(client) | {field.name: field.python_name for field in model.fields}
    blocks = [_paragraph(_pythonic(text, names), width) for text in _summarized(model.description, width)]
    entries = [(field.python_name, _pythonic(_field(field), names)) for field in model.fields]
    entries.append(("additional", "Members that the document does not name, kept as decoded."))
    blocks.append(_section("Attributes", entries, width))
    if model.source:
        blocks.append(f"Source: {model.source}")
    return quoted("\n\n".join(blocks), indent)


def python_names(client: Client) -> dict[str, str]:
    """Return how Python spells operationIds, and members that every model spells alike."""
    spelled: dict[str, set[str]] = {}
    for model in client.models:
        for field in model.fields:
            spelled.setdefault(field.name, set()).add(field.python_name)
    names = {name: min(found) for name, found in spelled.items() if len(found) == 1}
    return names | {operation.id: operation.name for operation in client.operations}


def resource_docstring(resource: Resource, asynchronous: bool) -> Source:
    """Return the docstring of a resource class, without quotation marks.

    Args:
        resource: The operations of one tag.
        asynchronous: Whether it is the class whose methods are awaited.
    """
    summary = _paragraph(_sentence(resource.description), WIDTH - 4)
    if not asynchronous:
        return quoted(summary, 4)
    return Source(
        quoted(f"{summary}\n\nAwaited; `{resource.class_name}` is the blocking twin.", 4) + "\n    "
    )


def plain(text: str, indent: int) -> Source:
    """Return prose as the body of a docstring.

    Args:
        text: Paragraphs with blank lines between.
        indent: Column of the docstring.
    """
    return quoted(
        "\n\n".join(_paragraph(part, WIDTH - indent) for part in _summarized(text, WIDTH - indent)), indent
    )


# ----------------------------------------------------------------------------------- parts


def _argument(parameter: Parameter) -> str:
    text = _sentence(parameter.description)
    notes: list[str] = []
    if parameter.max_fraction_digits is not None and "digits" not in text:
        notes.append(f"At most {parameter.max_fraction_digits} digits after the point.")
    if _is_restrictive(parameter) and str(parameter.maximum) not in text.replace(",", ""):
        notes.append(f"From {parameter.minimum} to {parameter.maximum}.")
    if parameter.kind == "string_list" and parameter.max_items is not None:
        notes.append(f"At most {parameter.max_items}{', no duplicates' if parameter.unique_items else ''}.")
    return " ".join([text, *_unit(text, parameter.unit), *notes])


def _is_restrictive(parameter: Parameter) -> bool:
    """Return whether the bounds of an integer restrict it more than being a time or an id does."""
    bounded = parameter.kind == "integer" and parameter.minimum is not None and parameter.maximum is not None
    return bounded and parameter.maximum not in (_LAST_MOMENT, _LAST_ID)


def _field(field: Field) -> str:
    text = _sentence(field.description)
    notes: list[str] = []
    if field.type.kind == "decimal_or_empty":
        notes.append(
            "`None` if the exchange sends an empty text."
            if field.required
            else "`None` if it is missing or an empty text."
        )
    elif field.type.nullable:
        notes.append(
            "`None` if the exchange sends null." if field.required else "`None` if it is missing or null."
        )
    elif not field.required:
        notes.append("`None` then." if "missing" in text.lower() else "`None` if it is missing.")
    return " ".join([text, *_unit(text, field.unit), *notes])


def _unit(text: str, unit: str) -> list[str]:
    if not unit or unit.lower() in text.lower() or unit == "ratio":
        return []
    if unit == "asset":
        return [] if "units of" in text else ["In units of the asset."]
    return [{"ms": "Milliseconds."}.get(unit, f"In {unit}.")]


def _results(operation: Operation, models: Mapping[str, Model]) -> str:
    if operation.single_result is not None and operation.polymorphic_by:
        name = next(
            parameter.python_name
            for parameter in operation.parameters
            if parameter.name == operation.polymorphic_by
        )
        one = operation.single_result.name
        described = _first_sentence(models[one].description) if one in models else ""
        return f"A list of `{one}` without `{name}`, one `{one}` with it. {described}".strip()
    return _result(operation.result, models)


def _result(result: Type, models: Mapping[str, Model]) -> str:
    inner = result.item if result.item is not None else result
    words = models[inner.name].description if inner.kind == "model" and inner.name in models else ""
    if result.item is not None:
        return f"A list of `{inner.name}`. {_first_sentence(words)}".strip()
    described = _sentence(words)
    return described or f"`{inner.name}`."


def _facts(operation: Operation, client: Client, names: Mapping[str, str], width: int) -> list[str]:
    lines = [
        f"{operation.method} {operation.path}, security {operation.security_type}: {_security(operation)}."
    ]
    lines += _wrapped(_weight(operation, client), width)
    for cap in operation.caps:
        lines += _wrapped(_pythonic(f"Limit: {_sentence(cap.text)}{_marks(cap.provenance)}", names), width)
    if operation.rules:
        lines.append("Rules:")
        for rule in operation.rules:
            lines += textwrap.wrap(
                _pythonic(f"{_sentence(rule.text)}{_marks(rule.provenance)}", names),
                width,
                initial_indent="    - ",
                subsequent_indent="      ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    if operation.requires_any:
        lines += _wrapped(
            f"Needs one of {', '.join(f'`{names.get(name, name)}`' for name in operation.requires_any)}.",
            width,
        )
    for error in operation.known_errors:
        lines += _wrapped(f"Seen: {error.code}. {_sentence(error.text)}", width)
    if operation.questions:
        count = len(operation.questions)
        what = "one question" if count == 1 else f"{count} questions"
        lines += _wrapped(
            f"Undocumented: {what}; openapi.json lists the assumptions made (`{operation.id}`).", width
        )
    lines.append(f"Provenance: {', '.join(operation.provenance)}.")
    lines += _wrapped(f"Source: {operation.source}", width)
    return lines


def _security(operation: Operation) -> str:
    if operation.signed:
        return "API key and signature"
    return "API key, no signature" if operation.api_key else "no key"


def _weight(operation: Operation, client: Client) -> str:
    weight = operation.weight
    limit = next((limit for limit in client.limits if limit.id == weight.budget), None)
    share = ""
    if limit is not None:
        per = {"ip": "IP"}.get(limit.per, limit.per)
        share = f" of {limit.limit} per {_duration(limit.interval_ms)}, counted per {per}"
    cases = "".join(
        f"; {case.value} with{'' if case.present else 'out'} `{case.parameter}`" for case in weight.when
    )
    text = f"Weight {weight.value}{share}{cases}."
    labels = {scope for scope in weight.label.values() if scope != "none"}
    known = [f"documented as {weight.documented}"] if weight.documented is not None else []
    known += [f"measured as {weight.observed}"] if weight.observed is not None and known else []
    if known:
        text += f" {', '.join(known).capitalize()}."
    if len(labels) > 1:
        printed = ", ".join(f"{_who(who)} {scope}" for who, scope in weight.label.items())
        text += f" Its scope is unsettled: {printed}."
    return text


def _who(mark: str) -> str:
    return {"docs": "the docs page prints", "sdk": "the vendor's SDK prints"}.get(mark, mark)


def _duration(ms: int) -> str:
    for size, name in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")):
        if ms % size == 0:
            return name if ms == size else f"{ms // size} {name}s"
    return f"{ms} ms"


def _seams_text(operation: Operation) -> str:
    window = operation.pagination.window if operation.pagination is not None else None
    parts: list[str] = []
    if window is not None and window.max_ms:
        span = _duration(window.max_ms)
        parts.append(f"A span longer than {span} is cut into windows that the exchange accepts.")
    parts.append("No row is lost or doubled at a seam.")
    return " ".join(parts)


def _is_page(operation: Operation, parameter: Parameter) -> bool:
    return operation.pagination is not None and parameter.name in operation.pagination.walked


def _marks(provenance: Iterable[str]) -> str:
    marks = [mark for mark in provenance if mark not in ("docs",)]
    return f" [{', '.join(marks)}]" if marks else ""


# ----------------------------------------------------------------------------------- layout


def _paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n\s*\n", text.strip()) if part]


def _summarized(text: str, width: int) -> list[str]:
    """Return the paragraphs of a text; the first sentence is one of its own if the first paragraph is long."""
    parts = _paragraphs(text)
    if parts and len(_wrapped(parts[0], width)) > 1:
        first = _first_sentence(parts[0])
        parts[:1] = [first, *_paragraphs(" ".join(parts[0].split()).removeprefix(first))]
    return parts


def _paragraph(text: str, width: int) -> str:
    return "\n".join(_wrapped(text, width))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), width, subsequent_indent="", break_long_words=False, break_on_hyphens=False
    )


def _section(title: str, entries: Iterable[tuple[str, str]], width: int) -> str:
    lines = [f"{title}:"]
    for name, text in entries:
        lines += textwrap.wrap(
            f"{name}: {text}" if name else text,
            width,
            initial_indent="    ",
            subsequent_indent="        " if name else "    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _sentence(text: str) -> str:
    flat = " ".join(text.split())
    return flat if not flat or flat[-1] in ".!?" else f"{flat}."


def _first_sentence(text: str) -> str:
    return _sentence(re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0])


def _pythonic(text: str, names: Mapping[str, str]) -> str:
    """Spell wire names in backticks as Python does: `crossMarginInterest` becomes `cross_margin_interest`."""
    return re.sub(r"`(\w+)`", lambda match: f"`{names.get(match.group(1), match.group(1))}`", text)
