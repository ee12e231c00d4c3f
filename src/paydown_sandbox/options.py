"""Choices: one named option for every question the published pages leave open.

Most options come from the document (`x-undocumented[].sandbox-option`, with its default and its
values); the rest belong to this exchange alone and stand in `OWN_OPTIONS`. A state document
sets them by name: `{"options": {"whole-debt-answer-amount": "present"}}`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal

from paydown_sandbox.amounts import AmountError, parse
from paydown_sandbox.document import Document

__all__ = ["OWN_OPTIONS", "Option", "OptionError", "Options", "catalogue"]


class OptionError(ValueError):
    """No such option, or a value it does not take."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: what is open, what is assumed, and what else can be asked for."""

    name: str
    default: str
    values: tuple[str, ...]
    question: str
    reading: str
    operations: tuple[str, ...] = ()
    code: int | None = None
    http: int | None = None
    numbers: Container[int] | None = None

    @property
    def takes_number(self) -> bool:
        """Whether the value is a number: there is no list of values and the default is one."""
        if self.values:
            return False
        try:
            parse(self.default, negative=True)
        except AmountError:
            return False
        return True

    @property
    def _wanted(self) -> str:
        if isinstance(self.numbers, range):
            return f"a whole number from {self.numbers.start} to {self.numbers.stop - 1}"
        return "an error code of the document"

    def check(self, value: str) -> str:
        """Return `value` if this option takes it.

        Raises:
            OptionError: It does not.
        """
        if self.values and value not in self.values:
            raise OptionError(f"option {self.name}: {value!r:.40} is not one of {', '.join(self.values)}")
        if self.takes_number:
            try:
                number = parse(value, negative=self.default.startswith("-"))
            except AmountError as error:
                raise OptionError(f"option {self.name}: {error}") from None
            if self.numbers is not None and (number % 1 or int(number) not in self.numbers):
                raise OptionError(f"option {self.name}: {value} is not {self._wanted}")
        if len(value) > 100:
            raise OptionError(f"option {self.name}: the value is too long")
        return value


OWN_OPTIONS = (
    Option(
        "ban-after-429",
        "10",
        (),
        "How many answers 429 in a row lead to a ban?",
        "Unknown: stop at the first. Bans last 2 minutes at first and twice as long each time, up to 3 days.",
    ),
    Option(
        "debt-call-ms",
        "0",
        (),
        "How long does a borrow or repayment keep the account busy?",
        "About 100 ms on classic margin, 519 and 808 ms measured for repay-debt. Zero here, so that tests "
        "are fast; with a positive value the answer takes that long, and what arrives meanwhile meets 51007.",
    ),
    Option(
        "json-body",
        "unread",
        ("unread", "refused"),
        "What happens to a body that is not a form?",
        "JSON bodies are not part of the protocol. The bytes count for the signature, the parameters in them "
        "are not read, so a required one is missing (-1102). With `refused` the answer is -1013 at once.",
    ),
    Option(
        "wrong-method",
        "404",
        ("404", "405"),
        "What answers a known path with a method that it does not have?",
        "An HTML page; 404 was seen for an unknown path, and nothing else is known.",
    ),
)


def _numbers(name: str, document: Document) -> Container[int] | None:
    """Which numbers an option takes that takes only some: what it says must be a code or a status to answer with."""
    if name.endswith("-code"):
        return document.error_codes()
    return range(400, 500) if name == "status-of-unlisted-errors" else None


def catalogue(document: Document) -> dict[str, Option]:
    """Every option by name, those of the document first."""
    found: dict[str, Option] = {}
    for question in document.questions():
        if question.option is None:
            continue
        known = found.get(question.option)
        if known is not None:
            found[question.option] = Option(
                known.name,
                known.default,
                known.values,
                known.question,
                known.reading,
                (*known.operations, question.operation),
                known.code if known.code is not None else question.code,
                known.http if known.http is not None else question.http,
                known.numbers,
            )
            continue
        found[question.option] = Option(
            name=question.option,
            default=question.default if question.default is not None else "",
            values=question.values,
            question=question.question,
            reading=question.reading,
            operations=(question.operation,),
            code=question.code,
            http=question.http,
            numbers=_numbers(question.option, document),
        )
    for option in OWN_OPTIONS:
        found.setdefault(option.name, option)
    return found


class Options:
    """The chosen values; whatever is not chosen has its default."""

    def __init__(self, known: Mapping[str, Option], chosen: Mapping[str, str] | None = None) -> None:
        self._known = known
        self.chosen: dict[str, str] = {}
        for name, value in (chosen or {}).items():
            option = known.get(name)
            if option is None:
                raise OptionError(f"there is no option {name!r:.60}")
            self.chosen[name] = option.check(value)

    def text(self, name: str) -> str:
        """The value of an option as text."""
        chosen = self.chosen.get(name)
        return self._known[name].default if chosen is None else chosen

    def is_set(self, name: str, value: str) -> bool:
        """Whether the option stands at `value`."""
        return self.text(name) == value

    def number(self, name: str) -> Decimal:
        """The value of an option that takes a number."""
        return parse(self.text(name), negative=True)

    def integer(self, name: str) -> int:
        """The value of an option that takes a whole number."""
        return int(self.number(name))

    def code(self, name: str) -> int:
        """The error code that the document names for this option.

        Raises:
            OptionError: It names none.
        """
        code = self._known[name].code
        if code is None:
            raise OptionError(f"the document names no code for option {name}")
        return code

    def catalogue(self) -> Mapping[str, Option]:
        """All options there are."""
        return self._known
