# Written by `make generate` from openapi/ and generator/templates/lazy_init.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""The calls, grouped as a user thinks of them, loaded on first use."""

TYPE_CHECKING = False  # type checkers take it for true; importing typing would cost more than this package
if TYPE_CHECKING:
    from .account import AccountResource as AccountResource
    from .account import AsyncAccountResource as AsyncAccountResource
    from .futures_debt import AsyncFuturesDebtResource as AsyncFuturesDebtResource
    from .futures_debt import FuturesDebtResource as FuturesDebtResource
    from .margin import AsyncMarginResource as AsyncMarginResource
    from .margin import MarginResource as MarginResource
    from .market import AsyncMarketResource as AsyncMarketResource
    from .market import MarketResource as MarketResource
    from .records import AsyncRecordsResource as AsyncRecordsResource
    from .records import RecordsResource as RecordsResource
    from .stream import AsyncStreamResource as AsyncStreamResource
    from .stream import StreamResource as StreamResource

__all__ = [
    "AccountResource", "AsyncAccountResource", "AsyncFuturesDebtResource", "AsyncMarginResource",
    "AsyncMarketResource", "AsyncRecordsResource", "AsyncStreamResource", "FuturesDebtResource",
    "MarginResource", "MarketResource", "RecordsResource", "StreamResource",
]

_MODULES = {
    "AccountResource": "account", "AsyncAccountResource": "account",
    "AsyncFuturesDebtResource": "futures_debt", "AsyncMarginResource": "margin",
    "AsyncMarketResource": "market", "AsyncRecordsResource": "records", "AsyncStreamResource": "stream",
    "FuturesDebtResource": "futures_debt", "MarginResource": "margin", "MarketResource": "market",
    "RecordsResource": "records", "StreamResource": "stream",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # the next look-up does not call this function
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
