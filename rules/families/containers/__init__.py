"""Containers and functions: immutability, privileges, timeouts, health, roll-back, scaling."""
