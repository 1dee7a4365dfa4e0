"""Plan, apply and look after a deployment: `python deploy.py --help`."""

import sys

if __name__ == "__main__":
    try:
        from deployer.commands import main
    except KeyboardInterrupt:  # boto3 takes its time to load, and nothing has happened yet
        sys.exit(130)
    sys.exit(main())
