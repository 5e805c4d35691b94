"""The scanner against labelled texts: secrets, look-alikes, personal data, ordinary answers of services.

What is not claimed is listed by cause, never by case.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from engine.masking.patterns import Finding, scan
from tests.conformance import corpus

NOT_CLAIMED = re.compile(
    # Names of machines, places and resources; who somebody is, not what they know.
    r"np\.(arn|s3|gcs|azure\.2|aws\.3|google\.1)\b|kingfisher\.(auth0\.[13]|databricks\.3|okta\.2|salesforce\.2|artifactory\.2)"
    r"|kingfisher\.(azureopenai\.host|azurestorage\.name|planetscale\.2|facebook\.1|discord\.3|anypoint\.2|sonarqube\.2|azure\.devops\.2)"
    r"|np\.(reactapp\.1|generic\.4|google\.6|shopify\.1|twitter\.1|github\.5)|kingfisher\.(odbc|paypal\.1|snowflake|mongodb\.2)"
    # A word, not a secret: the example rule of one suite, lists of bad passwords, addresses of machines.
    r"|secretlint:(has-secret|ng\.secret|ng\.AWS Account|ng\.ad_tenant|ng\.azure_client_id|ng\.secretlint-disab|rule-|ng\.patial|ng\.basic-test)"
    r"|kingfisher\.weak_password|detect-secrets:(ip_public|artifactory)|gcp-service-account|messagebird-client-id"
)
STRUCTURED = frozenset(
    {
        *("CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN", "MAC_ADDRESS", "CRYPTO"),
        *("ISIN", "FI_PERSONAL_IDENTITY_CODE", "SE_PERSONNUMMER", "SE_ORGANISATIONSNUMMER", "TR_NATIONAL_ID"),
        *("TH_TNIN", "KR_RRN", "ZA_ID_NUMBER", "ES_NIF", "ES_NIE", "IT_FISCAL_CODE", "UK_NINO", "UK_DRIVING_LICENCE"),
        *("US_MBI", "IN_AADHAAR", "IN_PAN", "IN_GSTIN", "SG_NRIC_FIN", "DE_HEALTH_INSURANCE", "DE_SOCIAL_SECURITY"),
        *("DE_VAT_ID", "AU_ABN", "PH_MOBILE_NUMBER", "CA_SIN"),
    }
)
OTHER_RULES = "other rules of gitleaks"


@dataclass(slots=True)
class Found:
    """Of one kind of value: how many there are, how many are found, how many findings mean nothing."""

    labelled: int = 0
    found: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.labelled if self.labelled else 0.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 0.0

    def __add__(self, other: Found) -> Found:
        return Found(self.labelled + other.labelled, self.found + other.found, self.wrong + other.wrong)


@dataclass(slots=True)
class Scanned:
    """What the scanner comes to on one sort of text: the figures promised, and the same by kind."""

    what: str
    all: Found
    claimed: Found
    by_kind: Mapping[str, Found] = field(default_factory=dict)

    def document(self) -> Mapping[str, object]:
        def row(one: Found) -> Mapping[str, object]:
            return {"labelled": one.labelled, "found": one.found, "wrong": one.wrong}

        kinds = {name: row(one) for name, one in sorted(self.by_kind.items())}
        return {"what": self.what, "all": row(self.all), "claimed": row(self.claimed), "by_kind": kinds}


@cache
def items(corpora: Path, name: str) -> list[dict[str, Any]]:
    return list(corpus.items(corpora, name))


def covers(span: tuple[int, int], found: list[Finding]) -> bool:
    """Whether most of a labelled stretch is found, or what is found lies in it (labels of whole lines)."""
    start, end = span
    inside = sum(max(0, min(end, one.end) - max(start, one.start)) for one in found)
    return inside * 10 >= (end - start) * 8 or any(start <= one.start and one.end <= end for one in found)


def secrets(text: str) -> list[Finding]:
    return [one for one in scan(text).findings if one.type.startswith("secret.")]


def is_found(item: Mapping[str, Any]) -> bool:
    found, spans = secrets(str(item["text"])), item["spans"]
    return bool(found) if not spans else any(covers((span[1], span[2]), found) for span in spans)


def suite_of(rule: str) -> str:
    """Whose rule labels a secret."""
    named = re.match(r"(np|kingfisher|secretlint|detect-secrets)[.:]", rule)
    suites = {"np": "noseyparker"}
    return OTHER_RULES if named is None else suites.get(named[1], named[1])


def labelled_secrets(corpora: Path) -> Scanned:
    """Secrets by the suite that labels them; `wrong` are look-alikes of that suite in which something is found."""
    every, claimed = Found(), Found()
    kinds: dict[str, Found] = {}
    for item in items(corpora, "secrets-labelled") + items(corpora, "secrets-generated"):
        kind = kinds.setdefault(suite_of(str(item["rule"])), Found())
        if item["label"] == "secret":
            one = Found(1, int(is_found(item)), 0)
            claimed += Found() if NOT_CLAIMED.search(str(item["rule"])) else one
        else:
            one = Found(0, 0, int(bool(secrets(str(item["text"])))))
        every += one
        kinds[suite_of(str(item["rule"]))] = kind + one
    return Scanned("secrets-labelled, secrets-generated", every, claimed, kinds)


def labelled_persons(corpora: Path) -> Scanned:
    """Personal data by entity. What is found where nothing is labelled is `wrong`, and of no entity."""
    every, claimed = Found(), Found()
    kinds: dict[str, Found] = {}
    for item in items(corpora, "pii-labelled"):
        found = [one for one in scan(str(item["text"])).findings if one.type.startswith("pii.")]
        spans = item["spans"]
        if spans is None:
            continue
        touched: set[Finding] = set()
        for entity, start, end in spans:
            touched.update(one for one in found if one.start < end and one.end > start)
            one = Found(1, int(covers((start, end), found)), 0)
            every += one
            if entity in STRUCTURED:
                claimed += one
                kinds[entity] = kinds.get(entity, Found()) + one
        nothing = Found(0, 0, len(set(found) - touched))
        every, claimed = every + nothing, claimed + nothing
    return Scanned("pii-labelled", every, claimed, kinds)


def values(body: object) -> Iterator[object]:
    match body:
        case dict():
            for value in body.values():
                yield from values(value)
        case list():
            for value in body:
                yield from values(value)
        case _:
            yield body


@dataclass(frozen=True, slots=True)
class Touched:
    """Of the values of ordinary answers those that are masked and mean nothing, and as which type."""

    total: int
    benign: int
    types: Counter[str]


def ordinary_answers(corpora: Path) -> Touched:
    types, total = Counter[str](), 0
    # What these answers really carry: people's mail and telephones, and secrets that clients get. WHY addresses of
    # machines count as benign: whose they are, the words beside them say (gateway, netmask), and the detector reads them.
    real = {"pii.email", "pii.phone"}
    for item in items(corpora, "http-responses"):
        text = json.dumps(item["body"], ensure_ascii=False)
        total += sum(1 for _ in values(item["body"]))
        for one in scan(text).findings:
            key = text[max(0, one.start - 40) : one.start].lower()
            is_secret = one.type.startswith("secret.") and any(
                word in key for word in ("secret", "password", "token", "uri", "key", "//")
            )
            if not (is_secret or one.type in real):
                types[one.type] += 1
    return Touched(total, types.total(), types)
