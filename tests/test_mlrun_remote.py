"""Remote steps of graphs declared by MLRun's calls, against servers of their own."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

from graph_magics import EventError, Graph, GraphError, mlrun
from graph_magics.mlrun.remote import sending

#: Of a server on this machine that nobody has reason to trust; made for this test.
NOT_TRUSTED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwlQpYA0EbIhrqM0K
sQtdi1SKOufdFebPf/FseGk01i6hRANCAARSeFfD5Nz5hNdbN5+Rwu9rWZbfREG5
2Supt2NSOmSqvx94j2sDEc9+xi4U0fnGYSzT6XDWktX6BSkXgQtEeE0M
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIULK8On30QfdcJxkJjfy+nuzmJl40wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjAwNTIxOFoYDzIxMjYxMDI5
MDA1MjE4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARSeFfD5Nz5hNdbN5+Rwu9rWZbfREG52Supt2NSOmSqvx94j2sDEc9+
xi4U0fnGYSzT6XDWktX6BSkXgQtEeE0Mo28wbTAdBgNVHQ4EFgQU7mfBfWzzlAKf
XzGzrad7Ut47W9wwHwYDVR0jBBgwFoAU7mfBfWzzlAKfXzGzrad7Ut47W9wwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIge+2OKEWGObFmmeGO5Hb4BHGwCC9qmBIYG72w9/e2+ZgCIC0g
Rubkc69Vm21NmimdRzVzeTsqU+Gn3BVzqDfpwpnL
-----END CERTIFICATE-----
"""


