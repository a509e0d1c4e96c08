"""The names of all that a schedule has in Redis. They share a hash tag, so that on a cluster they share a node."""


def of_schedule(schedule_id: int, name: str) -> str:
    """The key of that name of a schedule."""
    return f"jari:{{{schedule_id}}}:{name}"


def seats_of(schedule_id: int) -> str:
    """A hash: the head, and of every seat that is not AVAILABLE ``[status, buyer id, expires_ms]``.

    The head stands among the seats, so that they are read together, and lost together.
    """
    return of_schedule(schedule_id, "seats")


def stream_of(schedule_id: int) -> str:
    """The stream: an entry for each commit, with the version as its id."""
    return of_schedule(schedule_id, "stream")


WAKE = "jari:wake"  # a stream that all followers read, to be told to look again which schedules they follow
