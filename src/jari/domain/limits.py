"""Limits: which attempts are counted together, and how many of them a window of time allows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts are counted together in one bucket; a success may give its attempt back."""

    bucket: str
    attempts: int
    failures_only: bool = False


@dataclass(frozen=True, slots=True)
class LogInLimits:
    """How often somebody may try to log in. The settings of the same names hold the numbers."""

    log_ins_per_address: int
    log_in_attempts_per_address: int
    log_in_attempts_per_account: int
    log_in_attempts_per_account_anywhere: int
    log_ins_per_device: int

    def of(self, account: str, address: str, device: str | None) -> tuple[Limit, ...]:
        """What a log-in to the account counts against.

        A device on which the account was logged in before is counted by itself: no stranger can lock its owner out.
        It is counted together with the other known devices at its address, too: whoever has an account can make any
        number of known devices. Everybody else is counted by address, by account and address together, and by
        account alone, with a higher limit: so guessing stays bounded, from however many addresses it comes.
        """
        if device is not None:
            return (
                Limit(f"log-in:known:{address}", self.log_ins_per_address),
                Limit(f"log-in:device:{device}:{account}", self.log_ins_per_device),
            )
        return (
            # The address first: one that is over its limit must not use up the attempts of accounts, too.
            Limit(f"log-in:tries:{address}", self.log_ins_per_address),
            Limit(f"log-in:address:{address}", self.log_in_attempts_per_address, failures_only=True),
            Limit(
                f"log-in:account:{account}:{address}", self.log_in_attempts_per_account, failures_only=True
            ),
            Limit(f"log-in:account:{account}", self.log_in_attempts_per_account_anywhere, failures_only=True),
        )

    def of_password(self, user_id: int, address: str) -> tuple[Limit, ...]:
        """What a change of password counts against. Changes that succeed count, too: each costs two hashes.

        Nobody may use an open session that they came across to guess its password. Nor may an address with many
        accounts keep everybody else waiting to log in.
        """
        return (
            Limit(f"password:tries:{address}", self.log_ins_per_address),
            Limit(f"password:{user_id}", self.log_in_attempts_per_account),
        )
