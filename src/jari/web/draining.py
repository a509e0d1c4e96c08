"""Whether this process is taking its leave from the proxy in front of it."""


class Drain:
    """Begun by the server when it is told to end, if the settings give it time for that.

    From then on the process is not ready, and ends each connection with its next answer. It goes on to answer: the
    proxy is still sending requests until it has noticed.
    """

    __slots__ = ("has_begun",)

    def __init__(self) -> None:
        self.has_begun = False
