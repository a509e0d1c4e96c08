"""What the service does, as async functions over the ports."""
