"""Which kind of job a job is: its name without what tells one run from another. Pure. Called by `gateway.counting`."""

from __future__ import annotations

SEPARATORS = "-._:/@#+="


def kind_of(job: str | None) -> str:
    """The kind of a job: its name up to the last part without a digit. Empty for no job, and for one whose parts all have digits.

    >>> kind_of("build-42"), kind_of("nightly/report-2026-11-29"), kind_of("deploy"), kind_of("123456")
    ('build', 'nightly/report', 'deploy', '')
    """
    name = job or ""
    end = len(name)
    while end > 0:
        begin = end
        while begin > 0 and name[begin - 1] not in SEPARATORS:
            begin -= 1
        part = name[begin:end]
        if part and not any(letter.isdigit() for letter in part):
            return name[:end]
        end = begin - 1
    return ""
