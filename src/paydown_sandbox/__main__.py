"""Start the sandbox with `python -m paydown_sandbox`; see `serving.process`."""

import sys

from paydown_sandbox.serving.process import main

sys.exit(main())
