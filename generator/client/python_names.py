"""Spell the names of the document as Python does: classes, modules, members and arguments.

The spelling is that of openapi-python-client, so that the names which its parser finds and those made here agree.
"""

from __future__ import annotations

from generator.client.parser_adapter import pascal_case, snake_case


def python_name(name: str) -> str:
    """Return the name of a member or an argument: `updateTime` becomes `update_time`."""
    return snake_case(name)


def class_name(name: str) -> str:
    """Return the class name of a schema."""
    return pascal_case(name)


def module_name(name: str) -> str:
    """Return the name of the module that holds the class of a schema."""
    return snake_case(pascal_case(name))


def resource_class_name(tag: str) -> str:
    """Return the class name of the operations that share a tag."""
    return f"{class_name(tag)}Resource"


def nested_schema_name(outer: str, key: str) -> str:
    """Return the name of a schema that is written in place, without a name of its own.

    Args:
        outer: Name of the schema or the operation around it; "" if there is none.
        key: Member of `outer` that holds it.
    """
    return f"{outer}{key[:1].upper()}{key[1:]}"
