"""Show griffe the arguments of the clients: their constructors take the options of a class (`takes_options_of`).

At run time and for type checkers the decorator does that. griffe reads the source, where it sees `*arguments`.
"""

from __future__ import annotations

from typing import Any

import griffe


class ClientSignature(griffe.Extension):
    """Give `Client` and `AsyncClient` the fields of `ClientOptions` as their parameters."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite both constructors, once the whole package is read."""
        if pkg.path != "paydown":
            return
        fields = [
            member
            for member in pkg["client_options.ClientOptions"].members.values()
            if member.is_attribute and member.annotation is not None and member.name != "_"
        ]
        for name in ("Client", "AsyncClient"):
            constructor = pkg[f"client.{name}.__init__"]
            keyword = griffe.ParameterKind.keyword_only
            constructor.parameters = griffe.Parameters(
                griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword),
                *(
                    griffe.Parameter(
                        field.name,
                        annotation=field.annotation,
                        kind=keyword if number else griffe.ParameterKind.positional_or_keyword,
                        default=str(field.value),
                    )
                    for number, field in enumerate(fields)
                ),
            )
