"""Where the values that a mask names are looked for."""

from __future__ import annotations

from adapters.core.ports import Answer
from adapters.kubernetes.masking import plan_of
from adapters.web.json_masks import JsonMasker
from adapters.web.session.manners import Plan
from engine.command.kubernetes.request_info import Info, request_info
from engine.decision import Decision, MaskItem, Verdict


def info(path: str) -> Info:
    return request_info("GET", path, {})


def answer(*paths: str, method: str = "redact") -> Answer:
    plan = tuple(MaskItem(None, (), method, {}, (), path) for path in paths)
    return Answer(Decision(Verdict.MASK if paths else Verdict.ALLOW, None, mask_plan=plan), "d")


def masked(path: str, document: bytes, *paths: str) -> bytes:
    plan = plan_of(info(path), answer(*paths), is_watch=False)
    assert not isinstance(plan, str)
    assert plan.masks is not None
    masker = JsonMasker(plan.masks)
    return masker.feed(document) + masker.end()


def test_without_a_mask_nothing_is_rewritten() -> None:
    plan = plan_of(info("/api/v1/pods"), answer(), is_watch=True)
    assert not isinstance(plan, str)
    assert (plan.masks, plan.is_lines) == (None, True)


def test_masks_that_are_no_paths_cannot_be_carried_out() -> None:
    item = MaskItem(0, (), "redact")
    assert isinstance(
        plan_of(info("/api/v1/pods"), Answer(Decision(Verdict.MASK, None, mask_plan=(item,)), "d"), is_watch=False), str
    )


def test_values_of_secrets_stay_base64_and_others_do_not_become_it() -> None:
    assert (
        masked("/api/v1/namespaces/t/secrets/a", b'{"data":{"k":"c2VjcmV0"}}', "$.data.*")
        == b'{"data":{"k":"W3JlZGFjdGVkXQ=="}}'
    )
    assert (
        masked("/api/v1/namespaces/t/configmaps/a", b'{"data":{"k":"c2VjcmV0"}}', "$.data.*")
        == b'{"data":{"k":"[redacted]"}}'
    )
    assert b"[redacted]" in masked("/api/v1/namespaces/t/secrets/a", b'{"stringData":{"k":"x"}}', "$.stringData.*")


def test_a_secret_value_that_is_no_base64_is_masked_all_the_same() -> None:
    assert b"!!" not in masked("/api/v1/namespaces/t/secrets/a", b'{"data":{"k":"!!"}}', "$.data.*")


def test_cells_are_hidden_where_the_columns_are_their_authors_choice() -> None:
    table = b'{"rows":[{"cells":["hunter2"],"object":{}}]}'
    assert b"hunter2" not in masked("/apis/shop.test/v1/orders", table, "$.spec.card")
    assert b"hunter2" in masked("/api/v1/secrets", table, "$.data.*")


def test_logs_are_masked_by_values_and_by_nothing_else() -> None:
    def plan(*items: MaskItem) -> object:
        answer = Answer(Decision(Verdict.MASK if items else Verdict.ALLOW, None, mask_plan=items), "d")
        return plan_of(info("/api/v1/namespaces/t/pods/web/log"), answer, is_watch=False)

    values, paths = MaskItem(None, ("pii.email",), "redact"), MaskItem(None, (), "redact", {}, (), "$.a")
    made = plan(values)
    assert isinstance(made, Plan)
    assert (made.is_text, made.is_masked, [mask.types for mask in made.values]) == (True, True, [{"pii.email"}])
    assert isinstance(plan(paths), str)
    assert isinstance(plan(values, paths), str)
    assert plan() == Plan(None)
