"""The HTTP request as raw bytes, which signatures and refusals depend on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands on the wire: nothing decoded, nothing normalised."""

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> tuple[str, ...]:
        """Return every value of a header; upper and lower case in `name` make no difference."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def target(self) -> str:
        """Return path and query as they stand in the request line."""
        return self.path + ("?" + self.query.decode("latin-1") if self.query else "")
