"""Spell the types that the exchange sends in Python: annotation, decoder and encoder."""

from __future__ import annotations

from dataclasses import dataclass

from generator.client.decimal_forms import DECIMAL_KINDS
from generator.quoting import identifier, string

_ANNOTATIONS = {
    "text": "str",
    "decimal": "Decimal",
    "decimal_or_empty": "Decimal | None",
    "decimal_text_or_number": "Decimal",
    "integer": "int",
    "boolean": "bool",
    "nothing": "None",
}
_MONEY = frozenset(DECIMAL_KINDS.values())


@dataclass(frozen=True, slots=True)
class Type:
    """Describe the type of a value, as a small tree.

    Attributes:
        kind: text, decimal, decimal_or_empty, decimal_text_or_number, integer, boolean, constant, model,
            enum, list, list_or_one (a list that may come as its only item) or nothing.
        name: Class of a model or enum, value of a constant.
        item: Type of the items of a list.
        nullable: Whether JSON null is a value of it.
        minimum: Smallest value of an integer or a decimal, None if the document names none.
        maximum: Largest value of an integer, None if the document names none.
    """

    kind: str
    name: str = ""
    item: Type | None = None
    nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None

    def annotation(self, *, models: str = "", sequence: str = "tuple") -> str:
        """Return the annotation.

        Args:
            models: Prefix of model classes, such as "models.".
            sequence: "tuple" inside a frozen model, "list" for an answer.
        """
        text = self._annotation(models, sequence)
        return f"{text} | None" if self.nullable and not text.endswith("None") else text

    def _annotation(self, models: str, sequence: str) -> str:
        if self.kind in ("model", "enum"):
            return f"{models}{identifier(self.name)}"
        if self.kind == "constant":
            return f"Literal[{string(self.name)}]"
        if self.item is not None:
            inner = self.item.annotation(models=models)
            return f"tuple[{inner}, ...]" if sequence == "tuple" else f"list[{inner}]"
        return _ANNOTATIONS[self.kind]

    def decoder(self, *, models: str = "", sequence: str = "tuple") -> str:
        """Return the source of a function from decoded JSON to the type.

        Args:
            models: Prefix of model classes, such as "models.".
            sequence: "tuple" inside a frozen model, "list" for an answer.
        """
        text = self._decoder(models, sequence)
        return f"codec.nullable({text})" if self.nullable else text

    def _decoder(self, models: str, sequence: str) -> str:
        if self.kind == "model":
            return f"{models}{identifier(self.name)}.from_json"
        if self.kind == "enum":
            return f"codec.enum_of({identifier(self.name)})"
        if self.kind == "constant":
            return f"codec.constant({string(self.name)})"
        if self.item is not None:
            several = "list_or_one" if self.kind == "list_or_one" else sequence
            return f"codec.{several}_of({self.item.decoder(models=models)})"
        if self.kind == "integer" and (self.minimum, self.maximum) != (None, None):
            return f"codec.integer_between({self.minimum}, {self.maximum})"
        if self.kind in _MONEY and self.minimum == 0:
            return f"codec.not_negative(codec.{self.kind})"
        return f"codec.{self.kind}"

    def encoder(self, value: str) -> str:
        """Return the source of an expression that turns `value`, which is not None, back into JSON data."""
        if self.kind in ("text", "integer", "boolean", "constant"):
            return value
        if self.kind == "enum":
            return f"{value}.value"
        if self.kind == "model":
            return f"{value}.to_json()"
        if self.kind == "decimal_or_empty":
            return f"codec.decimal_text_or_empty({value})"
        if self.kind in _MONEY:
            return f"codec.decimal_text({value})"
        inner = self.item.encoder("item") if self.item is not None else "item"
        return f"list({value})" if inner == "item" else f"[{inner} for item in {value}]"

    def mentions(self, kind: str) -> bool:
        """Return whether this type, or the type of its items, is of a kind."""
        return self.kind == kind or (self.item is not None and self.item.mentions(kind))

    def names(self, kind: str) -> list[str]:
        """Return the names of the models (or enums) in this type."""
        own = [self.name] if self.kind == kind else []
        return own + (self.item.names(kind) if self.item is not None else [])

    @property
    def is_money(self) -> bool:
        """Return whether the annotation needs Decimal."""
        return self.kind in _MONEY or (self.item is not None and self.item.is_money)
