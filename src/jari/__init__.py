"""jari: reserved seats for a crowd."""
