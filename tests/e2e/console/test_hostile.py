"""What attackers try on a console: texts that are markup, forms of other sites, sessions that were fixed, places that lead away."""

from __future__ import annotations

import re
import socket
import ssl
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import BrowserContext, expect

from tests.e2e.console.house import House, sign_in
from tests.e2e.console.raw import COOKIE, Raw
from tests.e2e.console.test_holds import card, hold

MARKUP = "<img src=x onerror=hacked(1)><script>hacked(2)</script>'\"><svg/onload=hacked(3)>{{7*7}}${7*7}</pre></style>"
PAGES = ("/holds", "/decisions", "/sessions", "/policies", "/audit", "/health")


@pytest.fixture
def dora(house: House) -> Raw:
    client = Raw(house)
    assert client.sign_in("dora").status == 303
    return client


def test_texts_of_strangers_are_texts_on_every_page(house: House, context: BrowserContext) -> None:
    calls: list[str] = []
    context.expose_function("hacked", lambda which: calls.append(str(which)))
    page = sign_in(context, house, "dora")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    # The command, the client's name of itself, the name of somebody who wants to sign in, a reason.
    process, ticket = hold(house, f"UPDATE app.orders SET status = $a${MARKUP}$a$ WHERE id = 11")
    house.psql(
        f"UPDATE app.orders SET amount = 1 WHERE id = 12 /* {MARKUP} */",
        application_name=f"'{MARKUP[:60]}'".replace("'", ""),
    )
    Raw(house).sign_in(MARKUP, "wrong")
    house.run(f'SELECT 1 AS "{MARKUP[:50].replace(chr(34), "")}"')
    shown = page.locator(f"#{ticket}")
    expect(shown.locator("pre.command")).to_contain_text(MARKUP)
    page.goto(f"{house.url}/holds/{ticket}")
    page.get_by_label("Reason").fill(MARKUP)
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator("blockquote")).to_have_text(MARKUP)
    assert MARKUP in process.communicate(timeout=90)[1]
    for place in (*PAGES, f"/holds/{ticket}", f"/decisions?text={quote(MARKUP)}", f"/holds?said={quote(MARKUP)}"):
        page.goto(f"{house.url}{place}")
        assert page.locator("img, svg[onload], main script").count() == 0, place
    page.goto(f"{house.url}/decisions")
    for place in [str(link.get_attribute("href")) for link in page.locator("tbody a").all()[:3]]:
        page.goto(f"{house.url}{place}")
        assert page.locator("img, main script").count() == 0, place
    page.goto(f"{house.url}/sessions?step=refused")
    expect(page.locator("tbody").last).to_contain_text("<img src=x")
    assert (calls, errors) == ([], [])


