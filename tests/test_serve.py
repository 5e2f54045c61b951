"""`sie explore` as a server: who is answered, what, in which order, and what it costs. Fits are stand-ins."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import hypothesis
import psutil
import pytest
from conftest import PATIENCE
from hypothesis import strategies as st
from page_in_browser import SLOW_MS, opened, text

import sie
from sie.base.reading import data_folder
from sie.data.families import Prior
from sie.data.wording import hundredths
from sie.page.serving.admission import HEADERS
from sie.page.serving.questions import MOST_NAME, MOST_TOML, Question, read_question, refit
from sie.page.serving.server import ANSWERS_KEPT, MOST_BODY
from sie.page.serving.turns import MOST_WAITING, Answers, Busy, Superseded, Turns

STAND_IN = '''
import json, pathlib, sys, time, types
import sie

FOLDER, PADDING = pathlib.Path(sys.argv.pop(1)), "x" * int(sys.argv.pop(1))
fits = []

def view_payload(view, evidence, *, levels, seed=1, draws=4000, wide=False, mechanisms=(), folder=None, works=None, on_progress=None):
    """What was asked, and which fit of this server it is. The label says how the fit goes."""
    number = len(fits)
    fits.append(True)
    assert sum(fits) == 1, "two fits at a time"
    try:
        if view.label.startswith("held"):
            (FOLDER / "started").touch()
            while not (FOLDER / "released").exists():
                time.sleep(0.005)
        if view.label.startswith("diverges"):
            raise sie.NotConverged("found R-hat 1.2, want at most 1.01")
        if view.label.startswith("faulty"):
            raise ZeroDivisionError("a secret of the program")
        if view.label.startswith("no number"):
            return {"p": float("nan")}
    finally:
        fits[number] = False
    asked = {"levels": dict(levels), "seed": seed, "draws": draws, "wide": wide, "mechanisms": mechanisms, "rows": evidence.sizes["estimate"]}
    return {
        "view": view.name, "label": view.label, "speedup": view["speedup"].prior.numbers, "works": len(works),
        "folder": folder and str(folder), "fit": number, "padding": PADDING, **asked,
    }

def refitted(bench, view, *, levels, mechanisms):
    return view_payload(view, bench.evidence, levels=levels, mechanisms=mechanisms, works={})

def render(payloads, *, served):
    return json.dumps({"payloads": payloads, "served": served})

for name, functions in {"payload": (view_payload, refitted), "document": (render,)}.items():
    module = sys.modules[f"sie.page.{name}"] = types.ModuleType(f"sie.page.{name}")
    for function in functions:
        setattr(module, function.__name__, function)
from sie.cli import main
main()
'''
"""The command line with a fit and a page that take no time: arguments are a folder for signals, the letters of an answer beyond
what it says, and those of `sie`."""


@dataclass(kw_only=True)
class Client:
    """A tab of a browser: the address, and the cookie once there is one."""

    port: int
    token: str
    process: subprocess.Popen
    folder: object
    headers: dict = field(default_factory=dict)
    errors: str = ""
    """What the server wrote to standard error until it ended."""

    def ask(self, method, path, body=None, **headers):
        """The status, headers and text of an answer, whose headers are those that every answer must have."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {**self.headers, **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for name, value in HEADERS.items():
            assert answer.headers.get_all(name) == [value]
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        return answer.status, answer.headers, text

    def get(self, path="/", **headers):
        status, _, text = self.ask("GET", path, **headers)
        return status, text

    def post(self, /, **question):
        """An answer to a question, as JSON."""
        status, headers, text = self.ask("POST", "/answer", json.dumps(question))
        assert headers["Content-Type"] == "application/json"
        return status, json.loads(text)

    def enter(self):
        """Open the printed address."""
        status, headers, _ = self.ask("GET", f"/?token={self.token}")
        assert (status, headers["Location"]) == (303, "/")
        self.headers["Cookie"] = headers["Set-Cookie"].split(";")[0]
        return headers["Set-Cookie"]


