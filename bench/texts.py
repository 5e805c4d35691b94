"""Texts for measuring the value scanner: rows, JSON, logs and code with secrets in them, and texts that mean harm.

All are made from a seed. No secret stands in this file: each is put together from a prefix and chance when it is needed.
"""

from __future__ import annotations

import json
import random
import string

ALNUM = string.ascii_letters + string.digits
WORDS = [
    "account",
    "order",
    "invoice",
    "customer",
    "shipment",
    "payment",
    "status",
    "created",
    "updated",
    "total",
    "amount",
    "currency",
    "region",
    "warehouse",
    "session",
    "request",
    "response",
    "handler",
    "module",
    "function",
    "return",
    "value",
    "number",
    "string",
    "index",
    "query",
    "select",
    "insert",
    "table",
    "row",
    "error",
    "warning",
    "info",
    "debug",
    "retry",
    "timeout",
    "connection",
    "pool",
    "worker",
    "thread",
    "queue",
    "message",
    "topic",
    "partition",
    "offset",
]
ACCENTED = [
    "café",
    "naïve",
    "façade",
    "Müller",
    "straße",
    "señor",
    "año",
    "Ångström",
    "crème",
    "brûlée",
    "être",
    "déjà",
    "élève",
    "größer",
    "übung",
    "ñandú",
]
CJK = [
    "订单",
    "客户",
    "付款",
    "状态",
    "创建",
    "更新",
    "总额",
    "货币",
    "地区",
    "仓库",
    "会话",
    "请求",
    "响应",
    "函数",
    "返回",
    "数据",
    "東京都",
    "渋谷区",
    "注文",
    "顧客",
    "支払い",
    "서울",
    "주문",
    "고객",
]


def token(chance: random.Random, length: int, letters: str = ALNUM) -> str:
    return "".join(chance.choices(letters, k=length))


def secret(chance: random.Random) -> str:
    """One secret of a family that has a prefix, or a password."""
    made = (
        lambda: "AKI" + "A" + token(chance, 16, string.ascii_uppercase + string.digits),
        lambda: "gh" + "p_" + token(chance, 36),
        lambda: "sk_" + "live_" + token(chance, 24),
        lambda: "xo" + "xb-" + token(chance, 12, string.digits) + "-" + token(chance, 24),
        lambda: "password=" + token(chance, 12),
        lambda: "postgres://app:" + token(chance, 14) + "@db.internal:5432/shop",
        lambda: "AI" + "za" + token(chance, 35),
    )
    return chance.choice(made)()


def phrase(chance: random.Random, count: int, words: list[str] = WORDS) -> str:
    return " ".join(chance.choices(words, k=count))


def row(chance: random.Random) -> str:
    mail = f"{token(chance, 7, string.ascii_lowercase)}@example.org"
    return f"{chance.randrange(10**6)}|{phrase(chance, 3)}|{mail}|{chance.random() * 1000:.2f}|2026-11-{chance.randrange(10, 29)} 10:{chance.randrange(10, 59)}:00|t\n"


def document(chance: random.Random) -> str:
    body = {
        "id": token(chance, 24, "0123456789abcdef"),
        "status": chance.choice(WORDS),
        "note": phrase(chance, 8),
        "total": chance.randrange(10**5),
        "tags": chance.choices(WORDS, k=3),
        "created": 1_700_000_000 + chance.randrange(10**7),
    }
    return json.dumps(body) + "\n"


def log(chance: random.Random) -> str:
    level = chance.choice(("INFO", "WARN", "DEBUG", "ERROR"))
    return f"2026-11-28T10:{chance.randrange(10, 59)}:{chance.randrange(10, 59)}.{chance.randrange(1000):03d}Z {level} [{chance.choice(WORDS)}-{chance.randrange(32)}] {phrase(chance, 7)} took {chance.randrange(900)} ms\n"


def code(chance: random.Random) -> str:
    name = "_".join(chance.choices(WORDS, k=2))
    return f"def {name}({chance.choice(WORDS)}: str) -> int:\n    {chance.choice(WORDS)} = {chance.choice(WORDS)}.{chance.choice(WORDS)}({chance.randrange(100)})\n    return len({chance.choice(WORDS)})\n"


def mixed(size: int, seed: int = 7) -> bytes:
    """Rows, JSON, logs and code by turns; a secret in about one line of forty."""
    chance = random.Random(seed)
    made, length = [], 0
    kinds = (row, document, log, code)
    while length < size:
        line = chance.choice(kinds)(chance)
        if chance.random() < 0.025:
            line = line.rstrip("\n") + " " + secret(chance) + "\n"
        made.append(line)
        length += len(line)
    return "".join(made).encode()[:size]


def of_words(words: list[str], size: int, seed: int = 8) -> bytes:
    """Prose of other letters than ASCII, a secret now and then."""
    chance = random.Random(seed)
    made, length = [], 0
    while length < size:
        line = phrase(chance, 10, words) + (" " + secret(chance) if chance.random() < 0.02 else "") + "\n"
        made.append(line)
        length += len(line.encode())
    return "".join(made).encode()[:size]


ADVERSARIAL = {
    "prefixes": "AKIAAKIA ghp_ghp_ sk-ant-api03-sk-ant- xoxb-1-xoxb- eyJhbGciOi eyJeyJ ",
    "digits": "4111 1111 4111 11114111111141111 12-34-56-78 ",
    "assignments": "password=password:token=secret key: api_key = passwd=pwd ",
    "ats": "a@b.a@b.a@@a.b@c.d-e@f ",
    "addresses": "://a:b@://u:p@x://:@1.2.3.4.5::1:2:3:4::",
    "one letter": "a" * 64,
    "pem": "-----BEGIN PRIVATE KEY-----\nAAAA",
    "heads": "accel tokex secrx credx privx condx discx ToKeXaCcElSeCrX ghp+AKIB4111-",
    "base64": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9ZXlKaGJHY2lPaUpJVXpJMU5p",
}
"""Pieces that, repeated, look like the beginning of many findings and are none."""


SEARCHED = {
    "name of a key": "Api-key",
    "short keys": "api_key=a1",
    "keys and signs": "api-key:9z!",
    "prefix and digits": "tskey-9",
    "prefix and dot": "SG.",
    "a counted token": "xoxr-hva1",
    "signs before a literal": "3Q~",
    "a connection": "UID=",
    "addresses": "://a:b",
    "names of options": "curl\\xi-api-key\n",
    "long assignments": "SHAREDACCESSKEY=1",
    "passwords in a row": "_password=",
    "colons": "::",
    "parts of addresses": "7:f:5.d.A7",
    "rows of cards": "4111 ",
    "groups of digits": "337 7546 5",
    "words and digits": "fax9|",
    "words of many groups": "Tin",
    "providers": "dareboost everhour trello ",
    "a long token": "xoxc-",
    "a scheme and a key": "://apikey",
    "a key said twice": "api-keyKey",
}
"""Pieces that, repeated, were the slowest of their kinds in a search over thousands of such: literals of detectors, signs, values."""


def adversarial(kind: str, size: int) -> bytes:
    return _repeated(ADVERSARIAL[kind], size)


def searched(kind: str, size: int) -> bytes:
    return _repeated(SEARCHED[kind], size)


def _repeated(piece: str, size: int) -> bytes:
    return (piece.encode() * (size // len(piece.encode()) + 1))[:size]
