import math
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import numpy
import pytest
from svge_client import Architecture, Client, Conflict, Denied, DroppedProgress, NotFound, Progress, Trial, Unreachable

from tests.client.test_transport import SILENT
from tests.client.wire import STUDY, TRIAL, FakeServer, answer, client_of, problem


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with client_of(server) as client:
        yield client


def test_workers_without_a_name_get_different_ones() -> None:
    with Client() as first, Client() as second:
        assert first.worker != second.worker


def test_a_token_goes_with_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def answer_all(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        return answer(STUDY)

    monkeypatch.setenv("SVGE_TOKEN", "from-the-environment")
    for token in ("given", None):
        with Client(transport=httpx.MockTransport(answer_all), token=token) as client:
            client.study("demo")
    monkeypatch.delenv("SVGE_TOKEN")
    with Client(transport=httpx.MockTransport(answer_all)) as client:
        client.study("demo")
    assert seen == ["Bearer given", "Bearer from-the-environment", None]


def test_a_study_is_created_with_what_was_given_and_nothing_else(server: FakeServer, client: Client) -> None:
    server.on("/studies", answer(STUDY, 201))
    study = client.create_study("demo", "nasbench101", max_trials=40, initial_size=5)
    assert (study.name, study.max_trials, study.lease_seconds, study.trials["completed"]) == ("demo", 40, 20, 11)
    expected = {"name": "demo", "space": "nasbench101", "objective": "maximize", "seed": 0, "max_trials": 40, "initial_size": 5}
    assert server.bodies("/studies") == [expected]


def test_an_existing_study_is_taken_as_it_is(server: FakeServer, client: Client) -> None:
    server.on("/studies", problem(409, "study_exists"))
    server.on("/studies/demo", answer(STUDY))
    assert client.create_study("demo", "nasbench101").name == "demo"
    with pytest.raises(Conflict):
        client.create_study("demo", "nasbench101", exist_ok=False)
    with pytest.raises(Conflict):
        client.create_study("demo", "enas_macro")
    with pytest.raises(Conflict):
        client.create_study("demo", "nasbench101", objective="minimize")
    with pytest.raises(Conflict):
        client.create_study("demo", "nasbench101", objectives={"accuracy": "maximize"})
    assert client.create_study("demo", "nasbench101", limits={"parameters": 3_000_000}).limits == {"parameters": 3_000_000}
    with pytest.raises(Conflict):
        client.create_study("demo", "nasbench101", limits={"parameters": 4_000_000})


def test_a_key_that_may_not_create_studies_goes_on_with_one_that_is_there(server: FakeServer, client: Client) -> None:
    server.on("/studies", problem(403, "denied"))
    server.on("/studies/demo", answer(STUDY))
    assert client.create_study("demo", "nasbench101").name == "demo"
    with pytest.raises(Denied):
        client.create_study("demo", "enas_macro")
    with pytest.raises(Denied):
        client.create_study("demo", "nasbench101", exist_ok=False)
    server.on("/studies/demo", problem(404, "study_not_found"))
    with pytest.raises(Denied):
        client.create_study("demo", "nasbench101")


def test_the_order_of_objectives_and_the_limits_that_are_there_decide_whether_a_study_is_the_same(
    server: FakeServer, client: Client
) -> None:
    goal = {"accuracy": "maximize", "latency": "minimize", "parameters": "minimize"}
    server.on("/studies", problem(409, "study_exists"))
    server.on("/studies/demo", answer({**STUDY, "objectives": goal, "limits": {"parameters": 5, "multiply_adds": None}}))
    for order in (("accuracy", "latency", "parameters"), ("parameters", "accuracy", "latency")):
        same = {name: goal[name] for name in order}
        client.create_study("demo", "nasbench101", objectives=same, limits={"parameters": 5, "multiply_adds": None})  # type: ignore[dict-item]
    with pytest.raises(Conflict):
        client.create_study("demo", "nasbench101", objectives={name: goal[name] for name in ("latency", "accuracy", "parameters")})


def test_a_study_is_deleted(server: FakeServer, client: Client) -> None:
    server.on("/studies/demo", httpx.Response(204))
    client.delete_study("demo")
    assert [(method, path) for method, path, _ in server.requests] == [("DELETE", "/studies/demo")]


def test_several_objectives_are_named_when_a_study_is_created_and_a_trial_observed(server: FakeServer, client: Client) -> None:
    goal = {"accuracy": "maximize", "parameters": "minimize"}
    server.on("/studies", answer({**STUDY, "objectives": goal}, 201))
    study = client.create_study("demo", "nasbench101", objectives=goal, limits={"multiply_adds": 10**9})
    assert study.objectives == goal
    assert server.bodies("/studies") == [
        {"name": "demo", "space": "nasbench101", "seed": 0, "objectives": goal, "limits": {"multiply_adds": 10**9}}
    ]
    server.on("/suggest", answer({"trials": [TRIAL]}))
    server.on("/observe", answer({"trial": {**TRIAL, "value": 0.5, "values": {"accuracy": 0.5}}}))
    (trial,) = client.suggest("demo").trials
    assert trial.parameters == 2_694_282
    assert client.observe(trial, {"accuracy": 0.5}).values == {"accuracy": 0.5}
    assert server.bodies("/observe") == [{"trial": "t-1", "attempt": 2, "values": {"accuracy": 0.5}, "status": "completed"}]
    with pytest.raises(ValueError, match="finite"):
        client.observe(trial, {"accuracy": math.nan})
    server.on("/studies/demo/pareto", answer({"trials": [TRIAL], "size": 7}))
    assert [trial.number for trial in client.pareto("demo", limit=1)] == [3]
    assert server.bodies("/studies/demo/pareto") == [{"limit": "1"}]


def test_a_creation_that_must_not_find_a_study_is_not_repeated_blindly(server: FakeServer, client: Client) -> None:
    server.on("/studies", SILENT, problem(409, "study_exists"))
    with pytest.raises(Unreachable):
        client.create_study("demo", "nasbench101", exist_ok=False)


def test_a_suggested_trial_is_read_whole(server: FakeServer, client: Client) -> None:
    server.on("/suggest", answer({"trials": [TRIAL], "reason": "only one left"}))
    suggestion = client.suggest("demo", count=2, wait=1.5, strategy="ucb")
    assert server.bodies("/suggest") == [{"study": "demo", "worker": "w", "count": 2, "wait": 1.5, "strategy": "ucb"}]
    assert suggestion.reason == "only one left"
    (trial,) = suggestion.trials
    assert trial.architecture == Architecture("nasbench101", ("input", "conv3x3", "output"), ((0, 1), (1, 2)))
    assert trial.architecture.to_json() == TRIAL["architecture"]
    assert (trial.id, trial.number, trial.attempt, trial.predicted_mean, trial.value) == ("t-1", 3, 2, 0.9, None)
    assert trial.lease_expires_at is not None
    assert trial.lease_expires_at.utcoffset() is not None
    assert trial.document == TRIAL


def test_observations_name_trial_and_attempt(server: FakeServer, client: Client) -> None:
    server.on("/suggest", answer({"trials": [TRIAL]}))
    server.on("/observe", answer({"trial": {**TRIAL, "state": "completed", "value": 0.5}}))
    trial = client.suggest("demo").trials[0]
    assert client.observe(trial, 0.5, std=0.1, metrics={"seconds": 2.0}).value == 0.5
    client.fail(trial, "out of memory")
    assert server.bodies("/observe") == [
        {"trial": "t-1", "attempt": 2, "value": 0.5, "status": "completed", "std": 0.1, "metrics": {"seconds": 2.0}},
        {"trial": "t-1", "attempt": 2, "status": "failed", "reason": "out of memory"},
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_never_sent(value: float, server: FakeServer, client: Client) -> None:
    server.on("/suggest", answer({"trials": [TRIAL]}))
    trial = client.suggest("demo").trials[0]
    with pytest.raises(ValueError, match="finite"):
        client.observe(trial, value)
    assert server.bodies("/observe") == []


def test_numbers_beside_the_value_never_cost_it(server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    server.on("/suggest", answer({"trials": [TRIAL]}))
    server.on("/observe", answer({"trial": {**TRIAL, "state": "completed", "value": 0.9}}))
    trial = client.suggest("demo").trials[0]
    client.observe(trial, 0.9, std=math.nan, metrics={"loss": math.nan, "epochs": numpy.float32(4)})
    sent = {"trial": "t-1", "attempt": 2, "value": 0.9, "status": "completed", "metrics": {"epochs": 4.0}}
    assert server.bodies("/observe") == [sent]
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records if record.levelname == "WARNING"] == [
        "std",
        "loss",
    ]


def test_trials_come_from_all_pages(server: FakeServer, client: Client) -> None:
    numbered = [{**TRIAL, "number": number} for number in range(5)]
    pages = {None: (numbered[:2], "a"), "a": (numbered[2:4], "b"), "b": (numbered[4:], None)}

    def page(query: dict[str, str]) -> object:
        trials, following = pages[query.get("cursor")]
        return answer({"trials": trials, "next_cursor": following})

    server.on("/studies/demo/trials", page)  # type: ignore[arg-type]
    assert [trial.number for trial in client.trials("demo", page_size=2, state="completed")] == [0, 1, 2, 3, 4]
    assert all(query["limit"] == "2" and query["state"] == "completed" for query in server.bodies("/studies/demo/trials"))


def test_the_best_and_a_name_with_a_slash(server: FakeServer, client: Client) -> None:
    server.on("/studies/demo/best", answer({"trials": [TRIAL]}))
    assert [trial.number for trial in client.best("demo", k=3)] == [3]
    assert server.bodies("/studies/demo/best") == [{"k": "3"}]
    server.on("/studies/a%2Fb", problem(404, "study_not_found"))
    with pytest.raises(NotFound):
        client.study("a/b")


def test_a_heartbeat_says_what_became_of_each_trial(server: FakeServer, client: Client) -> None:
    server.on("/suggest", answer({"trials": [TRIAL]}))
    renewed = {"trial": "t-1", "attempt": 2, "lease_expires_at": "2026-11-24T12:05:00Z"}
    lost = {"trial": "t-2", "reason": "held by w-2"}
    server.on("/heartbeat", answer({"renewed": [renewed], "lost": [lost], "stop": []}))
    heartbeat = client.heartbeat(client.suggest("demo").trials)
    assert server.bodies("/heartbeat") == [{"worker": "w", "trials": ["t-1"]}]
    assert heartbeat.renewed == {"t-1": datetime(2026, 11, 24, 12, 5, tzinfo=UTC)}
    assert (heartbeat.lost, heartbeat.stop) == ({"t-2": "held by w-2"}, {})


def test_progress_goes_with_heartbeats_and_a_stop_with_what_is_known(server: FakeServer, client: Client) -> None:
    server.on("/suggest", answer({"trials": [TRIAL]}))
    dropped = {"trial": "t-1", "attempt": 2, "step": 4, "reason": "there already"}
    server.on("/heartbeat", answer({"renewed": [], "lost": [], "stop": [], "dropped": [dropped]}))
    server.on("/observe", answer({"trial": {**TRIAL, "state": "stopped"}}))
    (trial,) = client.suggest("demo").trials
    heartbeat = client.heartbeat([trial], [Progress(trial, 4, 0.5)])
    assert heartbeat.dropped == (DroppedProgress("t-1", 2, 4, "there already"),)
    entry = {"trial": "t-1", "attempt": 2, "step": 4, "value": 0.5}
    assert server.bodies("/heartbeat") == [{"worker": "w", "trials": ["t-1"], "progress": [entry]}]
    assert client.stop(trial, "enough", value=0.5, step=4).state == "stopped"
    stopped = {"trial": "t-1", "attempt": 2, "status": "stopped", "reason": "enough", "value": 0.5, "step": 4}
    assert server.bodies("/observe") == [stopped]


def test_decodings_are_sorted_by_point(server: FakeServer, client: Client) -> None:
    decoding = {
        "architecture": TRIAL["architecture"],
        "canonical_id": "abc",
        "frequency": 0.5,
        "valid": True,
        "round_trip_distance": 0.1,
        "predicted_mean": None,
        "predicted_std": None,
        "acquisition_value": None,
        "trial": None,
    }
    points = [[0.0], [1.0], [2.0]]
    found = [{**decoding, "point": 0, "canonical_id": "a"}, {**decoding, "point": 2}, {**decoding, "point": 0, "canonical_id": "b"}]
    server.on("/decode", answer({"points": points, "architectures": found}))
    decoded = client.decode(points, study="demo", samples=4, seed=1)
    assert [[decoding.canonical_id for decoding in decodings] for decodings in decoded] == [["a", "b"], [], ["abc"]]
    assert server.bodies("/decode") == [{"study": "demo", "latents": points, "samples": 4, "mode": "sampled", "seed": 1}]


def test_architectures_come_as_text_in_the_form_asked_for(server: FakeServer, client: Client) -> None:
    server.on("/decode", httpx.Response(200, text="<svg/>"))
    server.on("/trials/t-1", httpx.Response(200, text="class Network: ...\n"))
    assert client.decode_as("svg", numpy.array([0.5, -1], numpy.float32), study="demo", samples=3) == "<svg/>"  # type: ignore[arg-type]
    asked = {"study": "demo", "z": "0.5,-1.0", "samples": "3", "mode": "sampled", "seed": "0", "format": "svg"}
    assert server.bodies("/decode") == [asked]
    assert client.trial_as("python", Trial.from_json(TRIAL)) == "class Network: ...\n"
    assert server.bodies("/trials/t-1") == [{"format": "python"}]


def test_architectures_are_encoded_in_one_request(server: FakeServer, client: Client) -> None:
    server.on("/encode", answer({"latents": [{"mean": [0.5], "std": [1.0], "canonical_id": "abc"}]}))
    architecture = Architecture.from_json(TRIAL["architecture"])
    (latent,) = client.encode([architecture])
    assert (latent.mean, latent.std, latent.canonical_id) == ((0.5,), (1.0,), "abc")
    assert server.bodies("/encode") == [{"space": "nasbench101", "architectures": [TRIAL["architecture"]]}]
    assert client.encode([]) == []


def test_a_file_whose_answer_was_lost_is_sent_again(server: FakeServer, client: Client) -> None:
    server.on("/studies/demo/import", SILENT, answer({"imported": 0, "unchanged": 1, "left_out": 0}))
    assert client.import_trials("demo", '{"native": "x", "value": 1}').unchanged == 1
    assert server.bodies("/studies/demo/import") == [{"native": "x", "value": 1}] * 2


@pytest.mark.parametrize("url", ["localhost:8000", "127.0.0.1", "http://", "ftp://host", "http://host:port"])
def test_an_address_that_cannot_be_one_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="http://HOST:PORT") as refused:
        Client(url)
    assert url in str(refused.value)


def test_a_token_from_a_file_may_end_its_line_and_one_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVGE_TOKEN", "svge_secret\n")
    with Client("http://test") as client:
        assert client._http.headers["Authorization"] == "Bearer svge_secret"
    for token in ("svge_sec\nret", "svge_s\u00e9cret"):
        with pytest.raises(ValueError, match="svge keys create") as refused:
            Client("http://test", token=token)
        assert token not in str(refused.value)
        assert "cret" not in str(refused.value).replace("create", "")
