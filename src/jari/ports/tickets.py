"""Signatures of tickets."""

from typing import Protocol

from jari.domain.tickets import Ticket


class TicketSigner(Protocol):
    """Signs tickets so that anybody with the public key can tell that they are ours."""

    def sign(self, ticket: Ticket) -> str:
        """The ticket's code."""

    def verify(self, token: str) -> Ticket:
        """The ticket that the code was made for. Raises BadTicket."""

    def public_jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""
