"""Signals: alarms and event patterns name things that exist and would fire, and somebody is told."""
