"""The clients of PostgreSQL in other languages, and Django; their sources stand in `clients/LANGUAGE`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.interop.built import built, packaged

SOURCES = Path(__file__).parent / "clients"
JDBC = "org.postgresql:postgresql:42.7.14"
DJANGO = "django==5.2.19"


def node() -> list[str]:
    place = built(SOURCES / "node", ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"])
    return ["node", str(place / "client.js")]


def java() -> list[str]:
    copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
    place = built(
        SOURCES / "java",
        ["mvn", "-q", "-B", copy, f"-Dartifact={JDBC}", "-DoutputDirectory=lib"],
        ["javac", "-cp", "lib/*", "-d", "classes", "Client.java"],
    )
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{place}/classes:{place}/lib/*", "Client"]


def go() -> list[str]:
    return [
        str(built(SOURCES / "go", ["go", "build", "-o", "client", "."], env={"GOFLAGS": "-mod=readonly"}) / "client")
    ]


def rust() -> list[str]:
    place = built(SOURCES / "rust", ["cargo", "build", "--quiet", "--locked", "--target-dir", "target"])
    return [str(place / "target" / "debug" / "interop")]


def django() -> list[str]:
    """`manage.py` of a small project; its models are the clients/django folder's."""
    place = packaged(SOURCES / "django", DJANGO)
    return [sys.executable, str(place / "manage.py")]
