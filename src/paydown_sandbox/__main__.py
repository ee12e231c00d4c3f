"""`python -m paydown_sandbox` starts the local exchange; see `process`."""

import sys

from paydown_sandbox.serving.process import main

sys.exit(main())
