"""List the names that the generated package needs itself, so that no part of the document may take them."""

# Names that a model, an enum or a member of a model cannot take: the generated package has them already.
RESERVED_CLASSES: tuple[str, ...] = (
    "Archive",
    "AsyncIterator",
    "AsyncSender",
    "Ban",
    "Callable",
    "Cap",
    "Decimal",
    "DecodeError",
    "ErrorCode",
    "Final",
    "Iterator",
    "Limit",
    "Literal",
    "Mapping",
    "MappingProxyType",
    "OpenEnum",
    "Operation",
    "PageWindow",
    "Pagination",
    "Parameter",
    "Sender",
    "Sequence",
    "Signing",
    "SigningAlgorithm",
    "StatusOutcome",
    "StrEnum",
    "Stream",
    "StreamEvent",
    "SuccessRule",
    "TypeAlias",
    "UnknownStreamEvent",
    "UnresolvedScope",
    "Unset",
    "Weight",
    "WeightCase",
)
RESERVED_FIELDS = (
    *("additional", "from_json", "to_json"),
    *("classmethod", "dict", "field", "object", "str"),  # the class body uses them after its members
)
# The methods of a resource use these modules and functions, which an argument of that name would hide.
RESERVED_ARGUMENTS = ("self", "cls", "codec", "isinstance", "models", "operations")
# The table of all operations is a constant in the same module as those of the operations.
RESERVED_CONSTANTS = ("ALL_OPERATIONS",)
