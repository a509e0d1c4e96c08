"""The ports: what the use cases need from outside, a file for each noun.

Every store has three real adapters, on SQLite, on PostgreSQL and in memory, and all pass one contract suite.
Times are milliseconds since 1970; every time that decides something comes from the store's own clock.
"""
