"""`python -m tests.integration.impatient`: the processor with times that a test can wait for.

What stands still is noticed after 5 s and not after 30, and who has lost its turn leaves after 2 s and not
after 10: shorter by the same measure, so that what depends on them comes in the same order.
"""

import sys

from processor import turn
from processor.__main__ import main
from processor.storage import database

SILENCE_SECONDS = 5.0
PATIENCE_SECONDS = 2.0

if __name__ == "__main__":
    database.SILENCE_SECONDS = SILENCE_SECONDS
    turn.PATIENCE_SECONDS = PATIENCE_SECONDS
    sys.exit(main(sys.argv[1:]))
