"""What the scanner finds, how types are chosen, and what JSON lines get."""

from __future__ import annotations

import base64
import json
import random
import re
import string

import pytest

from engine.errors import InputInvalid
from engine.masking import patterns

KEY = "AKI" + "A" + "Q3EGR7XZT5WLM2NB"
TOKEN = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def found(text: str) -> list[tuple[str, str]]:
    return [(one.type, text[one.start : one.end]) for one in patterns.scan(text).findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {KEY}.", [("secret.aws_access_key", KEY)]),
        (f'{{"token": "{TOKEN}"}}', [("secret.github_token", TOKEN)]),
        ("password = 'hunter2!'", [("secret.password", "hunter2!")]),
        ("mail ann@example.org now", [("pii.email", "ann@example.org")]),
        ("card 4111 1111 1111 1111", [("pii.credit_card", "4111 1111 1111 1111")]),
        ("DE89 3704 0044 0532 0130 00", [("pii.iban", "DE89 3704 0044 0532 0130 00")]),
        ("from 203.0.113.9 port 22", [("pii.ip_address", "203.0.113.9")]),
        ("SSN 536-90-4399", [("pii.us_ssn", "536-90-4399")]),
        ("call +41 44 668 18 00", [("pii.phone", "+41 44 668 18 00")]),
        ("born 24.12.1980", [("pii.date_of_birth", "24.12.1980")]),
    ],
)
def test_each_kind_of_value_is_found_where_it_stands(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "DE89 3704 0044 0532 0130 01",
        "password = os.environ['DB_PASSWORD']",
        "password: ${DB_PASSWORD}",
        "token = get_token(request)",
        "version 1.2.3.4.5",
        "on 2026-11-28 10:15:00",
        "commit 3b335d612137949d2f21fcc6c8c8164db7603227",
        "std::vector",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert found(text) == []


def chance(length: int, letters: str) -> str:
    """Letters as chance makes keys of them, the same at every run."""
    made = random.Random(length)
    return "".join(made.choice(letters) for _ in range(length))


HEX = "0123456789abcdef"
SHA, TRACE, LONG = chance(40, HEX), chance(32, HEX), chance(64, HEX)
NUMBER = "-".join(chance(length, HEX) for length in (8, 4, 4, 4, 12))
RANDOM = chance(44, string.ascii_letters + string.digits)
LINES = "\n".join(chance(64, string.ascii_letters + string.digits + "+/") for _ in range(4))
WRAPPED = base64.b64encode(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{LINES}\n".encode()).decode()
WORD = "hunter2" + "xyz"


@pytest.mark.parametrize(
    "text",
    [
        # A password goes to its end, whatever signs are in it.
        r'{"password":"abcd\"«rest99»"}',
        r'{"password":"«Tr0ub4dor\u0026rest»"}',
        r'{"log":"{\"password\":\"«a1b2c3\\\"rest»\"}"}',
        *(f"HOST=db\nPASSWORD=«Tr0ub{sign}rest99»\nPORT=1" for sign in ",;&<)([{"),
        "password: «sunflowers» # rotate",
        "  password: «abc/def-ghi»\n",
        "password: «correct.horse.battery»\n",
        "SECRET_KEY = '«b-q-5gtd1py7zb=)zish&a+j+85)^+r6mls^#7=@ad!0o»'",
        "define('AUTH_KEY',         '«x7$K }9v&Q|p2@Zr-5!mT~w(8]Ld+4>Hs{1/Nc^6;Jb*3,Gf?0.Xk=Uy_Ea:Vi»');",
        # Its name stands elsewhere than right before it.
        f"- name: DB_PASSWORD\n  value: «{WORD}»\n",
        f'{{"name":"API_KEY","value":"«{RANDOM}»"}}',
        f'{{"Name":"/prod/db/password","Type":"SecureString","Version":3,"Value":"«{WORD}»"}}',
        f"<password>«{WORD}»</password>",
        f"<apiToken>«{RANDOM}»</apiToken>",
        f"define('DB_PASSWORD','«{WORD}»');",
        f'const apiKey: string = "«{RANDOM}»";',
        f'let password: &str = "«{WORD}»";',
        f'ds.setPassword("«{WORD}»");',
        f'os.getenv("DB_PASSWORD", "«{WORD}»")',
        f'process.env.DB_PASSWORD || "«{WORD}»"',
        f"tool --password «{WORD}9Z» --dry-run",
        f"sshpass -p «{WORD}» ssh web",
        f"redis-cli -h cache -a «{WORD}» ping",
        f".dockerconfigjson: «{RANDOM}{RANDOM}»",
        f'{{"kty":"EC","crv":"P-256","d":"«{RANDOM[:43]}»"}}',
        # Keys in files, cut off or wrapped.
        f"$ head -5 id_rsa\n«-----BEGIN OPENSSH PRIVATE KEY-----\n{LINES}»\n$ ls",
        f"«---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{LINES}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----»",
        "«" + "\n".join(WRAPPED[at : at + 76] for at in range(0, len(WRAPPED), 76)) + "»\n$ ls",
        # Keys of providers where a word says so.
        f"github_token: «{SHA}»",
        f"wandb «{SHA}»",
        f"HEROKU_API_KEY=«{NUMBER}»",
        f'"datadog": {{"api_key": "«{TRACE}»"}}',
        # Other shapes of what is claimed.
        f"«EAAV{RANDOM}{RANDOM}»",
        f"d=«xoxd-{RANDOM}%2B{RANDOM}»",
        '{"account_number":"«000123456789»"}',
        '"social_security_number": «194269999»',
        '"birth_date": "«1985-07-14T00:00:00Z»"',
        "Date of birth: «14 July 1985»",
        "DOB: «14-Jul-1985»",
        "?email=«jane%40corp.com»&x",
        r'{"e":"«jane\u0040corp.com»"}',
    ],
)
def test_all_of_a_value_is_found(text: str) -> None:
    before, value, after = re.split("[«»]", text)
    findings = patterns.scan(before + value + after).findings
    start, end = len(before), len(before) + len(value)
    assert all(any(one.start <= at < one.end for one in findings) for at in range(start, end)), findings


@pytest.mark.parametrize(
    "text",
    [
        # Commits, digests, traces and numbers beside a provider's name.
        f"https://github.com/o/r/commit/{SHA}",
        f"https://raw.githubusercontent.com/a/b/{SHA}/README.md",
        f"git+https://github.com/a/b#{SHA}",
        f'{{"sha":"{SHA}","url":"https://api.github.com/repos/o/r/git/commits/{SHA}"}}',
        f"https://bitbucket.org/a/b/commits/{SHA}",
        f"amazon linux image, commit {SHA}",
        f"https://app.datadoghq.com/apm/trace/{TRACE}",
        f"heroku app id: {NUMBER}",
        f"fastly service_id {TRACE}",
        f"zendesk ticket {SHA}",
        f"see here: {LONG}",
        # Names that promise nothing.
        '"passport": "^0.7.0"',
        "passport: expired",
        "passlib==1.7.4",
        "pass_rate=0.98765",
        "pass_count: 123456",
        "passthrough: enabled1",
        "last_password_change: 2026-01-02",
        "password_changed_at=2026-01-02T03:04:05Z",
        "password_expires: never",
        "password: Union[str, None]",
        f"cache_key={SHA}",
        f"idempotency_key: {NUMBER}",
        f'"partitionKey":"{SHA}"',
        f"next_page_token: {RANDOM}",
        f'"nextToken": "{RANDOM}"',
        "accessed_at=2026-01-02T03:04:05.678901Z",
        "tokenizer: cl100k_base",
        "secret-sync-28391040-kx7zq 0/1 Completed",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf",
        f"gpg --recv-keys {SHA.upper()}",
        # Code and words where a value might stand.
        "password: string,",
        "    password=self.password,",
        "  password: req.body.password",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: x",
        "['username', 'password', 'email1']",
        "t('password', 'Password')",
        "tool --password <password>",
        "tool --password FILE",
        "<label>password</label>",
        "process.env.PASSWORD || 'not-set'",
        "PASSWORD=$(cat x)",
    ],
)
def test_what_promises_no_secret_is_left_alone(text: str) -> None:
    assert [one for one in found(text) if one[0].startswith("secret.")] == []


def test_places_count_characters_and_the_rest_of_the_text_is_kept() -> None:
    text = f"né à 東京 \udcff {KEY} ü"
    scanned = patterns.scan(text)
    (one,) = scanned.findings
    assert text[one.start : one.end] == KEY
    assert scanned.masked == text.replace(KEY, "[secret.aws_access_key]")


def test_the_more_specific_of_two_findings_wins() -> None:
    assert found(f"api_key={KEY}") == [("secret.aws_access_key", KEY)]


def test_types_are_chosen_by_globs() -> None:
    assert set(patterns.chosen(["secret.*", "pii.email"])) == {
        name for name in patterns.types() if name.startswith("secret.") or name == "pii.email"
    }
    assert patterns.chosen(["*.email"]) == ("pii.email",)
    with pytest.raises(InputInvalid):
        patterns.chosen(["pii.emial"])


def test_detecting_tells_the_types_that_scanning_finds() -> None:
    text = f"a@example.org {KEY} 4111 1111 1111 1111"
    assert patterns.detect(text.encode()) == {one.type for one in patterns.scan(text).findings}


def test_kept_texts_lose_their_secrets_and_keep_the_rest() -> None:
    assert patterns.hide_secrets(f"SELECT '{KEY}', 'ann@example.org'") == "SELECT '[redacted]', 'ann@example.org'"


def test_a_text_in_pieces_has_the_findings_of_the_whole() -> None:
    text = f"a@example.org {KEY} tail".encode()
    pieces = patterns.Pieces()
    got = [one for byte in text for one in pieces.push(bytes([byte]))] + pieces.finish()
    assert [(one.start, one.end, one.type) for one in got] == [
        (one.start, one.end, one.type) for one in patterns.scan(text.decode()).findings
    ]


def test_there_are_many_detectors_and_each_says_what_it_is() -> None:
    assert len(patterns.detectors()) >= 120
    assert all(row.title and row.shape and row.type in patterns.types() for row in patterns.detectors())


def test_lines_are_answered_one_for_one_whatever_they_are() -> None:
    lines = ['{"id": 1, "text": "x ann@example.org"}', "garbage", "[]", b"\xff", '{"id": [2]}', '{"id": 3, "text": 4}']
    answers = [json.loads(line) for line in patterns.scan_lines(lines)]
    assert answers[0] == {
        "id": 1,
        "spans": [{"start": 2, "end": 17, "type": "pii.email"}],
        "masked": "x [pii.email]",
    }
    assert [answer["id"] for answer in answers] == [1, None, None, None, [2], 3]
    assert [answer.get("error", {}).get("code") for answer in answers[1:]] == ["INPUT_INVALID"] * 5
