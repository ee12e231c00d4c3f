"""Write the facts of operations, errors, limits, signing, bans and the stream as calls of the generated classes."""

from __future__ import annotations

from decimal import Decimal

from generator.client.client_model import (
    Cap,
    Client,
    ErrorCode,
    Limit,
    Operation,
    Pagination,
    Parameter,
    StatusOutcome,
    SuccessRule,
    Weight,
)
from generator.document.schema_queries import member, members, number, text, texts
from generator.quoting import Source
from generator.render.literals import call, literal, prose


def constructed(row: Operation | ErrorCode | StatusOutcome | Limit) -> Source:
    """Return the call that makes a row of the generated tables."""
    if isinstance(row, Operation):
        return _operation(row)
    if isinstance(row, ErrorCode):
        return call(
            "ErrorCode",
            row.code,
            row.name,
            prose(row.meaning),
            executed=row.executed,
            retry=row.retry,
            category=row.category,
            match=_unless(row.match, "exact"),
            http=row.http,
            server=row.server,
            listed=_unless(row.listed, "papi"),
            provenance=row.provenance,
        )
    if isinstance(row, StatusOutcome):
        return call(
            "StatusOutcome",
            status=row.status,
            body=_unless(row.body, "any"),
            text=row.text,
            code=row.code,
            overrides_codes=row.overrides_codes,
            executed=row.executed,
            category=row.category,
            retry=row.retry,
            provenance=row.provenance,
        )
    return call(
        "Limit",
        id=row.id,
        limit=row.limit,
        interval_ms=row.interval_ms,
        per=row.per,
        header=row.header,
        counted_on_error=row.counted_on_error,
        per_endpoint=_unless(row.per_endpoint, False),
        window=row.window,
        provenance=row.provenance,
    )


def signing(client: Client) -> Source:
    """Return the call that makes the facts of the auth scheme."""
    facts = client.signing
    algorithms = {
        name: call(
            "SigningAlgorithm",
            algorithm=text(row, "algorithm"),
            encoding=text(row, "encoding"),
            percent_encoded=member(row, "percent-encoded") is True,
            provenance=texts(row, "x-evidence"),
        )
        for name, row in members(dict(facts), "algorithms").items()
    }
    table = "{" + ", ".join(f"{literal(name)}: {source}" for name, source in algorithms.items()) + "}"
    codes = members(dict(facts), "error-codes")
    return call(
        "Signing",
        api_key_header=client.api_key_header,
        payload=texts(dict(facts), "payload"),
        separator=literal(text(dict(facts), "separator")),
        signature_parameter=text(dict(facts), "signature", "parameter"),
        owned_parameters=texts(dict(facts), "owned-parameters"),
        algorithms=Source(f"MappingProxyType({table})"),
        charset=text(dict(facts), "percent-encoding", "charset"),
        unreserved=text(dict(facts), "percent-encoding", "unreserved"),
        hex_case=text(dict(facts), "percent-encoding", "hex-case"),
        future_tolerance_ms=number(dict(facts), "timestamp", "future-tolerance-ms"),
        default_recv_window_ms=number(dict(facts), "recv-window", "default"),
        maximum_recv_window_ms=number(dict(facts), "recv-window", "maximum"),
        time_code=number(codes, "time"),
        signature_code=number(codes, "signature"),
        key_format_code=number(codes, "key-format"),
        key_code=number(codes, "key"),
    )


def ban(client: Client) -> Source:
    """Return the call that makes the facts of a ban."""
    facts = dict(client.ban)
    return call(
        "Ban",
        minimum_ms=number(facts, "minimum-ms"),
        maximum_ms=number(facts, "maximum-ms"),
        pause_after_429_ms=number(facts, "pause-after-429-ms"),
        retry_after_header=text(facts, "retry-after-header", "name"),
    )