@contextmanager
def serving(folder, *options, padding=0, browser="--no-browser", code=STAND_IN, **settings):
    """A server as a user starts it, ended by an interrupt, which must leave nothing."""
    before = [folder, padding] if code == STAND_IN else []
    command = [sys.executable, "-c", code, *before, "explore", *options, browser]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([str(part) for part in command], **pipes, **settings) as process:
        try:
            line = process.stdout.readline()
            printed = re.fullmatch(
                r"sie explore: http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43}) \(stop with Ctrl-C\)\n", line
            )
            assert printed, (line, process.stderr.read())
            yield (client := Client(port=int(printed[1]), token=printed[2], process=process, folder=folder))
            if browser == "--no-browser":
                assert psutil.Process(process.pid).children(recursive=True) == []
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=PATIENCE) == 130
            client.errors = process.stderr.read()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that many tests ask, with its one token used."""
    with serving(tmp_path_factory.mktemp("serve")) as client:
        client.enter()
        yield client


@pytest.fixture
def tab(server):
    """A client of it whose headers a test may change."""
    return Client(**{**vars(server), "headers": dict(server.headers)})


@pytest.fixture
def question(view_text):
    """question(label="mine"): a question that no other test asks."""

    def ask(**changes):
        label = changes.pop("label", "mine")
        asked.append(label)
        text = re.sub("^label.*", f'label = "{label} {len(asked)} {os.urandom(8).hex()}"', view_text)
        return {
            "toml": text,
            "name": "my_view",
            "levels": {},
            "mechanism": "",
            "whole": True,
            "session": "tab",
            "serial": len(asked),
            **changes,
        }

    asked = []
    return ask


# Who is answered


@pytest.mark.slow
def test_the_token_is_good_once_and_becomes_a_cookie_that_scripts_cannot_read(tmp_path):
    with serving(tmp_path) as client:
        wrong = client.token[:-1] + ("a" if client.token[-1] != "a" else "b")
        assert client.get(f"/?token={wrong}")[0] == 403
        assert client.ask("HEAD", f"/?token={client.token}")[0] == 403
        cookie = client.enter()
        name, value = re.match("([^=]+)=([^;]+)", cookie).groups()
        assert str(client.port) in name
        assert value != client.token
        assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
            "httponly",
            "samesite=strict",
            "path=/",
        }
        assert client.get()[0] == 200
        assert client.get(f"/?token={client.token}")[0] == 303  # by who has the cookie
        client.headers.clear()
        status, sentence = client.get(f"/?token={client.token}")
        assert (status, sentence.count("\n")) == (403, 1)
        assert "was used before" in sentence
        assert "start it again" in sentence


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/answer", "/nosuch", "/?token=", "/?token=%FF%00"])
@pytest.mark.parametrize(
    "cookie", [None, "", "sie_explore_{port}=", "sie_explore_{port}=\xff", "other={key}"]
)
def test_without_the_cookie_nothing_is_answered_but_a_sentence(tab, path, cookie):
    key = tab.headers.pop("Cookie").partition("=")[2]
    if cookie is not None:
        tab.headers["Cookie"] = cookie.format(port=tab.port, key=key)
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, text = tab.ask(method, path)
        assert (status, headers["Content-Type"]) == (403, "text/plain; charset=utf-8")
        assert re.fullmatch(r"[A-Z][^\n]+\.\n", text)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1:{port}.evil.example"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_hosts_and_other_sites_are_refused_even_with_the_cookie(tab, question, headers):
    headers = {name: value.format(port=tab.port) for name, value in headers.items()}
    assert tab.ask("POST", "/answer", json.dumps(question()), **headers)[0] == 403
    assert tab.ask("GET", "/", **headers)[0] == 403


def test_the_page_itself_may_ask(tab, question):
    for host in ("127.0.0.1", "localhost"):
        own = {
            "Host": f"{host}:{tab.port}",
            "Origin": f"http://{host}:{tab.port}",
            "Sec-Fetch-Site": "same-origin",
        }
        assert tab.ask("POST", "/answer", json.dumps(question()), **own)[0] == 200
    assert tab.ask("GET", "/", **{"Sec-Fetch-Site": "none"})[0] == 200


def test_only_the_loopback_address_is_served(server):
    others = {
        each.address
        for found in psutil.net_if_addrs().values()
        for each in found
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    }
    for address in (*others, *(["127.0.0.2"] if sys.platform == "linux" else [])):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, server.port), timeout=PATIENCE)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_reads_nothing(tab):
    ask = (
        "import encodings.idna, os, socket\n"  # what the other user's imports could not read
        "os.setgid(65534)\nos.setuid(65534)\n"
        f"for path in ('/', '/?token={tab.token}'):\n"
        f"    with socket.create_connection(('127.0.0.1', {tab.port})) as connection:\n"
        f"        head = 'GET ' + path + ' HTTP/1.1\\r\\nHost: 127.0.0.1:{tab.port}\\r\\nConnection: close\\r\\n\\r\\n'\n"
        "        connection.sendall(head.encode())\n"
        "        answer = connection.makefile().read()\n"
        "        print(os.getuid(), answer.split()[1], answer.splitlines()[-1])\n"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("65534 403 Open the address that sie explore printed")
    assert second.startswith("65534 403 This address was used before.")


@pytest.mark.slow
def test_two_servers_have_cookies_of_different_names(server, tmp_path):
    with serving(tmp_path) as other:
        assert other.enter().split("=")[0] != server.headers["Cookie"].split("=")[0]
        other.headers["Cookie"] += f"; {server.headers['Cookie']}"
        assert other.get()[0] == 200


# What is answered


def test_the_page_has_the_payload_of_the_view(tab):
    status, headers, text = tab.ask("GET", "/")
    page = json.loads(text)
    assert (status, headers["Content-Type"], page["served"]) == (200, "text/html; charset=utf-8", True)
    [payload] = page["payloads"]
    assert (payload["view"], payload["levels"], payload["fit"]) == ("reference", {}, 0)


def test_other_addresses_and_methods_are_refused_in_a_sentence(tab):
    assert tab.get("/favicon.ico") == (204, "")
    for path in ("/nosuch", "/answer/", "/static/../../etc/passwd", "/%2e%2e/secret", "//"):
        assert tab.get(path) == (404, "Nothing is at this address; the page of sie explore is at /.\n")
    for method, path in (
        ("GET", "/answer"),
        ("PUT", "/answer"),
        ("POST", "/"),
        ("DELETE", "/"),
        ("OPTIONS", "/answer"),
    ):
        status, headers, text = tab.ask(method, path)
        assert (status, text.count("\n"), headers["Content-Type"]) == (405, 1, "text/plain; charset=utf-8")


def test_an_edited_view_is_read_as_the_command_line_does_and_answered(tab, question):
    asked = question(levels={"SAT solvers": "epoch"}, name="davidson_2025")
    asked["toml"] = asked["toml"].replace('family  = "lognormal"', 'family = "lognormal"')
    view = sie.read_view("davidson_2025")
    asked["toml"] = sie.to_toml(view.replace(speedup=sie.lognormal(4, 9))).replace(
        f"{view.label}, edited", f"mine {asked['serial']}"
    )
    status, payload = tab.post(**asked)
    assert (status, payload["view"], payload["label"]) == (200, "davidson_2025", f"mine {asked['serial']}")
    assert payload["speedup"] == [4, 9]
    assert payload["levels"] == {"SAT solvers": "epoch"}
    assert (payload["seed"], payload["draws"], payload["wide"], payload["folder"]) == (1, 4000, False, None)
    assert payload["works"] == len(sie.read_sources())


def test_an_answer_is_kept_for_the_same_view_and_levels_alone(tab, question):
    asked = question()
    first = tab.post(**asked)[1]["fit"]
    assert tab.post(**asked | {"serial": 1000, "session": "another"})[1]["fit"] == first
    assert tab.post(**asked | {"levels": {"SAT solvers": "epoch"}})[1]["fit"] == first + 1
    assert tab.post(**asked | {"name": "other"})[1]["fit"] == first + 2
    assert tab.post(**asked | {"mechanism": "no_bottleneck"})[1]["fit"] == first + 3
    for _ in range(ANSWERS_KEPT):
        tab.post(**question())
    assert tab.post(**asked)[1]["fit"] == first + 4 + ANSWERS_KEPT


def test_a_fit_holds_the_mechanism_that_is_asked_for_and_the_page_all(tab, question):
    [page] = json.loads(tab.get()[1])["payloads"]
    assert (page["mechanisms"], page["wide"]) == (None, True)
    assert tab.post(**question(whole=True))[1]["mechanisms"] is None
    assert tab.post(**question(whole=False))[1]["mechanisms"] == []
    one = question(whole=False, mechanism="no_bottleneck")
    assert tab.post(**one)[1]["mechanisms"] == ["no_bottleneck"]
    status, answer = tab.post(**question(mechanism="luck"))
    assert (status, list(answer)) == (422, ["problem"])
    assert answer["problem"].startswith("request mechanism: found 'luck', want one of")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"toml": "label = "}, "my_view.toml: found a TOML syntax error"),
        ({"toml": "a." * 5000 + "a = 1"}, "my_view.toml line 1: found a key of many parts"),
        ({"toml": "a = " + "[" * 50_000}, "my_view.toml: found a TOML syntax error"),
        ({"toml": "label = 'x'\nsource = 'sie_project'\nreflects = []\n"}, "[r_typical]: found nothing"),
        (
            {"toml": "#" * (MOST_TOML + 1)},
            f"my_view.toml: found {MOST_TOML + 1} bytes, want at most {MOST_TOML}",
        ),
        ({"name": "../../etc/passwd"}, "the name of a view: found '../../etc/passwd'"),
        ({"name": "/etc/passwd"}, "the name of a view: found '/etc/passwd'"),
        ({"name": ".hidden"}, "the name of a view: found '.hidden'"),
        ({"name": ""}, "request name: found nothing"),
        ({"label": "diverges"}, "found R-hat 1.2, want at most 1.01"),
    ],
)
def test_a_view_that_is_refused_is_refused_in_the_words_of_the_command_line(tab, question, changes, problem):
    status, answer = tab.post(**question(**changes))
    assert (status, list(answer)) == (400 if changes.get("name") == "" else 422, ["problem"])
    assert problem in answer["problem"]
    assert answer["problem"].isprintable()


def test_a_problem_is_that_of_the_command_line(tab, question, tmp_path):
    text = question()["toml"].replace('"lognormal"', '"log-normal"', 1)
    path = tmp_path / "my_view.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(sie.DataError) as caught:
        sie.read_view(path)
    assert tab.post(**question(toml=text)) == (422, {"problem": str(caught.value)})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"toml": 1}, "request toml: found 1, want the text of a view file"),
        ({"name": "x" * (MOST_NAME + 1)}, "request name: found 'xxx"),
        ({"name": "a\nb"}, "request name: found 'a\\nb'"),
        ({"name": ["a"]}, "request name"),
        ({"mechanism": None}, "request mechanism: found nothing"),
        ({"levels": []}, "request levels: found [], want levels by domain"),
        ({"levels": {"SAT solvers": 1}}, "request levels"),
        ({"session": None}, "request session"),
        ({"session": "x" * 10_000}, "request session"),
        ({"serial": -1}, "request serial"),
        ({"serial": True}, "request serial"),
        ({"serial": 1.5}, "request serial"),
        ({"serial": "1"}, "request serial"),
        ({"draws": 10**6}, "request draws: found an unknown key"),
    ],
)
def test_a_request_of_other_types_is_refused_in_one_line(tab, question, changes, problem):
    status, answer = tab.post(**question() | changes)
    assert (status, list(answer)) == (400, ["problem"])
    assert answer["problem"].startswith(problem)
    assert answer["problem"].isprintable()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"1", b"\xff", b'{"serial": NaN}', b'{"serial": 1e999}', b'"\\ud800"'),
        *(
            b"[" * 100_000,
            b'{"a":' * 40_000,
            b'{"serial": ' + b"9" * 100_000 + b"}",
            b'{"name": 1, "name": 2}',
        ),
    ],
)
def test_what_is_no_json_is_refused_in_one_line(tab, body):
    status, _, text = tab.ask("POST", "/answer", body)
    problem = json.loads(text)["problem"]
    assert status == 400
    assert problem.startswith("request")
    assert problem.isprintable()


def test_a_larger_request_is_refused_by_what_it_says_and_while_it_is_read(tab):
    head = f"POST /answer HTTP/1.1\r\nHost: 127.0.0.1:{tab.port}\r\nCookie: {tab.headers['Cookie']}\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = {
        "as it says": f"{head}Content-Length: {MOST_BODY + 1}\r\n\r\n".encode(),
        "as it is": f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * (MOST_BODY // 0x10000 + 1),
    }
    for request in sent.values():
        with socket.create_connection(("127.0.0.1", tab.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 413"
    status, _, text = tab.ask("POST", "/answer", b"x" * (MOST_BODY + 1))
    assert (status, json.loads(text)) == (
        413,
        {"problem": f"request: found more bytes, want at most {MOST_BODY}"},
    )
    assert tab.ask("POST", "/answer", b" " * MOST_BODY)[0] == 400


@pytest.mark.parametrize("label", ["faulty", "no number"])
def test_a_fault_is_answered_without_its_details_and_the_next_view_is_served(tab, question, label):
    status, answer = tab.post(**question(label=label))
    assert status == 500
    assert answer["problem"].startswith("sie explore: found a fault of the program")
    assert "secret" not in answer["problem"]
    assert tab.post(**question())[0] == 200


# In which order


def held(client, question):
    """Start a fit that lasts until `released`, by a session of its own."""
    for name in ("started", "released"):
        (client.folder / name).unlink(missing_ok=True)
    thread, answers = asking(client, question(label="held", session="first"))
    waiting_for((client.folder / "started").exists)
    return thread, answers


def sent(client, question):
    """A connection on which a question has reached the server."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=PATIENCE)
    connection.request("POST", "/answer", json.dumps(question), client.headers)
    client.get()  # came later, and is answered
    return connection


