"""Durability: data survives replacement and deletion, and versions, windows, retention and backups fit."""
