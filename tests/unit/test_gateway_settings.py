"""Which payment gateway a server opens, and which keys it refuses."""

import pytest

from jari.main import open_gateway
from jari.settings import BadSetting, Settings

URL = "http://127.0.0.1:9"
TEST_KEYS = {"gateway_secret_key": "test_sk_a", "gateway_client_key": "test_ck_a"}


def test_without_an_address_there_is_no_gateway():
    assert open_gateway(Settings(**TEST_KEYS)) is None


@pytest.mark.parametrize("missing", TEST_KEYS)
def test_an_address_without_keys_is_refused(missing):
    with pytest.raises(BadSetting, match="KEY"):
        open_gateway(Settings(gateway_url=URL, **{**TEST_KEYS, missing: ""}))


@pytest.mark.parametrize(
    "keys",
    [
        {"gateway_secret_key": "live_sk_a"},
        {"gateway_secret_key": "live_gsk_a"},
        {"gateway_client_key": "live_ck_a"},
    ],
    ids=["secret", "secret of the widget", "client"],
)
def test_a_live_key_is_refused_outside_production(keys):
    with pytest.raises(BadSetting, match="live keys"):
        open_gateway(Settings(gateway_url=URL, **{**TEST_KEYS, **keys}))


async def test_in_production_a_live_key_opens_the_gateway():
    keys = {"gateway_secret_key": "live_sk_a", "gateway_client_key": "live_ck_a"}
    gateway = open_gateway(Settings(gateway_url=URL, environment="production", **keys))
    assert gateway is not None
    await gateway.close()


async def test_test_keys_open_the_gateway_anywhere():
    gateway = open_gateway(Settings(gateway_url=URL, **TEST_KEYS))
    assert gateway is not None
    await gateway.close()


def test_settings_that_are_printed_do_not_tell_the_secret_key():
    assert "test_sk_a" not in repr(Settings(**TEST_KEYS))