def asking(client, question):
    """A question that has reached the server, a thread that waits for its answer, and the list that the answer will be in."""
    connection, answers = sent(client, question), []

    def read():
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read())))
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    return thread, answers


def waiting_for(happened):
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_of_a_session_only_the_latest_waiting_request_is_fitted(tab, question):
    first, first_answer = held(tab, question)
    old, old_answer = asking(tab, question(session="tab"))
    new, new_answer = asking(tab, question(session="tab"))
    old.join(PATIENCE)
    assert old_answer == [(409, {"problem": "superseded"})]
    other, other_answer = asking(tab, question(session="other tab"))
    late = question(session="tab", serial=0)
    assert tab.post(**late) == (409, {"problem": "superseded"})  # overtaken on its way
    assert tab.get()[0] == 200  # while the first fit is running
    assert not new_answer
    assert not other_answer
    (tab.folder / "released").touch()
    for thread in (first, new, other):
        thread.join(PATIENCE)
    fits = [answers[0][1]["fit"] for answers in (first_answer, new_answer, other_answer)]
    assert fits == [fits[0], fits[0] + 1, fits[0] + 2]


def test_an_answer_that_is_kept_waits_for_no_fit_and_supersedes_what_waits(tab, question):
    kept = question(session="tab")
    tab.post(**kept)
    first, _ = held(tab, question)
    old, old_answer = asking(tab, question(session="tab"))
    assert tab.post(**kept | {"serial": 10**6})[0] == 200
    old.join(PATIENCE)
    assert old_answer == [(409, {"problem": "superseded"})]
    (tab.folder / "released").touch()
    first.join(PATIENCE)


