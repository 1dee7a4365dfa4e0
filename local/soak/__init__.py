"""The deployer killed at any point of its way, and what the next command makes of it."""
