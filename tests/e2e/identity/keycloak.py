"""A real Keycloak (from the folder of tools): people who sign in at it, keys that change, services, and a second realm that speaks SAML.

`link_by_saml` makes of the realm that we know by OpenID a broker: its people are then those of another identity provider, which here
is a realm of its own and could be anybody's.
"""

from __future__ import annotations

import html
import http.cookiejar
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from gateway.demo.cluster import free_port
from tests.e2e.identity.provider import StopAt

REALM, CORP = "tools", "corp"
CORP_USERS = {"dave": ["dba", "oncall"], "erin": ["dev"]}
_SAML = "urn:oasis:names:tc:SAML"


@dataclass(frozen=True, slots=True)
class Keycloak:
    """A running one. Passwords of its users are their names."""

    base: str
    tools: Path
    folder: Path
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def issuer(self) -> str:
        return f"{self.base}/realms/{REALM}"

    def tokens(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """What the token endpoint gives for this."""
        return _posted(f"{self.issuer}/protocol/openid-connect/token", {**form, "scope": "openid profile"})

    def of_user(self, user: str) -> Mapping[str, Any]:
        """The tokens of a user for the client `sallyport`, which has a grant for tests."""
        return self.tokens({"client_id": "sallyport", "grant_type": "password", "username": user, "password": user})

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays published."""
        parent = self.admin("GET", f"/{REALM}")["id"]
        config = {"enabled": ["true"], "active": ["true"], "keySize": ["2048"], "algorithm": ["RS256"]}
        known = {key["kid"] for key in self.admin("GET", f"/{REALM}/keys")["keys"]}
        self.admin(
            "POST",
            f"/{REALM}/components",
            {
                "name": f"rsa-{len(known)}",
                "providerId": "rsa-generated",
                "parentId": parent,
                "providerType": "org.keycloak.keys.KeyProvider",
                "config": {**config, "priority": [str(1_000 + len(known))]},
            },
        )

    def retire(self) -> None:
        """Publish the newest signing key only."""
        found = self.admin("GET", f"/{REALM}/components?type=org.keycloak.keys.KeyProvider")
        rsa = [one for one in found if one["providerId"] == "rsa-generated"]
        newest = max(rsa, key=lambda one: int(one["config"].get("priority", ["0"])[0]))
        for one in rsa:
            if one["id"] != newest["id"]:
                self.admin("DELETE", f"/{REALM}/components/{one['id']}")

    def service(self, name: str, audience: str | None) -> str:
        """An access token of a service account. `audience`: for whom its client says that it is."""
        if name not in self.secrets:
            mappers = [] if audience is None else [_audience(audience)]
            found = {
                "clientId": name,
                "serviceAccountsEnabled": True,
                "standardFlowEnabled": False,
                "publicClient": False,
                "protocolMappers": mappers,
            }
            self.admin("POST", f"/{REALM}/clients", found)
            (made,) = self.admin("GET", f"/{REALM}/clients?clientId={name}")
            self.secrets[name] = self.admin("GET", f"/{REALM}/clients/{made['id']}/client-secret")["value"]
        said = self.tokens({"grant_type": "client_credentials", "client_id": name, "client_secret": self.secrets[name]})
        return str(said["access_token"])

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """One call of Keycloak's administration, below `/admin/realms`."""
        password = (self.folder / "admin_password").read_text().strip()
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": password}
        token = _posted(f"{self.base}/realms/master/protocol/openid-connect/token", form)["access_token"]
        request = urllib.request.Request(
            f"{self.base}/admin/realms{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as said:
                text = said.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from None
        return json.loads(text) if text else None

    # --- SAML

    def link_by_saml(self) -> None:
        """Have the realm let in the people of another identity provider by SAML 2.0, with the groups that it states."""
        broker, upstream = f"{self.issuer}/broker/{CORP}/endpoint", f"{self.base}/realms/{CORP}"
        self.admin("POST", "", _corp(self.issuer, broker))
        self.admin("POST", f"/{REALM}/identity-provider/instances", _link(self.issuer, upstream))
        for mapper in (
            *(_attribute(name, name) for name in ("email", "firstName", "lastName")),
            *(_group(name) for name in ("dba", "dev")),
        ):
            self.admin("POST", f"/{REALM}/identity-provider/instances/{CORP}/mappers", mapper)

    def move(self, user: str, groups: list[str]) -> None:
        """Give somebody of the other provider other groups."""
        (found,) = self.admin("GET", f"/{CORP}/users?username={user}&exact=true")
        for one in self.admin("GET", f"/{CORP}/users/{found['id']}/groups"):
            self.admin("DELETE", f"/{CORP}/users/{found['id']}/groups/{one['id']}")
        for one in self.admin("GET", f"/{CORP}/groups"):
            if one["name"] in groups:
                self.admin("PUT", f"/{CORP}/users/{found['id']}/groups/{one['id']}")


def _posted(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """The document that a form gets. Patient: Keycloak is slow at first."""
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=60) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(f"{url}: {error.code} {error.read()[:500]!r}") from None
    assert isinstance(found, dict)
    return found


def _audience(name: str) -> dict[str, Any]:
    config = {"included.custom.audience": name, "access.token.claim": "true", "id.token.claim": "false"}
    return {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": config,
    }


def _corp(issuer: str, broker: str) -> dict[str, Any]:
    """The other identity provider: a realm with people of its own and one SAML service provider, which is ours."""
    users = [
        {
            "username": name,
            "enabled": True,
            "email": f"{name}@corp.test",
            "emailVerified": True,
            "firstName": name.capitalize(),
            "lastName": "Corp",
            "groups": [f"/{group}" for group in groups],
            "credentials": [{"type": "password", "value": name}],
        }
        for name, groups in CORP_USERS.items()
    ]
    mappers = [
        _saml_mapper("groups", "saml-group-membership-mapper", **{"full.path": "false", "single": "true"}),
        *(
            _saml_mapper(name, "saml-user-property-mapper", **{"user.attribute": name})
            for name in ("email", "firstName", "lastName")
        ),
    ]
    client = {
        "clientId": issuer,
        "protocol": "saml",
        "redirectUris": [broker],
        "protocolMappers": mappers,
        "attributes": {
            "saml.assertion.signature": "true",
            "saml.server.signature": "true",
            "saml.client.signature": "false",
            "saml_force_name_id_format": "true",
            "saml_name_id_format": "username",
            "saml_assertion_consumer_url_post": broker,
        },
    }
    groups = [{"name": name} for name in sorted({group for groups in CORP_USERS.values() for group in groups})]
    return {
        "realm": CORP,
        "enabled": True,
        "sslRequired": "none",
        "groups": groups,
        "users": users,
        "clients": [client],
    }


def _saml_mapper(name: str, mapper: str, **config: str) -> dict[str, Any]:
    config = {"attribute.name": name, "attribute.nameformat": "Basic", **config}
    return {"name": name, "protocol": "saml", "protocolMapper": mapper, "config": config}


def _link(issuer: str, upstream: str) -> dict[str, Any]:
    """The realm's side: where the other provider is, and that its signature is looked at, by the key in its metadata."""
    return {
        "alias": CORP,
        "displayName": "Corp",
        "providerId": "saml",
        "enabled": True,
        "trustEmail": True,
        "config": {
            "entityId": issuer,
            "idpEntityId": upstream,
            "singleSignOnServiceUrl": f"{upstream}/protocol/saml",
            "useMetadataDescriptorUrl": "true",
            "metadataDescriptorUrl": f"{upstream}/protocol/saml/descriptor",
            "validateSignature": "true",
            "wantAssertionsSigned": "true",
            "wantAuthnRequestsSigned": "false",
            "postBindingAuthnRequest": "true",
            "postBindingResponse": "true",
            "syncMode": "FORCE",
            "nameIDPolicyFormat": f"{_SAML}:1.1:nameid-format:unspecified",
            "principalType": "SUBJECT",
        },
    }


def _attribute(name: str, into: str) -> dict[str, Any]:
    config = {"attribute.name": name, "user.attribute": into, "syncMode": "FORCE"}
    return {
        "name": f"attribute {name}",
        "identityProviderAlias": CORP,
        "identityProviderMapper": "saml-user-attribute-idp-mapper",
        "config": config,
    }


def _group(name: str) -> dict[str, Any]:
    """Who has the group there is in the group of that name here, for as long as they have it there."""
    attributes = json.dumps([{"key": "groups", "value": name}])
    config = {"attributes": attributes, "group": f"/{name}", "are.attribute.values.regex": "false", "syncMode": "FORCE"}
    return {
        "name": f"group {name}",
        "identityProviderAlias": CORP,
        "identityProviderMapper": "saml-advanced-group-idp-mapper",
        "config": config,
    }


@contextmanager
def running(tools: Path, folder: Path) -> Iterator[Keycloak]:
    """One, as long as the block lasts. Takes a minute or two to start."""
    place = tools / "keycloak"
    said = subprocess.run(
        [str(place / "start.sh"), str(folder), str(free_port())],
        check=True,
        timeout=900,
        capture_output=True,
        text=True,
    )
    try:
        yield Keycloak(said.stdout.strip().splitlines()[-1].partition("/realms/")[0], place, folder)
    finally:
        subprocess.run([str(place / "stop.sh"), str(folder)], check=True, timeout=120, capture_output=True)


class Visitor:
    """A browser without scripts before Keycloak's pages: cookies by their paths, forms filled and sent, SAML's among them."""

    def __init__(self) -> None:
        # WHY: Keycloak's cookies are `Secure` over HTTP too, which browsers grant on loopback.
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("https", "http"))
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy))
        self._opener = urllib.request.build_opener(cookies, StopAt())
        self.passed: list[str] = []
        """What was sent where: names of forms' fields, and the path."""

    def sign_in(self, url: str, user: str, *, over: str = "") -> list[tuple[str, str]]:
        """Sign in, over another identity provider if so; the parameters of the way back, empty in the device flow."""
        url, page = self._go(url)
        for _ in range(12):
            if "/callback?" in url:
                return parse_qsl(urlsplit(url).query)
            link = re.search(rf'href="([^"]*/broker/{over}/login[^"]*)"', page) if over else None
            if link is not None:
                url, page, over = *self._go(urljoin(url, html.unescape(link[1]))), ""
                continue
            form = self._form(page)
            if form is None:
                break
            action, fields = form
            if "password" in fields:
                fields |= {"username": user, "password": user}
            self.passed.append(f"{urlsplit(action).path} {' '.join(sorted(fields))}")
            url, page = self._go(urljoin(url, action), fields)
        return []

    def _form(self, page: str) -> tuple[str, dict[str, str]] | None:
        """Where the page's form goes, and what is in it."""
        for found in re.finditer(r"<form\b([^>]*)>(.*?)</form>", page, re.DOTALL | re.IGNORECASE):
            action = re.search(r'action="([^"]+)"', found[1], re.IGNORECASE)
            fields = dict[str, str]()
            for tag in re.findall(r"<(?:input|button)\b[^>]*>", found[2], re.IGNORECASE):
                known = {name.lower(): html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
                if "name" in known and known["name"] != "cancel":
                    fields[known["name"]] = known.get("value", "")
            if action is not None and fields:
                return html.unescape(action[1]), fields
        return None

    def _go(self, url: str, form: Mapping[str, str] | None = None) -> tuple[str, str]:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with self._opener.open(url, data, timeout=60) as answer:
                return str(answer.url), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (302, 303):
                    return str(error.headers["Location"]), ""
                raise AssertionError(f"{url}: {error.code} {error.read()[:2_000]!r}") from None
