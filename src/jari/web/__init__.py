"""HTTP: translates requests into use cases, and outcomes into answers and streams."""
