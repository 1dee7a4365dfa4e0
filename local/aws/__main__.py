"""`python -m local.aws FD`: serve on a listening socket that was handed over, until stdin ends.

The first line on stdin is the settings as JSON (embedded.py writes it); stdin's end is the end.
"""

import sys

from local.aws.server import main

main(int(sys.argv[1]))
