"""What our protocol offers beyond ASGI for the usual case: the request came whole, and is answered whole.

Both are functions in the scope, under these names. A server that does not have them is spoken to by ASGI messages.
"""

READ_WHOLE = "jari.read_whole"  # returns the body if all of it has come and nothing of it was read; else None
WRITE_WHOLE = "jari.write_whole"  # takes a reply and writes it at once, or returns False
