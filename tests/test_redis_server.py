"""The Redis that other tests are tried against: it is real, it is one's own, and it can be taken away."""

import pytest
from redis import Redis
from redis import exceptions as redis_errors
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.redis_server import ABSENT, HERE, RedisServer, redis_running


def test_it_answers_by_its_socket_and_by_its_port_and_is_one_server(redis_server: RedisServer) -> None:
    with redis_server.client() as by_file, Redis(host=HERE, port=redis_server.port) as by_port:
        assert by_file.set("a", "1")
        assert by_port.get("a") == b"1"


def test_one_that_was_killed_comes_back_where_it_was_and_has_forgotten_everything(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("a", "1")
        redis_server.kill()
        with pytest.raises(redis_errors.ConnectionError):
            client.get("a")
        redis_server.start()
        assert client.get("a") is None


def test_one_that_keeps_has_what_it_had_before_it_was_killed() -> None:
    with redis_running(keeps=True) as server, server.client() as client:
        client.set("a", "1")
        server.kill()
        server.start()
        assert client.get("a") == b"1"


def test_one_that_is_paused_answers_nothing_until_it_goes_on(redis_server: RedisServer) -> None:
    with redis_server.client(deadline=0.5) as hurried, redis_server.client() as patient:
        assert hurried.get("a") is None
        redis_server.pause()
        with pytest.raises(redis_errors.TimeoutError):
            hurried.set("a", "1")
        redis_server.resume()
        assert patient.set("a", "2")


def test_one_with_a_password_wants_it() -> None:
    with (
        redis_running(password="the house") as server,  # noqa: S106
        server.client() as known,
        Redis(host=HERE, port=server.port, retry=Retry(NoBackoff(), 0)) as nobody,
    ):
        assert known.get("a") is None
        with pytest.raises(redis_errors.AuthenticationError):
            nobody.get("a")


def test_where_there_is_none_a_test_fails_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match=ABSENT), redis_running():
        pass
