"""`python -m generator`: write, check or compare the client."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
