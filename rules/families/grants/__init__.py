"""Grants: whoever works here may do what it must, nobody may do more, and every condition can come true."""
