"""``python -m bot`` is the program ``madoguchi``."""

import sys

from bot.cli import main

sys.exit(main())
