"""Reach: every flow that is needed is open, up to the last hop, and what nobody needs is closed."""
