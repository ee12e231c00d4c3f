"""The options that several commands share, and the client and the repayer that they describe."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from paydown.credentials import Credentials

if TYPE_CHECKING:
    from paydown.client import Client
    from paydown.events import Event
    from paydown.repay import Options, SafeRepay
    from paydown.repay.progress import Progress

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]  # argparse names it so


def given(word: str) -> str:
    """Refuse an empty name on the command line with exit code 2: it comes from a variable that is not set."""
    if not word.strip():
        raise argparse.ArgumentTypeError(
            "is empty (an unset variable?); write a value, or leave the option out"
        )
    return word


def add_command(commands: Commands, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    """Add one command, with the options that every command has.

    Args:
        commands: The commands of the parser.
        name: The word that a person types.
        summary: One line for the list of commands.
        description: The first paragraph of the command's own help.

    Returns:
        The command's parser, for its own options.
    """
    # Options cannot be abbreviated: `--am 5` must not come to mean `--amount 5` today and something else tomorrow.
    parser = commands.add_parser(name, help=summary, description=description, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument(
        "--base-url",
        metavar="URL",
        type=given,
        help="address of the exchange or of a sandbox (default: PAYDOWN_BASE_URL, then the real exchange)",
    )
    return parser


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the journal and the account."""
    parser.add_argument(
        "--journal", metavar="FILE", type=given, help="the journal (default: in the user's state directory)"
    )
    parser.add_argument(
        "--account",
        metavar="NAME",
        type=given,
        help="name of the account (default: the one account without a name of this address)",
    )
    parser.add_argument(
        "--same-account",
        action="store_true",
        help="a new key of the account without a name: it is the same account (a rotated key)",
    )
    parser.add_argument(
        "--new-account",
        action="store_true",
        help="a new name, or a new key, while something is in doubt: it is really another account",
    )


def add_request(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a plan: what to repay, and how."""
    parser.add_argument("asset", metavar="ASSET", help="the asset that is owed, such as BNB")
    parser.add_argument(
        "--amount",
        metavar="A",
        help="how much of the debt to repay, in units of ASSET; without it: all of it",
    )
    parser.add_argument(
        "--using",
        metavar="USDT,BTC",
        help="assets that may pay; ASSET itself is always used first",
    )
    parser.add_argument(
        "--key",
        metavar="KEY",
        type=given,
        help="idempotency key: the same key repays at most once, however often it is given",
    )
    parser.add_argument(
        "--price",
        metavar="ASSET=USD",
        action="append",
        default=[],
        help="a price that wins over the exchange's index price; may be repeated",
    )
    parser.add_argument(
        "--margin",
        metavar="SHARE",
        help="share of the exchange's cap that each piece stays below (default 0.02)",
    )


def open_client(arguments: argparse.Namespace, on_event: Callable[[Event], object] | None = None) -> Client:
    """Open a client with the credentials of the environment and the address of the arguments.

    Args:
        arguments: With `base_url`.
        on_event: Gets each event of the client.
    """
    from paydown.client import Client

    return Client(Credentials.from_env(), base_url=arguments.base_url, on_event=on_event)


def open_repay(
    arguments: argparse.Namespace,
    client: Client,
    *,
    progress: Callable[[Progress], object] | None = None,
    options: Options | None = None,
    ask: bool = True,
) -> SafeRepay:
    """Open a repayer with the journal and the account of the arguments.

    Args:
        arguments: With those of `add_journal`.
        client: The client.
        progress: Gets each step of a running plan.
        options: Thresholds.
        ask: Ask a person at a terminal whose key it is, where that is not known; `False` for what only reads the
            journal. Where no person can be asked, the first command that needs the answer refuses.
    """
    from paydown.repay import SafeRepay

    repay = SafeRepay(
        client,
        arguments.journal,
        account=arguments.account,
        same_account=arguments.same_account,
        new_account=arguments.new_account,
        progress=progress,
        options=options,
    )
    try:
        if ask:
            _ask_whose(arguments, repay)
    except BaseException:
        repay.close()
        raise
    return repay


def _ask_whose(arguments: argparse.Namespace, repay: SafeRepay) -> None:
    """Ask a person which account this is; a script answers with `--same-account` or `--new-account`.

    `--yes` answers neither question.
    """
    from paydown.cli.output import Output

    question = repay.account_question
    if question is None or question.reason not in _QUESTIONS:
        return
    output = Output(json_mode=bool(arguments.json))
    output.note(str(question))
    if output.confirm(_QUESTIONS[question.reason]):
        if question.reason == "new-key":
            repay.same_account = True
        else:
            repay.new_account = True


_QUESTIONS = {
    "new-key": "Is it the same account? [y/N]",
    "new-name": "Is it really another account? [y/N]",
}


def pay_with(arguments: argparse.Namespace) -> list[str]:
    """Return the assets of `--using`; the library checks them."""
    if arguments.using is None:
        return []
    return [name.strip() for name in str(arguments.using).split(",")]


def prices(arguments: argparse.Namespace) -> dict[str, Decimal | str]:
    """Return the prices of `--price`, as {asset: USD}.

    Raises:
        InvalidRequest: A word is not ASSET=USD.
    """
    from paydown.errors import InvalidRequest

    found: dict[str, Decimal | str] = {}
    for word in arguments.price:
        asset, sign, usd = str(word).partition("=")
        if not (asset and sign and usd):
            raise InvalidRequest(
                f"--price takes ASSET=USD, such as BNB=600, not {word!r}.", parameter="price"
            )
        if asset in found:
            raise InvalidRequest(f"--price names {asset} twice.", parameter="price")
        found[asset] = usd
    return found
