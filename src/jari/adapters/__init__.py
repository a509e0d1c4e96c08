"""The outside: databases and other systems behind the ports."""
