"""Plan, apply and look after a deployment: `python deploy.py --help`."""

import sys

from deployer.commands import main

if __name__ == "__main__":
    sys.exit(main())
