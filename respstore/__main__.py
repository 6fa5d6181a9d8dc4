"""`python -m respstore` is the `respstore` command."""

import sys

from respstore.cli import main

sys.exit(main())
