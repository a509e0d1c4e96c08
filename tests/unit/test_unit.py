"""What makes a test a unit test: it speaks to nobody."""

from support.servers import free_port


def test_a_socket_is_noticed(opened):
    free_port()
    assert opened == ["socket.bind"]
    opened.clear()
