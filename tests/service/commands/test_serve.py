import socket

import pytest

from service.commands.serve import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_are_sent_at_once(host: str) -> None:
    """Otherwise each answer that has a head and a body takes 40 ms longer on a connection that is kept."""
    with listen(host, 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(ValueError, match="cannot listen on 127.0.0.1 port .*choose another"):
        listen("127.0.0.1", first.getsockname()[1])
