"""The figures of several workers in one text, and the settings that they share."""

from prometheus_client import Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jari.settings import Settings
from jari.web.figures import Labelled, joined

asked = Counter("figures_asked", "Asked for in a test", ["answer"])
late = Gauge("figures_late", "How late\nin a test")


def test_every_figure_of_a_worker_carries_its_number_and_stands_once_in_one_answer() -> None:
    asked.labels("yes").inc(3)
    late.set(0.5)
    text = joined([generate_latest(Labelled(1)), generate_latest(Labelled(2))]).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {
        (sample.labels["answer"], sample.labels["worker"], sample.value)
        for sample in families["figures_asked"].samples
        if sample.name == "figures_asked_total"
    } == {("yes", "1", 3.0), ("yes", "2", 3.0)}
    assert [sample.labels for sample in families["figures_late"].samples] == [
        {"worker": "1"},
        {"worker": "2"},
    ]
    assert text.count("# TYPE figures_asked_total counter\n") == 1


def test_what_only_one_worker_has_is_there_too() -> None:
    own = "# HELP a A\n# TYPE a gauge\na 1.0\n"
    other = "# HELP b B\n# TYPE b gauge\n# HELP a A\n# TYPE a gauge\na 2.0\n"
    assert joined([own.encode(), other.encode()]).decode() == (
        "# HELP a A\n# TYPE a gauge\na 1.0\na 2.0\n# HELP b B\n# TYPE b gauge\n"
    )


def test_workers_share_the_connections_to_the_database_and_what_is_counted_over_them() -> None:
    of_worker = Settings(workers=3, database_connections=20, attempts_counted_at_once=4).of_worker()
    assert of_worker.database_connections == 6
    assert of_worker.attempts_counted_at_once == 1
    assert of_worker.max_viewers == Settings().max_viewers