def test_two_sessions_that_ask_the_same_at_a_time_share_a_fit(tab, question):
    first, first_answer = held(tab, question)
    asked = question(session="tab")
    threads = [asking(tab, asked | {"session": f"tab {n}"}) for n in range(3)]
    (tab.folder / "released").touch()
    for thread, _ in [(first, None), *threads]:
        thread.join(PATIENCE)
    assert {answers[0][1]["fit"] for _, answers in threads} == {first_answer[0][1]["fit"] + 1}


def test_who_went_away_before_the_turn_came_is_not_fitted_for(tab, question):
    before = tab.post(**question())[1]["fit"]
    first, _ = held(tab, question)
    sent(tab, question(session="gone")).close()
    tab.get()
    (tab.folder / "released").touch()
    first.join(PATIENCE)
    assert tab.post(**question())[1]["fit"] == before + 2


def in_turns(requests, *, turns):
    """The order in which requests (session, serial) that come while one runs get their turn, and what becomes of the others."""
    order, refused = [], {}

    async def ask(session, serial, done=None):
        try:
            async with turns.turn(session, serial):
                order.append((session, serial))
                if done is not None:
                    await done.wait()
        except (Superseded, Busy) as error:
            refused[session, serial] = type(error)

    async def run():
        done = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "running", 0, done)
            await anyio.wait_all_tasks_blocked()
            for session, serial in requests:
                group.start_soon(ask, session, serial)
                await anyio.wait_all_tasks_blocked()
            done.set()

    anyio.run(run)
    return order[1:], refused


