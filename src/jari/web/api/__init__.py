"""Endpoints by feature: requests into use cases, outcomes into answers."""
