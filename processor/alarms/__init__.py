"""Alarms from the readings: what is judged, how, and what changes by it. Pure: arrays in, arrays out."""