def test_a_session_that_asks_often_keeps_its_place_and_takes_no_other():
    requests = [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("c", 1), ("a", 3)]
    order, refused = in_turns(requests, turns=Turns())
    assert order == [("a", 3), ("b", 2), ("c", 1)]
    assert refused == dict.fromkeys([("a", 1), ("a", 2), ("b", 1)], Superseded)


def test_a_request_that_comes_late_is_refused_and_one_of_the_same_number_is_taken():
    order, refused = in_turns([("a", 2), ("a", 1), ("b", 1), ("b", 1), ("running", -1)], turns=Turns())
    assert order == [("a", 2), ("b", 1)]
    assert refused == dict.fromkeys([("a", 1), ("b", 1), ("running", -1)], Superseded)


def test_so_many_sessions_wait_and_nothing_is_kept_of_them():
    turns = Turns()
    for _ in range(3):
        order, refused = in_turns([(f"tab {n}", n) for n in range(MOST_WAITING + 5)], turns=turns)
        assert len(order) == MOST_WAITING
        assert list(refused.values()) == [Busy] * 5
        assert len(turns) == 0


def test_a_cancelled_request_leaves_the_queue_and_passes_its_turn_on():
    async def run():
        turns, order = Turns(), []

        async def ask(session, scope):
            with scope:
                async with turns.turn(session, 1):
                    order.append(session)
                    await anyio.sleep_forever()

        async with anyio.create_task_group() as group:
            scopes = {name: anyio.CancelScope() for name in "abc"}
            for name, scope in scopes.items():
                group.start_soon(ask, name, scope)
                await anyio.wait_all_tasks_blocked()
            for name in "bac":
                scopes[name].cancel()
                await anyio.wait_all_tasks_blocked()
        return order, len(turns)

    assert anyio.run(run) == (["a", "c"], 0)


