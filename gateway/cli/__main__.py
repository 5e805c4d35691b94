"""`python -m gateway.cli`: the same as `sallyport`."""

import sys

from gateway.cli import main

sys.exit(main())
