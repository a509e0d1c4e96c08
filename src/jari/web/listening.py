"""The listening sockets. Connections inherit the options of the socket that accepts them."""

import socket

from jari.settings import BadSetting, ServerSettings


def listen(settings: ServerSettings) -> socket.socket:
    """The socket of a process that does not share its address.

    Raises:
        BadSetting: the address cannot be had.
    """
    return _listen(settings, settings.port, shared=False)


def listen_together(settings: ServerSettings) -> list[socket.socket]:
    """A socket at one address for each worker; the kernel spreads the connections over those that listen.

    First the address is taken without sharing, so that another server that shares it is noticed. The first socket
    listens at once, since only a socket that listens makes the system refuse another server. Clients that connect early
    wait for the first worker.

    Raises:
        BadSetting: the address cannot be had.
    """
    alone = _listen(settings, settings.port, shared=False)
    port = alone.getsockname()[1]
    alone.close()
    sockets = [_listen(settings, port, shared=True) for _ in range(settings.workers)]
    sockets[0].listen(settings.connection_backlog)
    return sockets


def listen_again(settings: ServerSettings, port: int) -> socket.socket:
    """One more socket at the address of `listen_together`."""
    return _listen(settings, port, shared=True)


def _listen(settings: ServerSettings, port: int, *, shared: bool) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((settings.host, port))
    except OSError as error:
        listening.close()
        raise BadSetting(
            f"Cannot listen on {settings.host}, port {port}: {error.strerror}. Choose another --port."
        ) from error
    # Without it an answer's body would wait some 40 ms for the client to acknowledge its headers.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer_bytes)
    _notice_lost_peers(listening, settings)
    return listening


def _notice_lost_peers(listening: socket.socket, settings: ServerSettings) -> None:
    """Have the kernel end connections whose peer has vanished: no packet tells of that."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", settings.tcp_keepalive_seconds),
        ("TCP_KEEPINTVL", settings.tcp_keepalive_seconds),
        ("TCP_USER_TIMEOUT", settings.tcp_user_timeout_seconds * 1000),
    ):
        if (option := getattr(socket, name, None)) is not None:  # not every system has every option
            listening.setsockopt(socket.IPPROTO_TCP, option, value)