def stream(client: Client) -> Source:
    """Return the call that makes the facts of the user data stream."""
    facts = dict(client.stream)
    return call(
        "Stream",
        server=text(facts, "server"),
        connect=text(facts, "connect"),
        key_lifetime_ms=number(facts, "key-lifetime-ms"),
        keep_alive_ms=number(facts, "keep-alive-ms"),
        connection_lifetime_ms=number(facts, "connection-lifetime-ms"),
        server_ping_interval_ms=number(facts, "server-ping-interval-ms"),
        pong_timeout_ms=number(facts, "pong-timeout-ms"),
        type_key=text(facts, "type-key"),
        time_key=text(facts, "time-key"),
        ignored=texts(facts, "ignored"),
    )


def _operation(operation: Operation) -> Source:
    scope = operation.unresolved_scope
    return call(
        "Operation",
        id=operation.id,
        name=operation.name,
        method=operation.method,
        path=operation.path,
        server=operation.server,
        security_type=operation.security_type,
        api_key=operation.api_key,
        signed=operation.signed,
        mutates=operation.mutates,
        weight=_weight(operation.weight),
        connect_timeout_s=_seconds(operation.connect_timeout_ms),
        answer_timeout_s=_seconds(operation.answer_timeout_ms),
        parameters=tuple(_parameter(parameter) for parameter in operation.parameters),
        success=tuple(_success(rule) for rule in operation.success),
        caps=tuple(_cap(cap) for cap in operation.caps),
        requires_any=operation.requires_any,
        unresolved_scope=call("UnresolvedScope", group=scope.group, argument=scope.argument)
        if scope
        else None,
        pagination=_pagination(operation.pagination) if operation.pagination else None,
        provenance=operation.provenance,
        source=operation.source,
    )


def _weight(weight: Weight) -> Source:
    cases = tuple(
        call("WeightCase", parameter=case.parameter, present=case.present, value=case.value)
        for case in weight.when
    )
    return call(
        "Weight",
        value=weight.value,
        scope=weight.scope,
        budget=weight.budget,
        observed=weight.observed,
        when=cases,
    )


def _parameter(parameter: Parameter) -> Source:
    return call(
        "Parameter",
        name=parameter.name,
        python_name=parameter.python_name,
        in_=parameter.location,
        kind=parameter.kind,
        required=parameter.required,
        description=prose(parameter.description),
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        exclusive_minimum=parameter.exclusive_minimum,
        max_integer_digits=parameter.max_integer_digits,
        max_fraction_digits=parameter.max_fraction_digits,
        min_length=parameter.min_length,
        max_length=parameter.max_length,
        pattern=parameter.pattern,
        choices=parameter.choices,
        unit=parameter.unit,
        min_items=parameter.min_items,
        max_items=parameter.max_items,
        unique_items=_unless(parameter.unique_items, False),
        excludes=parameter.excludes,
    )


def _success(rule: SuccessRule) -> Source:
    return call(
        "SuccessRule",
        field=rule.field,
        equals=rule.equals,
        equals_argument=rule.equals_argument,
        type=rule.type,
    )


def _cap(cap: Cap) -> Source:
    return call(
        "Cap",
        id=cap.id,
        kind=cap.kind,
        limit=cap.limit,
        unit=literal(cap.unit),
        inclusive=cap.inclusive,
        text=cap.text,
        interval_ms=cap.interval_ms,
    )


def _pagination(pages: Pagination) -> Source:
    window, archive = pages.window, pages.archive
    return call(
        "Pagination",
        style=pages.style,
        page=pages.page,
        from_id=pages.from_id,
        size=pages.size,
        default_size=pages.default_size,
        max_size=pages.max_size,
        rows=pages.rows,
        total=pages.total,
        id=pages.id,
        order=pages.order,
        time=pages.time,
        window=call(
            "PageWindow",
            start=window.start,
            end=window.end,
            max_ms=window.max_ms,
            default_ms=window.default_ms,
        )
        if window
        else None,
        archive=call("Archive", parameter=archive.parameter, older_than_months=archive.older_than_months)
        if archive
        else None,
        kept_ms=pages.kept_ms,
    )


def _unless(value: object, default: object) -> object:
    return Ellipsis if value == default else value


def _seconds(ms: int) -> Source:
    seconds = format((Decimal(ms) / 1000).normalize(), "f")
    return Source(seconds if "." in seconds else f"{seconds}.0")
