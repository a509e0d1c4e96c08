"""What may stand in a path: the convertors that routes name. Importing this makes them known."""

from starlette.convertors import Convertor, register_url_convertor

from jari.domain.ids import ID_PATTERN


class Occasion(Convertor[str]):
    """``matches`` or ``schedules``: two names of the same occasions."""

    regex = "matches|schedules"

    def convert(self, value: str) -> str:
        """As it stands in the path."""
        return value

    def to_string(self, value: str) -> str:
        """As it stands in the path."""
        return value


class Id(Convertor[int]):
    """A number of at most 19 digits; what is longer is no address of ours."""

    regex = ID_PATTERN

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Its digits."""
        return str(value)


register_url_convertor("occasion", Occasion())
register_url_convertor("id", Id())