def test_what_a_screen_would_not_show_is_shown(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    text = "UPDATE app.orders SET status = '\u202edrow\u202c \x1b[2Kx\u200b p\u0430ypal' WHERE id = 13"
    _, ticket = hold(house, text)
    shown = page.locator(card(page, ticket))
    marks = shown.locator(".odd").all_text_contents()
    assert marks == ["U+202E", "U+202C", "U+001B", "U+200B", "\u0430"]
    expect(shown.locator(".odd").first).to_have_attribute("title", "RIGHT-TO-LEFT OVERRIDE")
    expect(shown).to_contain_text("5 characters in it would not show as what they are")


def test_a_form_counts_only_from_our_own_page_and_session(house: House, dora: Raw) -> None:
    process, ticket = hold(house, "UPDATE app.orders SET amount = 9 WHERE id = 14")
    place, token = f"/holds/{ticket}/approve", dora.get("/holds").csrf
    emil = Raw(house)
    emil.sign_in("emil")
    foreign = emil.get("/holds").csrf
    for form, headers in (
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": "x" * 43}, {}),
        ({"csrf": foreign}, {}),
        ({"csrf": token}, {"Origin": "https://evil.example"}),
        ({"csrf": token}, {"Origin": "null"}),
        ({"csrf": token}, {"Origin": house.url.replace("https", "http")}),
        ({"csrf": token}, {"Sec_Fetch_Site": "cross-site"}),
        ({"csrf": token}, {"Sec_Fetch_Site": "same-site"}),
        ({"csrf": token}, {"Sec_Fetch_Site": "none"}),
        ({"csrf": token}, {"Content_Type": "text/plain"}),
        ({"csrf": token}, {"Content_Type": "multipart/form-data; boundary=x"}),
        ({"csrf": token}, {"Content_Type": "application/json"}),
    ):
        assert dora.post(place, form, **headers).status in (403, 415), (form, headers)
    # Who says not where it comes from is no browser.
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    assert dora.ask("POST", place, f"csrf={token}", sent).status == 403
    assert dora.ask("POST", place, f"csrf={foreign}&csrf={token}", {**sent, "Origin": house.url}).status == 403
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert dora.ask(method, f"{place}?csrf={token}").status == 405
    assert Raw(house).post(place, {"csrf": token}).status == 403
    assert process.poll() is None, "nothing of that decided anything"
    assert dora.post(place, {"csrf": token}).status == 303
    assert process.communicate(timeout=90)[0] == "UPDATE 1\n"


def test_another_site_cannot_sign_a_browser_in(house: House) -> None:
    client = Raw(house)
    token = client.get("/sign-in").csrf
    form = {"csrf": token, "name": "dora", "secret": house.secrets["dora"]}
    assert client.post("/sign-in", form, Origin="https://evil.example").status == 403
    assert Raw(house).post("/sign-in", form).status == 403, "the form belongs to the browser that loaded it"
    assert client.post("/sign-in", {**form, "csrf": "other"}).status == 403
    assert COOKIE not in client.cookies


def test_a_session_has_a_new_value_that_only_the_browser_has(house: House) -> None:
    client = Raw(house)
    client.cookies[COOKIE] = "fixed-by-somebody"
    assert client.get("/holds").status == 303
    answer = client.sign_in("dora")
    line = next(one for one in answer.all("set-cookie") if one.startswith(f"{COOKIE}="))
    assert client.cookies[COOKIE] != "fixed-by-somebody"
    for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        assert word in line
    assert "Domain" not in line
    first = client.cookies[COOKIE]
    token = client.get("/holds").csrf
    page = Raw(house, dict(client.cookies))
    page.cookies.pop(COOKIE)
    # Signing in once more in the same browser ends the first session.
    again = Raw(house, dict(client.cookies))
    again.cookies[f"{COOKIE}-form"] = "x" * 20
    form = {"csrf": "x" * 20, "name": "dora", "secret": house.secrets["dora"]}
    assert again.post("/sign-in", form).status == 303
    assert again.cookies[COOKIE] != first
    assert client.get("/holds").status == 303, "the first is over"
    assert Raw(house, {COOKIE: again.cookies[COOKIE]}).get("/holds").status == 200
    assert again.get("/holds").csrf != token


def test_signing_out_ends_the_session_on_our_side(house: House, dora: Raw) -> None:
    stolen = Raw(house, dict(dora.cookies))
    assert stolen.get("/holds").status == 200
    assert dora.post("/sign-out", {"csrf": "wrong"}).status == 403
    assert stolen.get("/holds").status == 200
    assert dora.post("/sign-out", {"csrf": dora.get("/holds").csrf}).status == 303
    assert stolen.get("/holds").status == 303
    assert stolen.get("/events?topic=holds").status == 403


def test_a_wrong_name_and_a_wrong_secret_look_the_same(house: House) -> None:
    answers = [Raw(house).sign_in(name, "wrong") for name in ("dora", "nobody-of-that-name", "", "a" * 2_000)]
    bodies = {re.sub(r'value="[^"]*"', "", answer.body) for answer in answers}
    assert {answer.status for answer in answers} == {403}
    assert len(bodies) == 1


def test_every_answer_says_how_little_a_browser_may_do(house: House, dora: Raw) -> None:
    for client in (dora, Raw(house)):
        for place in (*PAGES, "/", "/sign-in", "/static/console.css", "/nowhere", "/holds/x", "/events?topic=x"):
            answer = client.get(place)
            policy = answer.header("content-security-policy")
            assert "default-src 'none'" in policy, place
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.header("x-frame-options") == "DENY"
            assert answer.header("x-content-type-options") == "nosniff"
            assert answer.header("strict-transport-security")
            assert answer.header("server") == "sallyport"
            if not place.startswith("/static"):
                assert answer.header("cache-control") == "no-store"
            assert "style=" not in answer.body
            assert not re.search(r"<script(?![^>]*src=)", answer.body)


def test_where_to_go_on_to_is_always_ours(house: House) -> None:
    for wanted in (
        *("https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)"),
        *(
            "/%2f/evil.example",
            "/holds\r\nSet-Cookie: a=b",
            "/holds\nLocation: //evil",
            "///evil.example",
            " //evil.example",
        ),
        *("/holds/../../evil", "/\t/evil.example", "http:evil.example", "/@evil.example:x"),
    ):
        client = Raw(house)
        answer = client.sign_in("emil", place=wanted)
        assert answer.status == 303
        assert re.fullmatch(r"/[a-zA-Z0-9%./_-]*", answer.header("location")), answer.headers
        assert not answer.header("location").startswith("//")
        assert "evil" not in answer.header("location") or answer.header("location").startswith("/%2f/")
        page = Raw(house).get(f"/sign-in?next={quote(wanted, safe='')}")
        assert "evil" not in page.header("location")
        stranger = Raw(house).ask("GET", f"/holds?x={quote(wanted)}", None, {"Sec-Fetch-Site": "cross-site"})
        assert 'content="0; url=/holds' in stranger.body
    wanted = "/holds/h-0123456789abcdef"
    assert Raw(house).sign_in("emil", place=wanted).header("location") == wanted


def test_no_path_leads_to_a_file(house: House) -> None:
    for path in (
        *("/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py", "/static/....//server.py"),
        *("/static//etc/passwd", "/static/%00", "/static/console.css%00.js", "/static/..\\server.py", "/static/"),
        *("/../../etc/passwd", "/holds/../static/../../etc/passwd", "/static/templates", "/static/__init__.py"),
    ):
        answer = spoken(house, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert re.match(rb"HTTP/1\.1 (404|400|303)", answer), (path, answer[:80])
        assert b"root:" not in answer
        assert b"import" not in answer


def spoken(house: House, data: bytes) -> bytes:
    """What the server says to bytes as they are."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", house.console_port), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wire,
    ):
        wire.sendall(data)
        said = b""
        while chunk := wire.recv(65_536):
            said += chunk
        return said


def test_nothing_of_a_request_becomes_a_header(house: House, dora: Raw) -> None:
    for place in ("/holds?said=%0d%0aX-Bad:%201", "/decisions?before=%0d%0aX-Bad:1", "/sign-in?next=%0d%0aX-Bad:1"):
        answer = dora.get(place)
        assert "x-bad" not in {name for name, _ in answer.headers}
    stranger = Raw(house).get("/holds/h-1?x=%0d%0aX-Bad:%201")
    assert "x-bad" not in {name for name, _ in stranger.headers}


def test_what_is_sent_and_shown_is_bounded(house: House, dora: Raw) -> None:
    token = dora.get("/holds").csrf
    assert dora.post("/holds/h-0123456789abcdef/approve", {"csrf": token, "reason": "x" * 100_000}).status == 413
    many = {f"a{number}": "1" for number in range(50)}
    assert dora.post("/holds/h-0123456789abcdef/approve", {"csrf": token, **many}).status == 400
    assert dora.get(f"/decisions?text={'x' * 5_000}").status in (200, 400)
    assert dora.get(f"/decisions?text={'x' * 20_000}").status in (200, 400, 414)
    for place in PAGES:
        assert len(dora.get(place).body) < 400_000


def test_each_sees_what_their_roles_let_them_see(house: House) -> None:
    for name, shut in (("dora", ()), ("vera", ()), ("emil", PAGES[2:5]), ("ana", PAGES[2:5])):
        client = Raw(house)
        client.sign_in(name)
        for place in PAGES:
            answer = client.get(place)
            assert answer.status == (403 if place in shut else 200), (name, place)
    _, ticket = hold(house, "UPDATE app.orders SET amount = 10 WHERE id = 15", user="dora")
    ana = Raw(house)
    ana.sign_in("ana")
    assert ana.get(f"/holds/{ticket}").status == 404, "what others want to run is nobody's business without a role"
    assert ticket not in ana.get("/holds").body
    assert "Nothing like that" in ana.get("/decisions?text=id+%3D+15").body


ODD = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "0", "-1", "9" * 18, "9" * 40, "\x00", "%", "../..", "h-" + "0" * 16, "NaN", "'", "\ud7ff", "𝟙"]
    ),
)
WORDS = st.sampled_from(
    [
        "holds",
        "decisions",
        "sessions",
        "policies",
        "audit",
        "health",
        "events",
        "static",
        "sign-in",
        "sign-out",
        "verify",
        "approve",
        "refuse",
        "callback",
        "with",
        "h-0123456789abcdef",
        "1",
        "console.css",
    ]
)
NAMES = st.sampled_from(
    ["said", "before", "step", "verdict", "principal", "text", "next", "topic", "code", "state", "v"]
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
    path=st.lists(st.one_of(WORDS, ODD), max_size=4),
    query=st.dictionaries(NAMES, ODD, max_size=3),
    form=st.dictionaries(st.sampled_from(["csrf", "reason", "from", "name", "secret", "next"]), ODD, max_size=4),
    is_ours=st.booleans(),
)
@example("GET", ["decisions"], {"before": "9" * 18}, {}, True)
@example("GET", ["decisions", "9" * 30], {}, {}, True)
@example("GET", ["callback"], {"state": "x", "code": "y"}, {}, True)
def test_no_request_is_a_server_error(
    house: House,
    scanning: Raw,
    method: str,
    path: list[str],
    query: dict[str, str],
    form: dict[str, str],
    is_ours: bool,
) -> None:
    if path[:1] == ["events"] and query.get("topic") in ("holds", "log"):
        return
    place = "/" + "/".join(quote(part, safe="", errors="replace") for part in path)
    if query:
        place += "?" + "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query.items())
    client = Raw(house, dict(scanning.cookies))
    if method == "POST":
        token = {"csrf": scanning.token} if is_ours else {}  # type: ignore[attr-defined]  # set by the fixture
        answer = client.post(place, {**form, **token})
    else:
        answer = client.ask(method, place)
    assert answer.status < 500, (method, place, answer.body[:300])
    assert "Traceback" not in answer.body


@pytest.fixture(scope="module")
def scanning(house: House) -> Raw:
    client = Raw(house)
    client.sign_in("vera")
    client.token = client.get("/holds").csrf  # type: ignore[attr-defined]  # for the scan alone
    return client
