from adapters.postgres.session.meanings import NoMeanings


def test_without_a_catalog_nothing_is_known() -> None:
    nothing = NoMeanings()
    assert not nothing.is_known
    assert nothing.version is None
    assert nothing.handle(("public",), {}, {}) is None
    assert nothing.origin_of(16385, 1) is None
