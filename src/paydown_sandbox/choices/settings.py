"""Offer one named option for every question that the published pages leave open.

Options come from the document (`x-undocumented[].sandbox-option`, with its default and its values), from the
sandbox alone (`OWN_OPTIONS`), and from the table of choices (`choices`): every choice is an option under its own
name, or another name for an older option that asks the same (`synonyms`). A state document sets them by name:
`{"options": {"whole-debt-answer-amount": "present", "balance-age": "0..5000"}}`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from paydown_sandbox.books.exact_amounts import AmountError, parse
from paydown_sandbox.bundled_document import Document
from paydown_sandbox.choices import choice_table as choices
from paydown_sandbox.choices.chances import Span
from paydown_sandbox.choices.synonyms import IMPLIED, RESHAPED, TRANSLATED

__all__ = ["OWN_OPTIONS", "Option", "OptionError", "Options", "catalogue", "settled"]


class OptionError(ValueError):
    """No such option, or a value it does not take."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what is open, what the sandbox assumes, and which other values it takes.

    With `span` it takes a number of milliseconds or a range of them. `about` is its topic in the table of choices.
    """

    name: str
    default: str
    values: tuple[str, ...]
    question: str
    reading: str
    operations: tuple[str, ...] = ()
    code: int | None = None
    http: int | None = None
    numbers: Container[int] | None = None
    span: bool = False
    about: str = ""

    @property
    def takes_number(self) -> bool:
        """Return whether the value is a number: there is no list of values, and the default is a number."""
        if self.values or self.span:
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
        if self.span:
            try:
                Span.parse(value, negative=any(known.startswith("-") for known in self.values))
            except ValueError as error:
                raise OptionError(f"option {self.name}: {error}") from None
            return value
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
        span=True,
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
    """Return the numbers that an option takes, if it names an error code or a status; `None` for any number."""
    if name.endswith("-code"):
        return document.error_codes()
    return range(400, 500) if name == "status-of-unlisted-errors" else None


def _of_document(document: Document) -> dict[str, Option]:
    found: dict[str, Option] = {}
    for question in document.questions():
        if question.option is None:
            continue
        known = found.get(question.option)
        if known is not None:
            found[question.option] = replace(
                known,
                operations=(*known.operations, question.operation),
                code=known.code if known.code is not None else question.code,
                http=known.http if known.http is not None else question.http,
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
    return found


def _of_choice(choice: choices.Choice) -> Option:
    question, means = RESHAPED.get(choice.name, (choice.question, choice.means))
    values = tuple(means) if choice.name in RESHAPED else choice.values
    reading = f"{means[values[0]]} {choice.source}"
    return Option(
        choice.name,
        values[0],
        values,
        question,
        reading,
        span=choice.unit == "ms",
        about=choice.about,
    )


@lru_cache(maxsize=4)
def catalogue(document: Document) -> Mapping[str, Option]:
    """Return every option by name: those of the document, of the sandbox alone, and of the table of choices."""
    found = _of_document(document)
    for option in OWN_OPTIONS:
        found.setdefault(option.name, option)
    for choice in choices.table().values():
        translated = TRANSLATED.get(choice.name, {})
        if choice.name not in found and (
            not translated or any(choice.name in settings for settings in translated.values())
        ):
            found[choice.name] = _of_choice(choice)
        for settings in translated.values():
            for name, value in settings.items():
                option = found[name]
                if option.values and value not in option.values:
                    option = replace(option, values=(*option.values, value))
                found[name] = replace(option, about=option.about or choice.about)
    return found


def settled(known: Mapping[str, Option], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the chosen values by the names of options alone, with choices translated into the options that they set.

    Args:
        known: Every option by name.
        chosen: Values by the names of options or choices.

    Raises:
        OptionError: There is no such option or choice, it does not take the value, or two names contradict.
    """
    found: dict[str, str] = {}
    chosen_by: dict[str, str] = {}
    for name, value in chosen.items():
        translated = TRANSLATED.get(name)
        if translated is not None and value in translated:
            settings = translated[value]
        elif name in known:
            settings = {name: known[name].check(value)}
        elif translated is not None:
            raise OptionError(f"option {name}: {value!r:.40} is not one of {', '.join(translated)}")
        else:
            raise OptionError(f"there is no option {name!r:.60}")
        for option, setting in settings.items():
            if found.setdefault(option, setting) != setting:
                raise OptionError(
                    f"options {chosen_by[option]} and {name} contradict each other: {option} would be"
                    f" {found[option]} and {setting}"
                )
            chosen_by.setdefault(option, name)
    for name, value in chosen.items():
        implied = IMPLIED.get(name, {}).get(value, {})
        if not implied.keys() & chosen_by.keys():
            found.update(implied)
    return found


class Options:
    """The value of every option: the chosen one, or its default.

    Args:
        known: Every option by name.
        chosen: Values by the names of options or choices.

    Raises:
        OptionError: Something was chosen that does not exist or contradicts itself; see `settled`.
    """

    def __init__(self, known: Mapping[str, Option], chosen: Mapping[str, str] | None = None) -> None:
        self._known = known
        self.chosen: dict[str, str] = settled(known, chosen or {})

    def replaced(self, chosen: Mapping[str, str]) -> Options:
        """Return these options with some values replaced."""
        return Options(self._known, {**self.chosen, **settled(self._known, chosen)})

    def any_open(self, *names: str) -> bool:
        """Return whether one of these options has another value than its default."""
        return any(self.text(name) != self._known[name].default for name in names)

    def span(self, name: str) -> Span:
        """Return the value of an option that takes milliseconds or a range of them."""
        return Span.parse(self.text(name), negative=True)

    def text(self, name: str) -> str:
        """Return the value of an option as text."""
        chosen = self.chosen.get(name)
        return self._known[name].default if chosen is None else chosen

    def is_set(self, name: str, value: str) -> bool:
        """Return whether an option has a value.

        Args:
            name: The option.
            value: The value to compare with.
        """
        return self.text(name) == value

    def number(self, name: str) -> Decimal:
        """Return the value of an option that takes a number."""
        return parse(self.text(name), negative=True)

    def integer(self, name: str) -> int:
        """Return the value of an option that takes a whole number."""
        return int(self.number(name))

    def code(self, name: str) -> int:
        """Return the error code that the document names for an option.

        Raises:
            OptionError: It names none.
        """
        code = self._known[name].code
        if code is None:
            raise OptionError(f"the document names no code for option {name}")
        return code

    def catalogue(self) -> Mapping[str, Option]:
        """Return every option by name."""
        return self._known