def remote(url=None, *, engine=None, **options) -> Graph:
    graph = Graph("g", engine=engine)
    graph.to("$remote", name="r", url=url, **options).respond()
    return graph


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After which attempts a step waited before the next one, which here takes no time."""
    attempts: list[int] = []

    def note(attempt: int, factor: float) -> float:
        attempts.append(attempt)
        return 0

    monkeypatch.setattr(sending, "pause", note)
    return attempts


# --- what is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sync", "async"])
def test_the_service_gets_the_body_and_who_asks_and_nothing_else_of_the_request(server, engine):
    graph = remote(server.url, engine=engine, headers={"X-A": 1})
    answer = graph.test(
        "/some/path", {"a": 1}, headers={"Authorization": "secret"}, event_id="e"
    )  # fmt: skip
    assert answer == {"got": {"a": 1}}
    (request,) = server.requests
    assert (request["method"], request["path"]) == ("POST", "/")
    headers = request["headers"]
    assert headers["mlrun-event-id"] == "e" and headers["mlrun-event-path"] == "/some/path"
    assert headers["x-a"] == "1" and headers["content-type"] == "application/json"
    assert "secret" not in str(headers) and "cookie" not in headers


@pytest.mark.parametrize(
    ("options", "method", "path"),
    [
        ({"subpath": "/v1"}, "POST", "/v1"),
        ({"subpath": "$path"}, "POST", "/ev/p"),
        ({"method": "put"}, "PUT", "/"),
        ({"url_expression": "endpoint + '/' + event['a']"}, "POST", "/x"),
        ({"subpath": "sub", "headers_expression": "{'x-a': event['a']}"}, "POST", "/sub"),
    ],
)
def test_where_to_is_said_in_many_ways(server, options, method, path):
    remote(server.url, **options).test("/ev/p", {"a": "x"})
    (request,) = server.requests
    assert (request["method"], request["path"]) == (method, path)
    assert ("x-a" in request["headers"]) == ("headers_expression" in options)


def test_the_method_is_the_requests_where_none_is_said(server):
    graph = remote(server.url)
    graph.test("/", {"a": 1}, "PUT")
    graph.test("/")
    graph.run([{"a": 1}])
    assert [request["method"] for request in server.requests] == ["PUT", "GET", "POST"]
    assert server.requests[1]["raw"] == b""


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"\x00\x01", b"\x00\x01"),
        ("héllo", "héllo".encode()),
        ({"a": [1, None]}, b'{"a": [1, null]}'),
        ({"a": np.int64(3)}, b'{"a": 3}'),
        ([], b"[]"),
    ],
)
def test_a_text_and_bytes_are_sent_as_they_are_and_all_else_as_json(server, body, sent):
    graph = remote(server.url, return_json=False)
    graph.test("/", body, "POST", content_type="text/plain")
    assert server.requests[0]["raw"] == sent


def test_rows_of_a_table_are_sent_as_json_with_nulls(server):
    table = pd.DataFrame({"age": [30.0, np.nan], "name": ["a", None]})
    run = remote(server.url).run(table)
    assert [request["body"] for request in server.requests if request["body"]["age"]] == [
        {"age": 30.0, "name": "a"}
    ]
    assert run.frame["response"].tolist()[1] == {"got": {"age": None, "name": None}}


def test_expressions_see_the_body_or_what_stands_at_a_path(server):
    graph = remote(server.url, body_expression="event['q'] + 1", input_path="req",
                   result_path="resp")  # fmt: skip
    event = {"req": {"q": 1}, "keep": 1}
    assert graph.test(body=event) == {"req": {"q": 1}, "keep": 1, "resp": {"got": 2}}
    assert event == {"req": {"q": 1}, "keep": 1}


def test_cookies_of_one_event_are_not_sent_with_another(server):
    server.answer = lambda request: (200, {}, ("Set-Cookie", "who=me; Path=/"))
    graph = remote(server.url)
    graph.run([1, 2])
    graph.run([3])
    assert all("cookie" not in request["headers"] for request in server.requests)


def test_redirects_are_followed(server):
    server.answer = lambda request: (
        (307, {}, ("Location", "/there")) if request["path"] == "/" else (200, request["path"])
    )
    assert remote(server.url).test(body={}) == "/there"


def test_a_step_may_be_made_before_it_is_added(server):
    graph = Graph("g")
    graph.to(mlrun.RemoteStep(server.url, name="echo", subpath="x")).respond()
    assert graph.test(body=1) == {"got": 1}
    assert server.requests[0]["path"] == "/x"


def test_events_of_a_batch_are_under_way_together_but_not_too_many(server):
    meeting = threading.Barrier(4)

    def meet(request):
        meeting.wait(10)
        return 200, request["body"]

    server.answer = meet
    run = remote(server.url, max_in_flight=4).run(list(range(16)))
    assert run.frame["response"].tolist() == list(range(16))
    assert server.most == 4


def test_a_server_that_is_not_to_be_trusted_is_sent_nothing(server, tmp_path, pauses):
    pem = tmp_path / "server.pem"
    pem.write_text(NOT_TRUSTED)
    graph = remote(server.speak_tls(pem))
    with pytest.raises(EventError, match="SSLCertVerificationError"):
        graph.test(body={"a": "secret"})
    assert not server.requests
    assert pauses == [], "it was asked again"


# --- what is answered -----------------------------------------------------------------------------


def test_an_answer_that_is_no_json_is_bytes_if_so_asked_and_else_an_error(server):
    server.answer = lambda request: (200, b"just text")
    assert remote(server.url, return_json=False).test(body=1) == b"just text"
    with pytest.raises(EventError, match=r"no JSON.*return_json=False"):
        remote(server.url).test(body=1)


def test_an_answer_that_says_it_is_json_is_read(server):
    assert remote(server.url, return_json=False).test(body=1) == {"got": 1}


@pytest.mark.parametrize("engine", ["sync", "async"])
@pytest.mark.parametrize("status", [404, 500])
def test_a_status_that_is_an_error_fails_for_its_event_only(server, engine, status):
    server.answer = lambda request: (
        (status, {"why": "so"}) if request["body"] == 1 else (200, request["body"])
    )
    graph = remote(server.url, engine=engine, retries=0)
    run = graph.run([0, 1, 2])
    assert run.frame["status"].tolist() == [200, 400, 200]
    with pytest.raises(EventError, match=f"was answered with status {status}.*why") as caught:
        graph.test(body=1)
    assert caught.value.__cause__.status_code == status


def test_an_event_that_cannot_be_sent_fails_alone(server):
    graph = remote(server.url, url_expression="event['url']")
    bodies = [{"url": server.url}, {"url": "ftp://x/"}, {}, {"url": None}, {"url": "http://["}]
    run = graph.run(bodies)
    assert run.frame["status"].tolist() == [200, 400, 400, 400, 400]
    assert len(server.requests) == 1


def test_a_body_that_is_no_json_fails_alone(server):
    graph = remote(server.url, body_expression="{1} if event else 0")
    run = graph.run([[], [1]])
    assert run.frame["status"].tolist() == [200, 400]
    assert "cannot be sent as JSON: TypeError: a set is no JSON" in run.frame["error"].tolist()[1]


# --- what is tried again --------------------------------------------------------------------------


def test_a_service_that_is_down_for_a_while_is_asked_again(server):
    server.answer = lambda request: (
        (503, {}) if len(server.requests) < 4 else (200, "up")
    )  # fmt: skip
    assert remote(server.url, backoff_factor=0.001).test(body=1) == "up"
    assert len(server.requests) == 4


def test_what_the_service_refuses_is_not_sent_again(server):
    server.answer = lambda request: (404, {})
    assert remote(server.url).test(body=1, get_body=False).status_code == 400
    assert len(server.requests) == 1


def test_what_takes_too_long_is_not_sent_again(server):
    given_up = threading.Event()

    def hang(request):
        given_up.wait()
        return 200, 1

    server.answer = hang
    with pytest.raises(EventError, match=r"not answered within 0\.5 seconds"):
        remote(server.url, timeout=0.5).test(body=1)
    given_up.set()
    assert len(server.requests) == 1


def test_nobody_waits_for_a_service_that_was_given_up(nowhere, pauses):
    run = remote(nowhere, retries=2, max_in_flight=1).run(list(range(50)))
    assert pauses == [0, 1], "more than the first event waited"
    assert (run.frame["status"] == 400).all()
    assert "came to no answer" in run.frame["error"].tolist()[0]


def test_a_service_that_was_given_up_and_is_there_again_is_asked_again(server):
    def one_is_bad(request):
        seen = sum(other["body"] == request["body"] for other in server.requests)
        return (500, {}) if request["body"] == 0 or seen < 2 else (200, seen)

    server.answer = one_is_bad
    step = {"retries": 1, "backoff_factor": 0, "max_in_flight": 1}
    assert remote(server.url, **step).run([1, 0]).frame["status"].tolist() == [200, 400]


def test_no_password_is_told(nowhere):
    url = nowhere.replace("//", "//user:hidden@")
    graph = remote(url, retries=0)
    with pytest.raises(EventError) as caught:
        graph.test(body=1)
    assert "hidden" not in str(caught.value) and "hidden" not in graph.nodes["r"].title


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "my-function"}, "name of a deployed function.*give its URL"),
        ({}, "a url or a url_expression"),
        ({"url": "http://x", "retries": -1}, "retries must be a number"),
        ({"url": "http://x", "max_in_flight": 0}, "max_in_flight must be a number"),
        ({"url": "http://x", "body_expression": "event["}, "body_expression .* no expression"),
        ({"url": "http://x", "headers": "no"}, "headers are a dict"),
    ],
)
def test_what_cannot_be_is_said_before_any_event(options, words):
    with pytest.raises(GraphError, match=words) as caught:
        remote(**options).test(body=1)
    assert not isinstance(caught.value, EventError)


# --- many of one event ----------------------------------------------------------------------------


def many(**options) -> Graph:
    graph = Graph("g")
    graph.to("BatchHttpRequests", name="b", **options).respond()
    return graph


def test_items_of_a_body_are_sent_at_once_and_answered_in_order(server):
    graph = many(
        url_expression="event['url']", body_expression="event['data']", input_path="req",
        result_path="resp",
    )  # fmt: skip
    items = [{"url": f"{server.url}/{n}", "data": n} for n in range(5)]
    answers = [{"got": n} for n in range(5)]
    assert graph.test(body={"req": items})["resp"] == answers
    run = graph.run([{"req": items[:2]}, {"req": []}, {"req": items[2:]}])
    found = [body["resp"] for body in run.frame["response"]]
    assert found == [answers[:2], [], answers[2:]]
    assert "mlrun-event-id" not in server.requests[0]["headers"]


def test_an_event_of_which_one_item_fails_fails(server):
    server.answer = lambda request: (
        ({3: 500, 4: 404}.get(request["body"], 200), request["body"])
    )  # fmt: skip
    run = many(url=server.url, retries=0).run([[1, 2], [3, 1], [4, 1], 5])
    assert run.frame["status"].tolist() == [200, 400, 200, 400]
    assert run.frame["response"].tolist()[2] == [4, 1], "as MLRun has it, a 404 is an answer here"
    assert "a list of requests" in run.frame["error"].tolist()[3]


def test_a_url_is_given_or_found_but_not_both():
    with pytest.raises(GraphError, match="not both"):
        many(url="http://x", url_expression="event").test(body=[])
