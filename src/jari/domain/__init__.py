"""The rules, pure: no await, no I/O, no clock. Time is an argument."""
