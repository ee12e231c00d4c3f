"""Check arguments against the facts of the document and write them as wire text.

A wrong argument is refused here, before anything leaves: the exchange's reading of an odd amount is undocumented, and a
misread amount is money. Every bound comes from the operation's `Parameter` rows; nothing is typed here by hand.

    {"asset": "BNB", "amount": Decimal("1E-8")} ──wire_texts()──> {"asset": "BNB", "amount": "0.00000001"}

Amounts are `Decimal` or plain decimal `str`. `float` is refused, since 0.1 + 0.2 is 0.30000000000000004.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn, cast

from paydown.errors import InvalidRequest, InvalidRequestType
from paydown_wire.error_codes import SIGNING
from paydown_wire.operation import UNSET

if TYPE_CHECKING:
    from paydown_wire.operation import Operation, Parameter

# `format(Decimal("1E+400000"), "f")` would write 400,000 digits before any rule could refuse them. No
# parameter of the document is longer than this.
_LONGEST_DECIMAL: Final = 64

_PLAIN_DECIMAL: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LIST_SEPARATOR: Final = ","


def wire_texts(operation: Operation, arguments: Mapping[str, object]) -> dict[str, str]:
    """Check the arguments of one call and write each as the text that goes on the wire.

    Args:
        operation: The call.
        arguments: Values by wire name; `UNSET` ones count as absent. `recvWindow` is not looked at.

    Returns:
        Texts by wire name, not yet percent-encoded, in the order of the document.

    Raises:
        InvalidRequest: A value breaks a rule of the document, or a required one is missing.
        InvalidRequestType: A value has a type that is not accepted, such as a float for an amount, or None.
    """
    texts: dict[str, str] = {}
    for parameter in operation.parameters:
        value = arguments.get(parameter.name, UNSET)
        if value is UNSET:
            if parameter.required:
                _refuse(operation, parameter, "is required")
            continue
        if value is None:
            _refuse_none(operation, parameter)
        texts[parameter.name] = _WRITERS[parameter.kind](operation, parameter, value)
    if len(arguments) > len(texts):
        for name, value in arguments.items():
            if name not in texts and name != "recvWindow" and value is not UNSET:
                raise InvalidRequestType(
                    f"{operation.name} has no parameter {name!r}.", parameter=name, operation=operation.name
                )
    return texts


def checked_recv_window(value: object) -> int:
    """Check a recvWindow against the document's bounds.

    Args:
        value: How long the exchange may still accept a request after its timestamp, ms.

    Raises:
        InvalidRequest: It is below 1 or above the maximum.
        InvalidRequestType: It is no int; a bool is none.
    """
    largest = SIGNING.maximum_recv_window_ms
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequestType(
            f"recv_window must be an int of milliseconds, not {type(value).__name__}.",
            parameter="recv_window",
        )
    if not 1 <= value <= largest:
        raise InvalidRequest(
            f"recv_window must be from 1 to {largest} ms, not {_shown(value)}.", parameter="recv_window"
        )
    return int(value)


# ---------------------------------------------------------------- one function for each kind of parameter


def _write_string(operation: Operation, parameter: Parameter, value: object) -> str:
    return _checked_text(operation, parameter, value, "")


def _write_decimal(operation: Operation, parameter: Parameter, value: object) -> str:
    if isinstance(value, str):
        text = _exact(value)
        if not _PLAIN_DECIMAL.fullmatch(text):
            _refuse(operation, parameter, f"must be a plain decimal such as '0.1', not {_shown(text)}")
    elif isinstance(value, Decimal):
        number = Decimal(value)  # a subclass may format itself; its number is what counts
        text = _plain(operation, parameter, number)
    else:
        advice = "Write Decimal('0.1'), quotes included" if isinstance(value, float) else "Use Decimal or str"
        _refuse_type(
            operation, parameter, f"must be a Decimal or a str, not {type(value).__name__}. {advice}"
        )
    if len(text) > _LONGEST_DECIMAL:
        _refuse(operation, parameter, f"has {len(text)} characters, which no amount needs")
    most, digits = parameter.max_fraction_digits, len(text.partition(".")[2])
    if most is not None and digits > most:
        _refuse(
            operation,
            parameter,
            f"has {digits} digits after the point; at most {most} are allowed. Round it yourself",
        )
    least = parameter.exclusive_minimum
    if least is not None and Decimal(text) <= Decimal(least):
        _refuse(operation, parameter, f"must be greater than {least}, not {_shown(text)}")
    _check_form(operation, parameter, text, "")
    return text


def _plain(operation: Operation, parameter: Parameter, number: Decimal) -> str:
    if not number.is_finite():
        _refuse(operation, parameter, f"must be a number, not {number}")
    if number.is_signed():
        _refuse(operation, parameter, "must not be negative")
    # `adjusted` and the exponent are read without writing out the digits.
    exponent = (
        number.as_tuple().exponent if -_LONGEST_DECIMAL <= number.adjusted() <= _LONGEST_DECIMAL else None
    )
    if not isinstance(exponent, int) or exponent < -_LONGEST_DECIMAL:
        _refuse(operation, parameter, f"is of the order 1E{number.adjusted():+d}, far beyond any amount")
    return format(number, "f")


def _write_integer(operation: Operation, parameter: Parameter, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse_type(operation, parameter, f"must be an int, not {type(value).__name__}")
    number = int(value)
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        unit = f" {parameter.unit}" if parameter.unit else ""
        span = (
            f"from {low} to {high}"
            if None not in (low, high)
            else f"at least {low}"
            if high is None
            else f"at most {high}"
        )
        _refuse(operation, parameter, f"must be {span}{unit}, not {_shown(number)}")
    if number.bit_length() > 63:
        _refuse(operation, parameter, "does not fit in 64 bits")
    return str(number)


def _write_boolean(operation: Operation, parameter: Parameter, value: object) -> str:
    if not isinstance(value, bool):
        _refuse_type(operation, parameter, f"must be True or False, not {type(value).__name__}")
    return "true" if value else "false"


def _write_enum(operation: Operation, parameter: Parameter, value: object) -> str:
    if not isinstance(value, str):
        _refuse_type(operation, parameter, f"must be a str, not {type(value).__name__}")
    text = _exact(value)
    if text not in parameter.choices:
        _refuse(operation, parameter, f"must be one of {', '.join(parameter.choices)}, not {_shown(text)}")
    return text


def _write_list(operation: Operation, parameter: Parameter, value: object) -> str:
    if isinstance(value, str):
        names = _exact(value)[:_LONGEST_DECIMAL].split(_LIST_SEPARATOR)
        _refuse_type(operation, parameter, f"must be a list of str, not one str. Write {_shown(names)}")
    given: object = value
    if not isinstance(value, Sequence) or isinstance(value, (bytes, bytearray, memoryview)):
        # Sets and iterators are refused: a set has no order, and the order may matter; an iterator can be read only
        # once.
        _refuse_type(operation, parameter, f"must be a list or tuple of str, not {type(given).__name__}")
    items: list[str] = []
    least, most = parameter.min_items, parameter.max_items
    for item in cast("Sequence[object]", value):
        if most is not None and len(items) == most:
            _refuse(operation, parameter, f"has more than {most} items, which is the most allowed")
        text = _checked_text(operation, parameter, item, " item")
        if _LIST_SEPARATOR in text:
            _refuse(
                operation, parameter, f"item {_shown(text)} holds a comma, which separates items. Split it"
            )
        if parameter.unique_items and text in items:
            _refuse(operation, parameter, f"names {_shown(text)} twice")
        items.append(text)
    if not items or (least is not None and len(items) < least):
        _refuse(operation, parameter, "is an empty list. Leave the argument out instead")
    return _LIST_SEPARATOR.join(items)


_WRITERS: Final[Mapping[str, Callable[[Operation, Parameter, object], str]]] = {
    "string": _write_string,
    "decimal": _write_decimal,
    "integer": _write_integer,
    "boolean_text": _write_boolean,
    "enum": _write_enum,
    "string_list": _write_list,
}


# ------------------------------------------------------------------------ checks that several kinds share


def _checked_text(operation: Operation, parameter: Parameter, value: object, item: str) -> str:
    if not isinstance(value, str):
        _refuse_type(operation, parameter, f"{item} must be a str, not {type(value).__name__}".lstrip())
    text = _exact(value)
    if not text:
        _refuse(operation, parameter, f"{item} is empty".lstrip())
    _check_form(operation, parameter, text, item)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        _refuse(operation, parameter, f"{item} holds a lone surrogate, which no UTF-8 text can".lstrip())
    return text


def _check_form(operation: Operation, parameter: Parameter, text: str, item: str) -> None:
    least, most = parameter.min_length, parameter.max_length
    if (least is not None and len(text) < least) or (most is not None and len(text) > most):
        _refuse(
            operation,
            parameter,
            f"{item} has {len(text)} characters; {least or 0} to {most} are allowed".lstrip(),
        )
    if parameter.pattern is not None and not _compiled(parameter.pattern).fullmatch(text):
        reason = f"{item} {_shown(text)} does not have the form that the document asks for"
        _refuse(operation, parameter, f"{reason.lstrip()} ({parameter.description}){_hint(parameter, text)}")
    if text in parameter.excludes:
        reason = f"{item} must not be {_shown(text)}".lstrip()
        _refuse(operation, parameter, f"{reason} ({parameter.description})")


def _hint(parameter: Parameter, text: str) -> str:
    """Return the correction to propose in the error, if a small one makes the argument right."""
    if parameter.kind == "decimal":
        instead = text.lstrip("0")
        instead = instead if instead[:1].isdigit() else f"0{instead}"
    else:
        instead = text.strip().upper()
    if parameter.pattern is None or not _compiled(parameter.pattern).fullmatch(instead):
        return ""
    return f". Write {_shown(instead)}"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _exact(text: str) -> str:
    """Return the characters of a str subclass, such as an enum member, which may print as something else."""
    return str.__str__(text)


# -------------------------------------------------------------------------------------- texts of refusals


def _shown(value: object) -> str:
    text = repr(value) if type(value) is not int or value.bit_length() < 128 else "a very large number"
    return text if len(text) <= 48 else f"{text[:45]}…"


def _refuse(operation: Operation, parameter: Parameter, reason: str) -> NoReturn:
    raise InvalidRequest(
        f"{operation.name}: {parameter.python_name} {reason}.",
        parameter=parameter.python_name,
        operation=operation.name,
    )


def _refuse_type(operation: Operation, parameter: Parameter, reason: str) -> NoReturn:
    raise InvalidRequestType(
        f"{operation.name}: {parameter.python_name} {reason}.",
        parameter=parameter.python_name,
        operation=operation.name,
    )


def _refuse_none(operation: Operation, parameter: Parameter) -> NoReturn:
    if parameter.required:
        _refuse_type(operation, parameter, "is None, but required")
    _refuse_type(
        operation,
        parameter,
        f"is None. Call without {parameter.python_name} instead: {parameter.description}".rstrip("."),
    )
