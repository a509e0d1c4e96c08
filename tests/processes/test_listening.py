"""The sockets at one address: shared by the workers of a server, and with nobody else."""

from contextlib import ExitStack

import pytest

from jari.settings import BadSetting, ServerSettings
from jari.web.listening import listen, listen_again, listen_together
from support.servers import free_port


@pytest.mark.parametrize(
    "listen_too", [listen, listen_together], ids=["a server alone", "another with workers"]
)
def test_an_address_is_refused_to_a_second_server_before_the_first_has_a_worker(listen_too):
    settings = ServerSettings(port=free_port(), workers=2)
    with ExitStack() as stack:
        for each in listen_together(settings):
            stack.enter_context(each)
        with pytest.raises(BadSetting, match=f"port {settings.port}"):
            listen_too(settings)


def test_a_worker_whose_socket_was_closed_gets_another_beside_those_that_listen():
    settings = ServerSettings(port=free_port(), workers=2)
    with ExitStack() as stack:
        for each in listen_together(settings):
            stack.enter_context(each)
        again = stack.enter_context(listen_again(settings, settings.port))
        assert again.getsockname()[1] == settings.port
