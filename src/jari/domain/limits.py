"""What is limited, by whom it is counted, and how much of it is allowed within a window of time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts are counted together in one bucket; a success may give its attempt back."""

    bucket: str
    attempts: int
    failures_only: bool = False


@dataclass(frozen=True, slots=True)
class LogInLimits:
    """How often somebody may try to log in; the settings of these names say how often that is."""

    log_ins_per_address: int
    log_in_attempts_per_address: int
    log_in_attempts_per_account: int
    log_in_attempts_per_account_anywhere: int
    log_ins_per_device: int

    def of(self, account: str, address: str, device: str | None) -> tuple[Limit, ...]:
        """What a log-in to the account counts against.

        A device on which the account was logged in before is counted by itself, whatever strangers do, so that none of
        them can lock its owner out; and together with the other known devices at its address, for whoever has an account
        can make any number of them. Everybody else is counted by address, by account and address together, and softly
        by account: guessing stays bounded, from however many addresses.
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
        """What a change of password counts against, right ones, too: each costs two hashes.

        Whoever has found an open session must not guess on in it, nor may an address that has many accounts keep
        everybody else waiting to log in.
        """
        return (
            Limit(f"password:tries:{address}", self.log_ins_per_address),
            Limit(f"password:{user_id}", self.log_in_attempts_per_account),
        )
