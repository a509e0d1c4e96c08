"""What is limited, by whom it is counted, and how much of it is allowed within a window of time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts are counted together in one bucket; a success may give its attempt back."""

    bucket: str
    attempts: int
    failures_only: bool = False
