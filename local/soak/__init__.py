"""The deployer killed at every point of its way, and what the next command makes of it: `python -m local.soak`."""
