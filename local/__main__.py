"""`python -m local`: the whole platform on one machine. --help says what can be asked of it."""

import importlib
import sys

from local import interrupt

if __name__ == "__main__":
    # What a run needs takes a while to import: a Ctrl-C in it must not end in a traceback.
    interrupt.end_at_once()
    sys.exit(importlib.import_module("local.command").main(sys.argv[1:]))
