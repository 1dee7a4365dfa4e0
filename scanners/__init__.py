"""What other people's rules say of the emitted templates: checkov, and AWS's rules for CloudFormation Guard.

It runs in an environment of its own, .venv-scan, since the scanners pin libraries that the project has newer.
"""
