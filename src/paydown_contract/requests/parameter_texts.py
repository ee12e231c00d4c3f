"""List the texts to send for a parameter: every edge of its bounds, every spelling that a careless reader would accept.

The lists are enumerated, never sampled: a sample misses the one spelling that matters. `schema_mismatch` decides which
of the texts are valid.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Labelled = tuple[str, str]

# Characters that mean something to a parser on the way: each must be refused or survive, never be repaired.
_BLANKS: Final = (
    " \t\n\r\x0b\x0c\x00\x1f\x7f\x85\xa0\u1680\u180e\u2003\u200b\u2028\u202f\u205f\u2060\u3000\ufeff"
)


def texts(schema: Mapping[str, Any]) -> list[Labelled]:
    """List labelled texts for a schema: valid ones, invalid ones and the edges between, without repetition."""
    kind = schema.get("type")
    if kind == "array":
        found = _lists(schema)
    elif kind == "integer":
        found = _integers(schema)
    elif kind == "boolean" or "enum" in schema:
        found = _choices(
            [
                str(value).lower() if isinstance(value, bool) else str(value)
                for value in schema.get("enum", [True, False])
            ]
        )
    elif schema.get("format") == "decimal":
        found = _decimals(schema)
    else:
        found = _strings(schema)
    seen: dict[str, str] = {}
    for label, text in found:
        seen.setdefault(text, label)
    return [(label, text) for text, label in seen.items()]


def valid(schema: Mapping[str, Any], turn: int = 0) -> str:
    """Choose a valid text for a schema.

    Args:
        schema: The schema of a parameter.
        turn: Another number chooses another text, where the schema has several.
    """
    if schema.get("type") == "array":
        items = [valid(schema["items"], turn + at) for at in range(max(2, schema.get("minItems", 1)))]
        return ",".join(dict.fromkeys(items))
    if schema.get("type") == "integer":
        low, high = schema.get("minimum", 1), schema.get("maximum", 1000)
        return str(min(high, max(low, schema.get("default", low)) + turn))
    if "enum" in schema:
        return str(schema["enum"][turn % len(schema["enum"])])
    if schema.get("type") == "boolean":
        return ("true", "false")[turn % 2]
    if schema.get("format") == "decimal":
        return ("0.1", "0.25", "0.50000000")[turn % 3]
    names = [name for name in ("ETH", "USDT", "BTC", "BNB") if name not in schema.get("x-excludes", ())]
    return names[turn % len(names)]


def _choices(values: list[str]) -> Iterator[Labelled]:
    for value in values:
        yield f"choice {value}", value
        for label, other in (
            ("upper case", value.upper()),
            ("lower case", value.lower()),
            ("capitalised", value.capitalize()),
            ("cut short", value[:-1]),
            ("with a blank", value + " "),
            ("quoted", f'"{value}"'),
            ("with a newline", value + "\n"),
        ):
            yield f"choice {value}, {label}", other
    for other in ("", "0", "1", "null", "True", "yes", "TRUE,FALSE"):
        yield f"no choice: {other or 'empty'}", other


def _integers(schema: Mapping[str, Any]) -> Iterator[Labelled]:
    low, high = schema.get("minimum"), schema.get("maximum")
    middle = schema.get("default", low if low is not None else 1)
    if low is not None and high is not None and not low <= middle <= high:
        middle = low
    for name, bound in (("minimum", low), ("maximum", high), ("default", schema.get("default"))):
        if bound is not None:
            for step in (-1, 0, 1):
                yield f"{name} {step:+d}" if step else name, str(bound + step)
    for number in (0, -1, 1, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**30):
        yield f"number {number}", str(number)
    text = str(middle)
    yield from spellings(text)


def spellings(text: str) -> Iterator[Labelled]:
    """Yield other ways to write a number than its plain form, valid nowhere."""
    yield "a plus sign", "+" + text
    yield "a minus sign", "-" + text
    yield "a leading zero", "0" + text
    yield "many leading zeros", "000000" + text
    yield "a fraction .0", text + ".0"
    yield "a point at the end", text + "."
    yield "an exponent e0", text + "e0"
    yield "an exponent E0", text + "E0"
    yield "an exponent E+0", text + "E+0"
    yield "an underscore", text[0] + "_" + (text[1:] or "0")
    yield "a comma", text[0] + "," + (text[1:] or "0")
    yield "hexadecimal", hex(int(text)) if text.isdigit() else "0x1"
    yield "quoted", f'"{text}"'
    yield "in brackets", f"[{text}]"
    yield "a letter at the end", text + "L"
    yield "a unit at the end", text + "ms"
    yield "Arabic digits", text.translate({48 + digit: 0x660 + digit for digit in range(10)})
    yield "fullwidth digits", text.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    yield "Devanagari digits", text.translate({48 + digit: 0x966 + digit for digit in range(10)})
    for name, zero in (("an Arabic", 0x660), ("a fullwidth", 0xFF10), ("a Devanagari", 0x966)):
        last = chr(zero + int(text[-1])) if text[-1].isdigit() else chr(zero)
        yield f"{name} last digit", text[:-1] + last
        yield f"{name} digit more", text + chr(zero)
    yield "a superscript", text + "\u00b2"
    yield "a fraction character", text + "\u00bd"
    for blank in _BLANKS:
        yield f"a leading U+{ord(blank):04X}", blank + text
        yield f"a trailing U+{ord(blank):04X}", text + blank
    for word in (
        "",
        "null",
        "None",
        "NaN",
        "nan",
        "Infinity",
        "inf",
        "-Infinity",
        "true",
        "{}",
        "[]",
        "abc",
        "-",
        "+",
        ".",
        "e",
    ):
        yield f"the word {word or 'empty'}", word


def _decimals(schema: Mapping[str, Any]) -> Iterator[Labelled]:
    rules = schema.get("x-decimal", {})
    digits = int(rules.get("max-fraction-digits", 8))
    whole = int(rules.get("max-integer-digits", 20))
    for count in range(1, digits + 3):
        yield f"{count} fraction digits", "1." + "1" * count
        yield f"smallest with {count} fraction digits", "0." + "0" * (count - 1) + "1"
        yield f"one with {count} zeros", "1." + "0" * count
        yield f"zero with {count} zeros", "0." + "0" * count
        yield f"a digit then zeros, {count} fraction digits", "0.1" + "0" * (count - 1)
        yield f"nines, {count} fraction digits", "0." + "9" * count
    for count in range(1, whole + 3):
        yield f"{count} integer digits", "1" * count
        yield f"largest with {count} integer digits", "9" * count + "." + "9" * digits
        yield f"ten to the {count - 1}", "1" + "0" * (count - 1)
    for text in (
        "0",
        "00",
        "-0",
        "-0.0",
        "0.",
        ".0",
        ".1",
        "1.",
        "-0.1",
        "-1",
        "+0.1",
        "00.1",
        "01",
        "1..1",
        "1.1.1",
        "0,1",
        "1/10",
        "10%",
    ):
        yield f"written {text}", text
    for text in ("1e1", "1E1", "1e-8", "1E-8", "1e+1", "1E+1", "1.0e0", "0e0", "1e0"):
        yield f"written {text}", text
    yield from spellings("1")
    for label, text in spellings("0"):
        yield f"zero, {label}", text
    for label, text in spellings("10"):
        yield f"ten, {label}", text


def _strings(schema: Mapping[str, Any]) -> Iterator[Labelled]:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    base = valid(schema)
    for text in schema.get("x-excludes", ()):
        yield f"excluded {text}", text
    for size in {max(low - 1, 0), low, low + 1} | ({high - 1, high, high + 1} if high else set[int]()):
        yield f"{size} characters", ("A1B2C3D4E5F6G7H8" * (size // 16 + 1))[:size]
    yield "empty", ""
    for text in (
        "BNB",
        "USDT",
        "1INCH",
        "1000SATS",
        "0",
        "币安人生",
        "ÄÖÜ",
        "Ω",
        "𝔹",
        "😀",
        "é",
        "e\u0301",
        "ﬀ",
        "İ",
        "ß",
    ):
        yield f"text {text}", text
    for text in (
        base.lower(),
        base.capitalize(),
        base[0].lower() + base[1:],
        "null",
        "NULL",
        "None",
        "true",
        "undefined",
    ):
        yield f"text {text}", text
    for octet in range(128):
        character = chr(octet)
        yield f"with U+{octet:04X} inside", base[0] + character + base[1:]
        yield f"only U+{octet:04X}", character
    for character in (
        *_BLANKS,
        "\u00ad",
        "\u200d",
        "\u202e",
        "\u2066",
        "\ufffd",
        "\uff0c",
        "\uff21",
        "\u0391",
    ):
        yield f"with U+{ord(character):04X} at the end", base + character
        yield f"with U+{ord(character):04X} at the start", character + base


def _lists(schema: Mapping[str, Any]) -> Iterator[Labelled]:
    names = [f"A{number}" for number in range(1, 200)]
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    for size in sorted({1, 2, 3, low, low + 1} | ({high - 1, high, high + 1} if high else set[int]())):
        if size:
            yield f"{size} items", ",".join(names[:size])
    one, two = valid(schema["items"]), valid(schema["items"], 1)
    yield "empty", ""
    for label, text in (
        ("an item twice", f"{one},{one}"),
        ("an item twice, apart", f"{one},{two},{one}"),
        ("twice in two cases", f"{one},{one.lower()}"),
        ("a comma at the end", f"{one},{two},"),
        ("a comma at the start", f",{one},{two}"),
        ("two commas", f"{one},,{two}"),
        ("only a comma", ","),
        ("a blank after the comma", f"{one}, {two}"),
        ("a blank before the comma", f"{one} ,{two}"),
        ("a semicolon", f"{one};{two}"),
        ("a bar", f"{one}|{two}"),
        ("a blank between", f"{one} {two}"),
        ("a JSON list", f'["{one}","{two}"]'),
        ("brackets", f"[{one},{two}]"),
        ("an encoded comma", f"{one}%2C{two}"),
        ("a fullwidth comma", f"{one}\uff0c{two}"),
        ("reversed", f"{two},{one}"),
    ):
        yield label, text
    for label, text in texts(schema["items"]):
        if "," not in text:
            yield f"first item: {label}", f"{text},{two}"
            yield f"last item: {label}", f"{two},{text}"
            yield f"only item: {label}", text
