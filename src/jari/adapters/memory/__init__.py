"""Stores that lie in memory."""
