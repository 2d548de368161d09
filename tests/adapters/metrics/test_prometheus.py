"""What Prometheus reads: right numbers, conventional names, and nothing that is not known."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from covenant.adapters.metrics.listening import MetricsServer
from covenant.adapters.metrics.prometheus import render
from covenant.kernel.errors import UsageError
from covenant.kernel.standing import Verdict
from tests.adapters.metrics.standings import NOW, a_new_source, a_scene, a_source


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(text: str, name: str, **labels: str) -> list[float]:
    """The values of the samples of a name that bear these labels."""
    return [value for (found, has), value in samples(text).items() if found == name and {*labels.items()} <= has]


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("covenant_rpo_promised_seconds", {"source": "orders"}, 3600),
        ("covenant_rpo_reached_seconds", {"source": "orders"}, 21600),
        ("covenant_rpo_expected_seconds", {"source": "orders"}, 28800),
        ("covenant_rto_estimated_seconds", {"source": "orders"}, 3600),
        ("covenant_rto_at_most_seconds", {"source": "orders"}, 7200),
        ("covenant_rto_measured_seconds", {"source": "orders"}, 3600),
        ("covenant_promise_kept", {"source": "orders", "class": "critical"}, 0),
        ("covenant_verdict", {"source": "orders", "verdict": "broken"}, 1),
        ("covenant_copies", {"source": "orders"}, 2),
        ("covenant_copies_promised", {"source": "orders"}, 3),
        ("covenant_last_backup_timestamp_seconds", {"source": "orders"}, NOW.timestamp() - 21600),
        ("covenant_region_lag_seconds", {"region": "south"}, 7200),
        ("covenant_region_damaged_objects", {"region": "south"}, 1),
        ("covenant_vault_survives_regions", {"vault": "main"}, 1),
        ("covenant_region_proved_ratio", {"vault": "main"}, 0.75),
        ("covenant_region_proved_timestamp_seconds", {"region": "north"}, NOW.timestamp() - 43200),
        ("covenant_region_unsound_objects", {"region": "north"}, 2),
        ("covenant_region_verify_promised_seconds", {"region": "south"}, 2592000),
        ("covenant_runs_total", {"subject": "orders", "kind": "full", "state": "done"}, 4),
        ("covenant_run_duration_seconds", {"subject": "orders"}, 2.5),
        ("covenant_alerts", {"severity": "critical"}, 1),
        ("covenant_alerts", {"severity": "warning"}, 0),
        ("covenant_channel_failures", {"channel": "pager"}, 4),
        ("covenant_drill_missed", {"level": "monthly"}, 2),
        ("covenant_drill_last_timestamp_seconds", {"level": "monthly"}, NOW.timestamp()),
        ("covenant_drill_verdict", {"level": "monthly", "verdict": "broken"}, 1),
    ],
)
def test_a_number_is_what_it_says(name: str, labels: dict[str, str], expected: float) -> None:
    """Each number is shown in the unit that its name says."""
    assert [expected] == of(render(a_scene()), name, **labels)


@pytest.mark.parametrize(
    "name",
    [
        "covenant_rpo_reached_seconds",
        "covenant_rto_at_most_seconds",
        "covenant_copies",
        "covenant_last_backup_timestamp_seconds",
    ],
)
def test_what_is_not_known_has_no_sample(name: str) -> None:
    """A source that was never backed up has no age and no copies, rather than zero of them."""
    assert [] == of(render(a_scene(a_new_source())), name)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.KEPT, [1]),
        (Verdict.AT_RISK, [1]),
        (Verdict.BROKEN, [0]),
        (Verdict.NOT_COVERED, [0]),
        (Verdict.WAITING, []),
    ],
)
def test_a_promise_counts_as_kept_only_when_it_is(verdict: Verdict, expected: list[float]) -> None:
    """What is broken or not covered is 0; of what waits for its first backup nothing is claimed."""
    assert expected == of(render(a_scene(a_source("orders", verdict))), "covenant_promise_kept")


def test_names_follow_the_conventions() -> None:
    """Every family has our prefix and a help text; what only grows ends in _total, and nothing else does."""
    for family in text_string_to_metric_families(render(a_scene())):
        assert family.name.startswith("covenant_")
        assert family.documentation
        assert all(sample.name.endswith("_total") == (family.type == "counter") for sample in family.samples)


def test_labels_do_not_multiply() -> None:
    """A second source adds as many series as the first: no label holds an id, a moment or a message."""
    one, two, three = (len(samples(render(a_scene(*map(a_source, names))))) for names in ("a", "ab", "abc"))

    assert two - one == three - two < 20


def test_a_name_with_quotes_stays_one_label() -> None:
    """Whatever stands in a name cannot forge a sample."""
    name = 'a"} 1\ncovenant_promise_kept{source="b'

    assert [0] == of(render(a_scene(a_source(name))), "covenant_promise_kept", source=name)


def test_a_thousand_sources_are_rendered_quickly() -> None:
    """A scrape of a thousand sources takes well below a scrape's usual time-out."""
    scene = a_scene(*(a_source(f"source-{n}") for n in range(1000)))
    began = time.perf_counter()

    text = render(scene)

    assert 1000 == len(of(text, "covenant_promise_kept"))
    assert time.perf_counter() - began < 5


def scraped(port: int, path: str = "/metrics") -> tuple[int, str]:
    """What the server answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_server_shows_how_things_stand() -> None:
    """A scrape gets the metrics as they are at that moment, and nothing lies elsewhere."""
    with MetricsServer("127.0.0.1", 0, lambda: render(a_scene())) as server:
        found, elsewhere = scraped(server.port), scraped(server.port, "/etc/passwd")

    assert (200, render(a_scene())) == found
    assert 404 == elsewhere[0]


def test_a_scrape_that_fails_shows_as_one() -> None:
    """An error while looking is a failed scrape without details, and the next one is answered again."""
    divisors = [0, 1]

    with MetricsServer("127.0.0.1", 0, lambda: f"{1 // divisors.pop(0)}\n") as server:
        first, second = scraped(server.port), scraped(server.port)

    assert 500 == first[0]
    assert "division" not in first[1]
    assert (200, "1\n") == second


def test_an_address_that_is_taken_is_said() -> None:
    """Two daemons cannot show metrics at one port: the second says so, and which setting to change."""
    with MetricsServer("127.0.0.1", 0, str) as server, pytest.raises(UsageError, match="cannot be shown") as caught:
        MetricsServer("127.0.0.1", server.port, str)

    assert "[metrics]" in caught.value.hint
