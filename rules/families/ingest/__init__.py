"""Ingest: topic rules parse, what fails goes somewhere, and devices may do only their own."""
