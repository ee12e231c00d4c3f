"""The command line: parse, call the library, print, turn an error into its exit code.

    paydown debts | plan ASSET | repay ASSET | resume [PLAN] | reconcile [ATTEMPT] | history | doctor | sandbox

each with --json.

Nothing is decided here that a program using the library would not get as well. The exit codes of a single call are
below; `paydown --help` lists those of whole plans, too:

    0  done                            3  RequestNotSent: nothing left this machine
    1  paydown itself failed (a bug)   4  RequestRejected: the exchange refused, nothing was executed
    2  the command line is wrong       5  OutcomeUnknown: it may have happened, do not send it again
                                       6  ReadFailed: a read got no answer, nothing was changed
"""

from paydown.cli.main import main

__all__ = ["main"]