def test_answers_are_kept_up_to_a_number_and_a_size():
    answers = Answers(most=3, most_bytes=100)
    for key in (b"a", b"b", b"c"):
        answers.keep(key, key * 10)
    assert answers.get(b"a") == b"a" * 10
    answers.keep(b"d", b"d" * 10)
    assert [answers.get(key) is not None for key in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    answers.keep(b"e", b"e" * 90)
    assert [answers.get(key) is not None for key in (b"a", b"c", b"d", b"e")] == [False, False, True, True]
    answers.keep(b"f", b"f" * 101)
    assert [answers.get(key) for key in (b"d", b"e", b"f")] == [None, None, None]


# What it costs, and the command


@pytest.mark.slow
def test_memory_stays_flat_over_tabs_sessions_and_edits(tmp_path, question):
    with serving(tmp_path, padding=2**20) as client:
        client.enter()
        process = psutil.Process(client.process.pid)
        for edit in range(100):  # until the kept answers are as many as there will be
            client.post(**question(session=f"tab {edit % 2}"))
        before, threads = process.memory_info().rss, process.num_threads()
        for edit in range(500):
            assert client.post(**question(session=f"tab {edit % 2}"))[0] == 200
        for session in range(30):
            for _ in range(3):
                assert client.post(**question(session=f"session {session}"))[0] == 200
        assert process.memory_info().rss - before < 50 * 2**20
        assert process.num_threads() <= threads


@pytest.mark.slow
@pytest.mark.timed
def test_a_question_costs_little_beside_its_fit(tmp_path, question):
    with serving(tmp_path, padding=2**20) as client:
        client.enter()
        seconds = []
        for _ in range(100):
            asked, start = question(), time.perf_counter()
            client.post(**asked)
            seconds.append(time.perf_counter() - start)
        assert sorted(seconds)[95] < 0.04


@pytest.mark.slow
def test_an_interrupt_ends_it_at_once_in_the_middle_of_a_fit_and_leaves_no_file(tmp_path, question):
    places = {name: tmp_path / name for name in ("signals", "cwd", "tmp")}
    for place in places.values():
        place.mkdir()
    with serving(
        places["signals"], cwd=places["cwd"], env={**os.environ, "TMPDIR": str(places["tmp"])}
    ) as client:
        client.enter()

        def ask():
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                client.post(**question(label="held"))

        thread = threading.Thread(target=ask)
        thread.start()
        waiting_for((places["signals"] / "started").exists)
    thread.join(PATIENCE)
    assert client.errors == "sie explore: the first fit\nsie: interrupted\n"
    assert [*places["cwd"].iterdir(), *places["tmp"].iterdir()] == []


@pytest.mark.slow
def test_a_copy_of_a_bundled_view_is_served_as_the_file_that_it_is(tmp_path):
    bundled = sie.read_view("reference")
    text = sie.to_toml(bundled.replace(speedup=sie.lognormal(4, 9)))
    (tmp_path / "reference.toml").write_text(text, encoding="utf-8")
    with serving(tmp_path, "./reference.toml", "--levels", "SAT solvers=epoch", cwd=tmp_path) as client:
        client.enter()
        [payload] = json.loads(client.get()[1])["payloads"]
    assert (payload["view"], payload["label"]) == (bundled.name, f"{bundled.label}, edited")
    assert payload["speedup"] == [4, 9] != list(bundled["speedup"].prior.numbers)
    assert payload["levels"] == {"SAT solvers": "epoch"}


@pytest.mark.slow
def test_a_folder_of_evidence_is_that_of_every_fit(tmp_path, evidence_copy, question):
    with serving(tmp_path, "--evidence", evidence_copy) as client:
        client.enter()
        [payload] = json.loads(client.get()[1])["payloads"]
        assert payload["folder"] == client.post(**question())[1]["folder"] == str(evidence_copy)


@pytest.mark.slow
def test_the_browser_is_opened_at_the_printed_address(tmp_path):
    opened = tmp_path / "opened"
    record = tmp_path / "browser"
    record.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    record.chmod(0o755)
    with serving(tmp_path, browser="--port=0", env={**os.environ, "BROWSER": f"{record} %s"}) as client:
        waiting_for(opened.exists)
        assert opened.read_text() == f"http://127.0.0.1:{client.port}/?token={client.token}"


@pytest.fixture
def explore(command, monkeypatch):
    """The command in this process, whose fit must not be reached."""
    for name, function in {"payload": "view_payload", "document": "render"}.items():
        module = types.ModuleType(f"sie.page.{name}")
        setattr(module, function, lambda *args, **options: pytest.fail("something ran"))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return lambda *args: command("explore", "--no-browser", *args)


def refusal(answer):
    code, out, err = answer
    assert (code, out, err.count("\n")) == (2, "", 1)
    return err


def test_bad_arguments_are_refused_in_one_line(explore, tmp_path, write_view, view_text):
    assert "found 'nosuch', want a path ending in .toml or one of" in refusal(explore("nosuch"))
    assert "nosuch.toml: found no such file" in refusal(explore("nosuch.toml"))
    assert "--port: found 99999, want a number from 0 to 65535" in refusal(explore("--port", "99999"))
    assert "--port: found -1" in refusal(explore("--port", "-1"))
    assert "--levels luck: found 'x'" in refusal(explore("--levels", "luck=x"))
    assert "levels SAT solvers: found 'series'" in refusal(explore("--levels", "SAT solvers=series"))
    assert "found no such f" in refusal(explore("--evidence", tmp_path / "nosuch"))
    path = write_view(view_text.replace('"lognormal"', '"log-normal"', 1))
    assert "family: found 'log-normal'" in refusal(explore(path))
    path = write_view(re.sub(r"(?s)\nreflects = \[.*?\]", '\nreflects = ["luck"]', view_text, count=1))
    assert "reflects: found 'luck'" in refusal(explore(path))


def test_a_port_in_use_is_refused_before_anything_is_read(explore):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(explore("nosuch", "--port", port)) == (
            f"--port {port}: found Address already in use, want a port that is free\n"
        )


ASKED = {
    "toml": "x",
    "name": "my_view",
    "levels": {"a": "b"},
    "mechanism": "",
    "whole": True,
    "session": "s",
    "serial": 17,
}


def test_a_question_is_read_back():
    assert vars(read_question(json.dumps(ASKED).encode())) == ASKED


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@pytest.mark.slow
@hypothesis.given(
    st.binary()
    | st.fixed_dictionaries({}, optional=dict.fromkeys(ASKED, VALUES)).map(
        lambda some: json.dumps(ASKED | some).encode()
    )
)
def test_any_request_is_a_question_or_refused_in_one_line(body):
    try:
        found = read_question(body)
    except sie.DataError as error:
        found = str(error)
    assert isinstance(found, Question) or found.isprintable()


@pytest.mark.slow
def test_an_answer_has_the_numbers_of_a_report(command, tmp_path):
    toml = sie.to_toml(sie.read_view("davidson_2025").replace(speedup=sie.lognormal(4, 9)))
    levels = {"SAT solvers": "epoch"}
    asked = Question(
        toml=toml, name="my_view", levels=levels, mechanism="", whole=True, session="tab", serial=1
    )
    answer = json.loads(
        refit(asked, bench=sie.Workbench(sie.read_evidence(), seed=1), folder=None, works=sie.read_sources())
    )
    path, report = tmp_path / "my_view.toml", tmp_path / "report.json"
    path.write_text(toml, encoding="utf-8")
    code, _, err = command("report", path, "--draws", 4000, "--levels", "SAT solvers=epoch", "--json", report)
    assert (code, err) == (0, "")
    reported = json.loads(report.read_text())["views"][0]["credences"]
    assert len(reported) == 2 * len(answer["events"])
    for row in reported:
        assert answer["answers"][row["given"]]["p"][row["event"]] == pytest.approx(
            [row["p"], row["mcse"]], rel=1e-12
        )


def test_a_view_parsed_from_its_text_is_the_one_that_is_read_from_its_file():
    from sie.data.priors import parse_view

    for name in sie.view_names():
        path = data_folder("priors") / f"{name}.toml"
        parsed, read = parse_view(name, path.read_text(encoding="utf-8")), sie.read_view(name)
        assert parsed.path is None
        assert vars(parsed) | {"path": path} == vars(read)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package as its wheel holds it, away from the repository."""
    root, folder = Path(__file__).parents[1], tmp_path_factory.mktemp("wheel")
    if shutil.which("uv") is None or not (root / "pyproject.toml").is_file():
        pytest.skip("no uv, or no repository to build from")
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", folder, root], check=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("sie/")}
        archive.extractall(folder)
    package = root / "model"
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {path.relative_to(package).as_posix() for path in files} <= held
    return folder


@pytest.mark.long
@pytest.mark.slow
def test_a_page_served_from_a_wheel_is_refitted_beyond_its_draws_as_a_report_would_be(
    installed, browser, evidence
):
    settings = {"cwd": installed, "env": {**os.environ, "PYTHONPATH": str(installed)}}
    code = f"import sie\nassert sie.__file__.startswith({str(installed)!r})\nfrom sie.cli import main\nmain()"
    with serving(installed, "reference", code=code, **settings) as client:
        address = f"http://127.0.0.1:{client.port}/"
        page = opened(browser, f"{address}?token={client.token}")
        assert page.url.partition("#")[0] == address
        assert page.evaluate("[document.cookie, location.search, document.referrer]") == ["", "", ""]
        assert text(page, "bar-how") == "the view as it stands"
        page.locator("#q-r_typical input[type=number]").nth(0).fill("2.9")
        page.locator("#bar-how", has_text="refitted").wait_for()
        shown = text(page, "bar-p")
        page.reload()
        page.locator("#bar-how", has_text="refitted").wait_for()
        assert text(page, "bar-p") == shown
        assert page.said == []
        outside = [url for url in page.requests if not url.startswith((address, "data:", "blob:"))]
        assert outside == []
        other = browser.new_context()
        answers = [
            other.new_page().goto(url, timeout=SLOW_MS)
            for url in (address, f"{address}?token={client.token}")
        ]
        assert [answer.status for answer in answers] == [403, 403]
        other.close()
        page.close()
    view = sie.read_view("reference")
    of = view["r_typical"].prior
    edited = view.replace(r_typical=Prior(family=of.family, numbers=(2.9, of.numbers[1])))
    p = sie.Workbench(evidence, seed=1).refit(edited).credences["evidence"].p
    assert shown == f"{hundredths(float(p.sel(event='r_above_1')))} %"


@pytest.mark.slow
def test_a_served_page_opens_other_levels_and_files_of_ones_own(tmp_path, browser):
    author = sie.read_view("davidson_2025")
    own = author.replace(capabilities=sie.lognormal(1.2, 2.0))
    (tmp_path / "davidson_2025.toml").write_text(sie.to_toml(own), encoding="utf-8")
    (tmp_path / "bad.toml").write_text('label = "</script><script>alert(1)</script>"\n', encoding="utf-8")
    code = "from sie.cli import main\nmain()"
    with serving(tmp_path, "davidson_2025", code=code, cwd=tmp_path) as client:
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(SLOW_MS)
        page.goto(f"http://127.0.0.1:{client.port}/?token={client.token}")
        page.wait_for_selector("body.ready")
        before = text(page, "bar-p")
        page.locator("#levels label", has_text="language models").locator("select").select_option("published")
        page.locator("#bar-how", has_text="1 domain at another level").wait_for()
        assert text(page, "bar-p") != before
        page.click("#undo")
        assert (text(page, "bar-p"), text(page, "bar-how")) == (before, "the view as it stands")
        page.set_input_files("#own-file", tmp_path / "davidson_2025.toml")
        page.locator("#view option", has_text="from a file").wait_for(state="attached")
        assert page.locator("#q-capabilities input[type=number]").nth(1).input_value() == "2"
        shown = text(page, "bar-p")
        assert shown != before
        page.click("#event-gain_500x")
        page.click("#event-r_above_1")
        page.locator("#q-capabilities input[type=number]").nth(1).fill("2.1")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 400)))")
        address, edited = page.evaluate("location.href"), text(page, "bar-p")
        later = context.new_page()
        later.set_default_timeout(SLOW_MS)
        later.goto(address)
        later.locator("#bar-how", has_text="1 prior edited").wait_for()
        assert later.locator("#view option", has_text="from a file").count() == 1
        assert abs(float(text(later, "bar-p").split()[0]) - float(edited.split()[0])) < 8
        page.set_input_files("#own-file", tmp_path / "bad.toml")
        page.locator("#problem", has_text="bad.toml").wait_for()
        assert "found nothing, want" in text(page, "problem")
        context.close()


CROWDED = "import sie.page.serving.server as server\nserver.MOST_CONNECTIONS, server.SECONDS_FOR_A_REQUEST = 4, 1.0\nfrom sie.cli import main\nmain()"


@pytest.mark.slow
def test_connections_that_ask_for_nothing_keep_nobody_out_and_are_ended(tmp_path):
    with serving(tmp_path, "davidson_2025", code=CROWDED) as tab:
        idle = [socket.create_connection(("127.0.0.1", tab.port), PATIENCE) for _ in range(40)]
        for each in idle[::2]:
            with suppress(OSError):
                each.sendall(b"POST /answer HTTP/1.1\r\nHost: x\r\n")
        tab.enter()
        assert tab.get()[0] == 200
        for each in idle:
            with each, suppress(ConnectionResetError):
                assert each.recv(1) == b""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limits of this kind")
def test_many_connections_where_few_files_may_be_open_make_no_noise(tmp_path):
    import resource

    few = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))}
    with serving(tmp_path, "davidson_2025", **few) as tab:
        idle = [socket.create_connection(("127.0.0.1", tab.port), PATIENCE) for _ in range(120)]
        tab.enter()
        assert tab.get()[0] == 200
        for each in idle:
            each.close()
    assert tab.errors.splitlines() == ["sie explore: the first fit", "sie: interrupted"]
