"""Run `paydown-contract`, also as `python -m paydown_contract`."""

import sys

from paydown_contract.arguments import parser


def main() -> int:
    """Run the command, or name the extra that it needs; --help and wrong options need nothing installed."""
    parser().parse_args()
    try:
        from paydown_contract.cli import main as run
    except ModuleNotFoundError as missing:
        if missing.name not in ("jsonschema_rs", "yaml"):
            raise
        sys.stderr.write(f"paydown-contract needs {missing.name}: pip install 'paydown[contract]'\n")
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
