"""`python -m generator`: write, check or compare the client."""

from __future__ import annotations

import sys

from generator.cli import main

sys.exit(main())
