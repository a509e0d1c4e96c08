"""The commands: everything that a till can be asked. Each says what must be read for it, and how it is decided."""
