"""Secrets: rotation exists, runs in time and starts only when it can work; nothing secret in plain text."""
