"""Grants: whoever works here may do what it must, nobody may do more, and no condition is one that never holds."""
