"""`deploy/` is read by the tools that it is for, where they can be had here, and agrees with the settings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import helm_python
import kubernetes_validate
import pytest
import yaml

from jari.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm/jari"
KUBERNETES = "1.33"
NEEDED = {"trustedProxies": "10.0.0.0/8"}
EVERYTHING = NEEDED | {
    "replicas": 3,
    "workers": 2,
    "redis": {"secret": "jari"},
    "gateway": {"secret": "jari"},
    "publicUrl": "https://tickets.example.com",
    "settings": {"HOLD_SECONDS": "420"},
    "imagePullSecrets": [{"name": "pull"}],
    "podAnnotations": {"prometheus.io/port": "8000"},
}
END_SECONDS = Settings(trusted_proxies="10.0.0.0/8").end_seconds


def text_of(name):
    return (DEPLOY / name).read_text(encoding="utf-8")


def seconds_of(text):
    return int(text.removesuffix("s"))


# Compose


def services():
    return yaml.safe_load(text_of("compose.yaml"))["services"]


def variables():
    """The settings that anything in `deploy/` gives jari in its environment."""
    given = set(services()["jari-1"]["environment"])
    given |= {
        line.strip("#").partition("=")[0]
        for line in text_of("systemd/jari.env").splitlines()
        if "JARI_" in line
    }
    return given | {each["name"] for each in container_of(render(EVERYTHING)["Deployment"])["env"]}


def test_compose_names_every_image_with_its_version():
    images = {name: each["image"] for name, each in services().items() if "build" not in each}
    assert images.keys() == {"postgres", "valkey", "caddy"}
    assert all(re.fullmatch(r"[a-z/]+:\d[\d.]*", image) for image in images.values())


def test_two_instances_of_compose_are_told_of_all_that_they_need():
    for name in ("jari-1", "jari-2"):
        instance = services()[name]
        assert instance["environment"]["JARI_DATABASE"].partition("@")[2] == "postgres/jari"
        assert instance["environment"]["JARI_REDIS"] == "redis://valkey:6379/0"
        caddy = services()["caddy"]["networks"]["default"]["ipv4_address"]
        assert instance["environment"]["JARI_TRUSTED_PROXIES"] == caddy
        assert instance["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_the_image_installs_nothing_but_what_is_pinned():
    lines = re.findall(r"pip install.*", text_of("Dockerfile"))
    assert len(lines) == 2
    assert all("--no-deps" in line for line in lines)
    assert "--require-hashes -r requirements/runtime.txt" in lines[0]


# The settings


def test_every_setting_that_is_given_is_one():
    assert {name.removeprefix("JARI_").lower() for name in variables()} <= set(Settings.__dataclass_fields__)


def test_everybody_waits_for_the_end_longer_than_it_takes():
    [unit_seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", text_of("systemd/jari.service"), re.MULTILINE)
    assert int(unit_seconds) > END_SECONDS
    assert seconds_of(services()["jari-1"]["stop_grace_period"]) > END_SECONDS
    assert (
        render(NEEDED)["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        > END_SECONDS
    )


def test_the_grace_period_follows_the_settings_of_the_end():
    slow = NEEDED | {"drainSeconds": 60, "shutdownSeconds": 20, "shutdownMarginSeconds": 10}
    pod = render(slow)["Deployment"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 95
    given = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert given["JARI_DRAIN_SECONDS"] == "60"
    assert (given["JARI_SHUTDOWN_SECONDS"], given["JARI_SHUTDOWN_MARGIN_SECONDS"]) == ("20", "10")


@pytest.mark.parametrize(
    ("file", "kept"),
    [("Caddyfile", r"^\s*keepalive (\d+)s$"), ("nginx.conf", r"^\s*keepalive_timeout (\d+)s;")],
)
def test_a_proxy_lets_go_of_a_connection_before_jari_does(file, kept):
    [seconds] = re.findall(kept, text_of(file), re.MULTILINE)
    assert int(seconds) < Settings().keep_alive_seconds


def test_caddy_looks_at_least_twice_while_an_instance_drains():
    [seconds] = re.findall(r"^\s*health_interval (\d+)s$", text_of("Caddyfile"), re.MULTILINE)
    assert 2 * int(seconds) < Settings().drain_seconds


def test_kubernetes_notices_while_an_instance_drains():
    probe = container_of(render(NEEDED)["Deployment"])["readinessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] < Settings().drain_seconds


def test_nginx_waits_longer_than_a_payment_may_take():
    [seconds] = re.findall(r"proxy_read_timeout (\d+)s;", text_of("nginx.conf"))
    assert int(seconds) > Settings().payment_request_seconds


# The chart


def render(values):
    """What Helm makes of the chart, by kind."""
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(values, name="tickets", namespace="sale")
    documents = [each for text in files.values() for each in yaml.safe_load_all(text) if each]
    return {each["kind"]: each for each in documents}


def container_of(made):
    [container] = made["spec"]["template"]["spec"]["containers"]
    return container


def test_helm_finds_no_fault_with_the_chart():
    found = helm_python.lint(CHART)
    assert found["errors"] == []
    assert [each["error"] for each in found["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("values", [NEEDED, EVERYTHING], ids=["as little as possible", "everything"])
def test_kubernetes_would_take_what_the_chart_makes(values):
    made = render(values)
    assert made.keys() == {"Deployment", "Service", "PodDisruptionBudget", "Job"}
    for each in made.values():
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_a_word_that_kubernetes_does_not_know_would_be_found():
    made = render(NEEDED)["Deployment"]
    made["spec"]["template"]["spec"]["terminationGrace"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, KUBERNETES, strict=True)


def test_the_chart_asks_for_the_proxies_without_which_nothing_drains():
    with pytest.raises(helm_python.HelmError, match="trustedProxies: name the ingress's addresses"):
        render({})


def test_secrets_are_named_and_not_held():
    for made in (render(EVERYTHING)["Deployment"], render(EVERYTHING)["Job"]):
        secret = {each["name"] for each in container_of(made)["env"] if "valueFrom" in each}
        assert secret == {
            "JARI_DATABASE",
            "JARI_REDIS",
            "JARI_GATEWAY_SECRET_KEY",
            "JARI_GATEWAY_CLIENT_KEY",
        }


def test_the_database_is_migrated_before_instances_of_a_new_version_begin():
    job = render(NEEDED)["Job"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert container_of(job)["args"] == ["migrate"]


def test_one_service_finds_the_instances_and_not_the_migration():
    made = render(NEEDED)
    wanted = made["Service"]["spec"]["selector"].items()
    assert wanted <= made["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert not wanted <= made["Job"]["spec"]["template"]["metadata"]["labels"].items()
    assert made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() == wanted


def test_one_instance_alone_may_be_disturbed():
    """A budget would keep its node from ever being emptied."""
    assert "PodDisruptionBudget" not in render(NEEDED | {"replicas": 1})


# systemd


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and "CI" not in os.environ, reason="there is no systemd here"
)
def test_systemd_would_take_the_unit(tmp_path):
    """The program of the unit is put where it is here; else systemd would miss it."""
    program = str(Path(sys.executable).with_name("jari"))
    text = text_of("systemd/jari.service").replace("/opt/jari/bin/jari", program)
    assert complaints(tmp_path, text) == ""
    assert "Unknown key" in complaints(tmp_path, text.replace("TimeoutStopSec", "TimeoutStopSeconds"))


def complaints(directory, text):
    """What systemd finds about a unit."""
    unit = directory / "jari.service"
    unit.write_text(text, encoding="utf-8")
    looked = subprocess.run(["systemd-analyze", "verify", unit], check=True, capture_output=True, text=True)
    return looked.stdout + looked.stderr
