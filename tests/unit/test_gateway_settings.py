"""Which payment gateway a server opens, and which keys it refuses."""

import json

import pytest

from jari.domain.errors import Unavailable
from jari.main import open_gateways
from jari.settings import BadSetting, GatewaySettings, Settings

URL = "http://127.0.0.1:9"
TEST_KEYS = {"gateway_secret_key": "test_sk_a", "gateway_client_key": "test_ck_a"}


def test_without_an_address_there_is_no_gateway():
    gateways = open_gateways(Settings(**TEST_KEYS))
    assert not gateways
    with pytest.raises(Unavailable, match="JARI_GATEWAY_URL"):
        gateways.require_default()


@pytest.mark.parametrize("missing", TEST_KEYS)
def test_an_address_without_keys_is_refused(missing):
    with pytest.raises(BadSetting, match="KEY"):
        open_gateways(Settings(gateway_url=URL, **{**TEST_KEYS, missing: ""}))


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
        open_gateways(Settings(gateway_url=URL, **{**TEST_KEYS, **keys}))


async def test_in_production_a_live_key_opens_the_gateway():
    keys = {"gateway_secret_key": "live_sk_a", "gateway_client_key": "live_ck_a"}
    gateways = open_gateways(Settings(gateway_url=URL, environment="production", **keys))
    assert gateways.require_default().name == "toss"
    await gateways.close()


async def test_test_keys_open_the_gateway_anywhere():
    gateways = open_gateways(Settings(gateway_url=URL, **TEST_KEYS))
    assert gateways.require_default().name == "toss"
    await gateways.close()


def test_a_gateway_that_nobody_knows_is_refused():
    with pytest.raises(BadSetting, match=r"'cash'.*toss"):
        open_gateways(Settings(gateway="cash", gateway_url=URL, **TEST_KEYS))


FORMER = {"name": "toss", "url": URL, "secret_key": "test_sk_former", "client_key": "test_ck_former"}


def former(**changed):
    return {"JARI_FORMER_GATEWAYS": json.dumps([{**FORMER, **changed}])}


async def test_a_former_gateway_is_opened_and_takes_no_new_payments():
    settings = Settings.from_environment(former(timeout_seconds=7))
    assert settings.gateways == (GatewaySettings(**FORMER, timeout_seconds=7),)
    gateways = open_gateways(settings)
    assert gateways
    assert gateways.checkout is None
    with pytest.raises(Unavailable):
        gateways.require_default()
    await gateways.close()


@pytest.mark.parametrize("missing", ["url", "secret_key", "client_key"])
def test_a_former_gateway_must_be_told_all_too(missing):
    with pytest.raises(BadSetting, match="JARI_FORMER_GATEWAYS"):
        open_gateways(Settings.from_environment(former(**{missing: ""})))


@pytest.mark.parametrize("text", ["toss", "{}", '[{"name": "toss"}]', "[" * 10_000])
def test_former_gateways_are_named_as_json(text):
    with pytest.raises(BadSetting, match="JARI_FORMER_GATEWAYS does not fit"):
        open_gateways(Settings(former_gateways=text))


@pytest.mark.parametrize("limit", ["timeout_seconds", "connections"])
def test_a_limit_of_a_former_gateway_is_positive_as_every_other(limit):
    with pytest.raises(BadSetting, match=f"JARI_FORMER_GATEWAYS.*{limit}"):
        open_gateways(Settings.from_environment(former(**{limit: 0})))


@pytest.mark.parametrize("text", ["api.example.com", "ftp://api.example.com", "https://", "https://[api"])
def test_what_is_no_address_is_refused_before_anybody_pays(text):
    with pytest.raises(BadSetting, match="JARI_GATEWAY_URL"):
        open_gateways(Settings(gateway_url=text, **TEST_KEYS))


def test_a_live_key_of_a_former_gateway_is_refused_outside_production():
    with pytest.raises(BadSetting, match="live keys"):
        open_gateways(Settings.from_environment(former(secret_key="live_sk_a")))


def test_a_gateway_is_not_named_twice():
    settings = Settings.from_environment(former(), gateway_url=URL, **TEST_KEYS)
    with pytest.raises(BadSetting, match="twice"):
        open_gateways(settings)


def test_settings_that_are_printed_do_not_tell_the_secret_key():
    settings = Settings(gateway_url=URL, **TEST_KEYS)
    assert "test_sk_a" not in repr((settings, settings.gateways))
