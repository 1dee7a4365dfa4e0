"""Credentials, who holds them, and what is encrypted with what."""
