"""Everything that a till can be asked, by what it is about: a command says what it needs, and how it is decided."""
