"""`python -m paydown_contract` is `paydown-contract`."""

import sys

from paydown_contract.cli import main

sys.exit(main())
