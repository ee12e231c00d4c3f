"""A plan is run once, its pieces are sent once, and what is in doubt is settled before anything else."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from paydown import InvalidRequest, InvalidRequestType
from paydown.errors import InvalidCredentials
from paydown.repay import AccountBusy, AccountInDoubt, Options, PlanKeyConflict, PlanRefused, Report
from paydown.repay.execution.commands import Step
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.journal.tables.attempt_table import AttemptTable
from paydown.repay.journal.tables.debt_table import DebtTable
from paydown.repay.journal.tables.plan_table import PlanTable
from tests.repay.world import API_KEY, REPAY_PATH, SECRET, START_MS, Door, World, attempts


@pytest.fixture
def repayer(world):
    with world.repayer() as opened:
        yield opened


def test_a_debt_is_repaid_and_reported(world, repayer):
    """One request, the debt is gone, and the report shows it in plain data."""
    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert world.debt("BNB") == 0
    assert world.repaid == [Decimal("12.01")]
    assert (report.state, report.debt_before, report.debt_after) == (PlanState.DONE, Decimal("12.01"), 0)
    assert report.exit_code == 0
    assert bool(report)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_the_plan_tells_the_weight_that_the_run_spends(world, repayer):
    """What the plan calls its cost is what a run without trouble costs."""
    plan = repayer.plan("BNB", pay_with=["USDT"])

    assert repayer.run(plan).weight == plan.weight


def test_the_same_plan_again_sends_nothing(world, repayer):
    """The second run returns the first report."""
    plan = repayer.plan("BNB", pay_with=["USDT"], key="close")
    first = repayer.run(plan)
    world.give("BNB", borrowed="3")

    again = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="close"))

    assert again == first
    assert world.sent == 1


def test_the_same_key_is_the_same_plan_in_another_process(world, repayer):
    """The key finds the plan in the journal, by any process, and without asking the exchange."""
    plan = repayer.plan("BNB", pay_with=["USDT"], key="close")
    arrived = len(world.exchange.requests)

    with world.repayer() as other:
        assert other.plan("BNB", pay_with=["USDT"], key="close") == plan

    assert len(world.exchange.requests) == arrived


@pytest.mark.parametrize(
    "changed",
    [{"amount": "1"}, {"pay_with": ["BTC"]}, {"prices": {"BNB": "500"}}, {"margin": "0.1"}, {"asset": "ETH"}],
)
def test_another_request_under_the_same_key_is_refused(world, repayer, changed):
    """If anything differs, the key is taken, and nothing is sent."""
    world.give("ETH", borrowed="1")
    repayer.plan("BNB", pay_with=["USDT"], key="close")
    asked = {"asset": "BNB", "amount": None, "pay_with": ["USDT"], "key": "close", **changed}

    with pytest.raises(PlanKeyConflict) as caught:
        repayer.plan(asked.pop("asset"), asked.pop("amount"), **asked)

    assert caught.value.key == "close"
    assert world.sent == 0


def test_an_exact_amount_is_repaid_and_no_more(world, repayer):
    """What was asked is repaid to the last digit; the rest stays owed."""
    report = repayer.run(repayer.plan("BNB", Decimal("5.5"), pay_with=["USDT"]))

    assert world.debt("BNB") == Decimal("6.51")
    assert report.repaid == Decimal("5.5")


def test_a_large_debt_goes_in_pieces(world, repayer):
    """120,000 USD take three requests, each below the cap; the last one clears the debt with its interest."""
    world.give("BNB", borrowed="188")

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert report.state is PlanState.DONE
    assert world.debt("BNB") == 0
    assert len(world.repaid) == 3
    assert max(world.repaid) * 600 <= 49_000
    assert [line.amount for line in report.attempts][-1] is None


def test_interest_of_a_full_hour_goes_with_the_last_piece(world, repayer):
    """Interest that is charged while the plan runs leaves no dust behind."""
    world.give("BNB", borrowed="800")
    plan = repayer.plan("BNB", pay_with=["USDT"])
    world.clock.advance(3_600_000)

    report = repayer.run(plan)

    assert report.state is PlanState.DONE
    assert world.debt("BNB") == 0
    assert report.repaid > plan.total


def test_a_price_that_rises_is_followed_by_smaller_pieces(world, repayer):
    """Pieces are cut at the price of the moment, so a rise of a fifth does not break the cap."""
    world.give("BNB", borrowed="188")
    plan = repayer.plan("BNB", pay_with=["USDT"])
    world.exchange.world.prices.usd["BNB"] = Decimal(720)

    report = repayer.run(plan)

    assert report.state is PlanState.DONE
    assert max(world.repaid) * 720 <= 49_000


def test_a_given_price_wins_over_the_index(world, repayer):
    """A price that the caller insists on is used for every cut and never read."""
    plan = repayer.plan("BNB", pay_with=["USDT"], prices={"BNB": "100000", "USDT": "1"})

    assert len(plan.pieces) == 25
    assert plan.prices["BNB"].source == "given"
    repayer.run(plan)
    assert not [record for record in world.exchange.requests if "asset-index-price" in record.path]
    assert len(world.repaid) == 25


def test_an_index_price_that_nobody_can_read_refuses_the_plan(world, repayer):
    """Without the price the plan is refused by name, not guessed."""
    world.fault("gateway_502_html_executed", path="/sapi/v1/portfolio/asset-index-price", times=None)

    with pytest.raises(PlanRefused, match="BNB") as caught:
        repayer.plan("BNB", pay_with=["USDT"])

    assert caught.value.reason == "price-unknown"


def test_letters_that_only_look_like_the_asset_are_spelled_out(world, repayer):
    """A Cyrillic name for a debt that is owed names the letters that are not what they seem, and what to write."""
    with pytest.raises(PlanRefused, match="Write 'BNB'") as caught:
        repayer.plan("\u0412N\u0412", pay_with=["USDT"])
    assert "It holds U+0412 CYRILLIC CAPITAL LETTER VE, which only looks like" in str(caught.value)


def test_a_refused_plan_is_plain_data(world, repayer):
    """The refusal carries its numbers for machines."""
    with pytest.raises(PlanRefused) as caught:
        repayer.plan("ETH", pay_with=["USDT"])

    assert caught.value.to_json()["refused"] == "no-debt"
    assert caught.value.exit_code == 8  # nothing owed, nothing to do


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"amount": 1.5}, InvalidRequestType),
        ({"amount": "0"}, InvalidRequest),
        ({"amount": "0.000000001"}, InvalidRequest),
        ({"pay_with": "USDT"}, InvalidRequestType),
        ({"pay_with": ["USDT", "USDT"]}, InvalidRequest),
        ({"prices": {"BNB": 600.0}}, InvalidRequestType),
        ({"prices": {"BNB": "0"}}, InvalidRequest),
        ({"prices": {"BNB": "NaN"}}, InvalidRequest),
        ({"margin": "1"}, InvalidRequest),
        ({"margin": "half"}, InvalidRequest),
        ({"key": ""}, InvalidRequest),
        ({"key": " a"}, InvalidRequest),
        ({"key": "a\nb"}, InvalidRequest),
    ],
)
def test_odd_arguments_are_refused_before_anything_is_read(world, repayer, arguments, error):
    """What the call itself would refuse is refused by the plan, and so are odd prices, margins and keys."""
    with pytest.raises(error):
        repayer.plan("BNB", **arguments)

    assert len(world.exchange.requests) == 0


def test_a_client_without_credentials_cannot_repay(world):
    """Without a key there is no account to repay for."""
    from paydown import Client

    with pytest.raises(InvalidCredentials):
        world.repayer(Client(base_url="http://sandbox"))


# Refusals that pass


@pytest.mark.parametrize(
    "fault",
    ["service_unavailable_503", "throttled_1008", "rate_limited_429", "banned_418", "pending_51007"],
)
def test_a_passing_refusal_is_waited_out(world, repayer, fault):
    """What certainly was not executed, for a reason that passes, goes again by itself."""
    world.fault(fault, times=2)

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert report.state is PlanState.DONE
    assert [line.state for line in report.attempts] == ["REJECTED", "REJECTED", "EXECUTED"]
    assert world.repaid == [Decimal("12.01")]


@pytest.mark.parametrize(("cap_ms", "waits"), [(60_000, [1, 2, 4, 8, 16]), (5_000, [1, 2, 4, 5, 5])])
def test_the_pause_after_a_passing_refusal_doubles_up_to_its_cap(world, cap_ms, waits):
    """An exchange that is overloaded is asked less and less often, and at last no more."""
    world.fault("service_unavailable_503", times=None)
    with world.repayer(options=Options(max_backoff_ms=cap_ms)) as repayer:
        report = repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))

    paused = [one for one in world.progress if one.kind == "waiting" and "Service Unavailable" in one.message]
    assert [one.wait_ms for one in paused] == [wait * 1_000 for wait in waits]
    assert (world.sent, world.repaid, report.exit_code) == (6, [], 4)


def test_a_refusal_that_does_not_pass_ends_the_plan(world, repayer):
    """After `max_tries` the plan stops with nothing in doubt, and can be resumed."""
    world.fault("service_unavailable_503", times=6)

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))

    assert (report.state, report.cause, report.exit_code) == (PlanState.STOPPED, "refused", 4)
    assert repayer.resume("k")[0].state is PlanState.DONE
    assert world.repaid == [Decimal("12.01")]


def test_a_refusal_for_good_ends_the_plan_at_once(world, repayer):
    """A firewall's 403 is not tried again blindly."""
    world.fault("waf_403_html")

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert (report.state, report.cause) == (PlanState.STOPPED, "refused")
    assert world.sent == 1


def test_a_ban_of_days_ends_the_plan_with_its_end(world, repayer):
    """A wait longer than `max_wait_ms` is not sat through; the report shows until when."""
    world.fault("banned_418", ban_ms=3 * 86_400_000)

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert report.state is PlanState.STOPPED
    assert "2026-11-21" in report.message


def test_no_connection_is_tried_again(world):
    """A request that never left goes again after a pause; each try is in the journal."""
    import httpx

    from paydown_sandbox import ExchangeTransport

    class Flaky(ExchangeTransport):
        refusals = 2

        def handle_request(self, request):
            if request.url.path.endswith("repay-debt") and self.refusals:
                self.refusals -= 1
                raise httpx.ConnectError("refused", request=request)
            return super().handle_request(request)

    with world.repayer(world.client(transport=Flaky(world.exchange))) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert [line.state for line in report.attempts] == ["NOT_SENT", "NOT_SENT", "EXECUTED"]


# What is in doubt


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_is_settled_before_the_next_piece(world, repayer, executed):
    """The piece behind the lost answer is neither repaid twice nor forgotten."""
    world.give("BNB", borrowed="188")
    plan = repayer.plan("BNB", pay_with=["USDT"])
    world.fault("executed_then_reset" if executed else "not_executed_503_unknown", skip=1)

    report = repayer.run(plan)

    assert report.state is PlanState.DONE
    assert world.debt("BNB") == 0
    assert len(world.repaid) == 3
    states = [line.state for line in report.attempts]
    assert states == ["EXECUTED", "PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED"] + ["EXECUTED"] * (
        1 if executed else 2
    )


def test_an_earlier_repayment_of_the_same_amount_is_not_taken_for_the_lost_one(tmp_path):
    """Its row stands near and names the very amount; it belongs to an attempt that the exchange confirmed."""
    world = World(tmp_path, options={"repay-debt-record": "record", "repay-debt-flow": "row"})
    world.give("BNB", borrowed="30")
    world.give("USDT", free="5000000")
    with world.repayer() as repayer:
        first = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))
    # From another address, which has a weight of its own, the second one follows in seconds.
    with world.repayer(world.client(ip="127.0.0.2")) as repayer:
        world.fault("not_executed_503_unknown")
        second = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert [line.state for line in second.attempts] == ["PROVEN_NOT_EXECUTED", "EXECUTED"]
    assert world.repaid == [10, 10]


@pytest.mark.parametrize("name", ["marginLoan", "repayLoan", "capital-flow"])
def test_the_lists_are_read_from_before_the_look_that_the_debt_is_held_against(world, repayer, name):
    """A borrowing that the look before the attempt does not show yet may bear an earlier time than the look."""
    world.fault("executed_then_reset")
    repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))
    before = attempts(repayer)[0].intent.before

    asked = [one for one in world.exchange.requests if one.path.endswith(name)]
    starts = [int(re.search(r"startTime=(\d+)", one.shown_query)[1]) for one in asked]

    assert starts
    assert max(starts) <= before.sent_at_ms - repayer.options.edge_ms


def test_nothing_is_looked_at_before_the_lost_request_is_dead(world, repayer):
    """The first look comes after recvWindow, the answer's time-out and the settle time have passed."""
    world.fault("not_executed_503_unknown")

    repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    (attempt, _) = attempts(repayer)
    (evidence,) = repayer.journal.evidence.of(attempt.id)
    for seen in evidence.body["sightings"]:
        assert seen["server_ms"] - attempt.intent.signed_at_ms >= 10_000 + 15_000


def test_not_executed_waits_for_lists_that_reach_up_to_the_look(world):
    """A borrowing may be listed late: the lists that prove "not executed" were read a full lag after its looks."""
    world.fault("not_executed_503_unknown")
    with world.repayer() as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

        (attempt, _) = attempts(repayer)
        (evidence,) = repayer.journal.evidence.of(attempt.id)
    proof = evidence.body["sightings"][-1]
    assert (report.state, attempt.state) == (PlanState.DONE, AttemptState.PROVEN_NOT_EXECUTED)
    first, second = (seen["look"]["answered_at_ms"] for seen in evidence.body["sightings"][:3:2])
    assert second - first >= 32_000
    assert proof["server_ms"] >= second + 30_000 + 2_000
    assert proof["server_ms"] - attempt.intent.signed_at_ms >= 180_000


def test_evidence_is_stored_and_shown(world, repayer):
    """What was seen, what each finding showed and which rule decided can be read afterwards."""
    world.fault("executed_then_503")
    repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    (entry,) = repayer.history()

    told = json.loads(json.dumps(entry.to_json()))
    (evidence,) = told["evidence"]
    assert evidence["verdict"] == "PROVEN_EXECUTED"
    assert evidence["body"]["verdict"]["rule"] == "debt-fell"
    assert {finding["witness"] for finding in evidence["body"]["verdict"]["findings"]} == {
        "time",
        "debt",
        "assets",
        "rows",
    }


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ("executed_then_503", "rule debt-fell: BNB owed before: 12 + 0.01 interest; now: 0 + 0 interest;"),
        (
            "not_executed_503_unknown",
            "rule debt-stood: BNB owed before: 12 + 0.01 interest; now: 12 + 0.01 ",
        ),
    ],
)
def test_a_proven_attempt_is_reported_with_its_proof(world, fault, note):
    """Once it is settled, a line of the report shows what settled it, not which answer was lost."""
    world.fault(fault)
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        doubtful = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))
        (resumed,) = repayer.resume("k")

        assert doubtful.attempts[0].note.startswith("HTTP 503")
        assert resumed.state is PlanState.DONE
        assert resumed.attempts[0].note.startswith(note)
        assert repayer.report("k") == resumed
        if (
            resumed.attempts[0].state == AttemptState.PROVEN_EXECUTED
        ):  # all that was owed, and the journal keeps it
            assert resumed.attempts[0].repaid == doubtful.debt_before
            assert resumed.repaid == doubtful.debt_before


def test_an_attempt_settled_by_a_person_is_reported_with_their_note(world, repayer):
    """Who looked, and what they saw, is the proof; the plan's report is not left in doubt."""
    test_undecided_stops_everything_and_says_what_to_look_at(world, repayer)
    (attempt,) = attempts(repayer)

    repayer.settle(attempt.id, executed=False, note="looked at the history page")

    report = repayer.report("k")
    assert (report.state, report.cause, report.check) == (PlanState.STOPPED, "settled", ())
    assert report.attempts[0].note == "a person's word: looked at the history page"
    assert "may have happened" not in str(report)


def undecidable(world):
    """Another user trades and repays while the answer is lost, and no list shows it."""
    for path in ("/papi/v1/margin/repayLoan", "/papi/v1/margin/marginLoan", "/sapi/v1/margin/capital-flow"):
        world.fault("gateway_502_html_executed", path=path, times=None)
    holding = world.holding("BNB")
    holding.borrowed -= Decimal("0.7")
    world.holding("USDT").free -= Decimal("33")


def test_undecided_stops_everything_and_says_what_to_look_at(world, repayer):
    """Evidence that fits neither hypothesis sends nothing more and shows a person where to look."""
    plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
    world.fault("not_executed_503_unknown")
    repayer.progress = lambda told: undecidable(world) if told.kind == "unknown" else None

    report = repayer.run(plan)

    assert (report.state, report.exit_code) == (PlanState.UNDECIDED, 5)
    assert any("--executed" in step for step in report.check)
    assert any("--not-executed" in step for step in report.check)
    assert world.sent == 1
    assert repayer.run(plan).state is PlanState.UNDECIDED
    assert repayer.resume()[0].state is PlanState.UNDECIDED
    assert world.sent == 1
    (verdict, *_) = repayer.reconcile()
    assert not verdict.decided


def test_nothing_else_is_sent_for_an_account_in_doubt(world, repayer):
    """Another plan, another asset: the account is in doubt, so nothing leaves."""
    world.give("ETH", borrowed="1")
    test_undecided_stops_everything_and_says_what_to_look_at(world, repayer)
    other = repayer.plan("ETH", pay_with=["USDT"])

    with pytest.raises(AccountInDoubt) as caught:
        repayer.run(other)

    assert caught.value.attempt_id == attempts(repayer)[0].id
    assert world.sent == 1


def test_the_last_lost_answer_may_be_left_for_later(world):
    """Without `reconcile_last` a run whose last answer is lost ends at once, and reconcile settles it."""
    world.fault("executed_then_503")
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))
        began = world.clock.now_ms()
        (settled,) = repayer.reconcile()

        assert (report.state, report.cause, report.exit_code) == (PlanState.UNDECIDED, "not-reconciled", 5)
        assert began - START_MS < 1_000
        assert settled.attempt.state is AttemptState.PROVEN_EXECUTED
        assert repayer.resume("k")[0].state is PlanState.DONE
    assert world.sent == 1


def test_a_doubt_is_told_in_the_words_of_whoever_reads_the_report(world):
    """The report shows why it is not known, what the exchange answered, and nothing that only a program could call."""
    world.fault("executed_then_503")
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))

    assert "Unknown error, please check your request or try again later." in report.message
    assert "settle(" not in str(report)
    assert report.attempts[0].note.startswith("HTTP 503, -1000 UNKNOWN")
    assert report.debt_after is None  # what the last look saw was owed before the attempt
    assert "still owed" not in str(report)


@pytest.mark.parametrize("executed", [True, False])
def test_a_person_can_settle_what_evidence_cannot(world, repayer, executed):
    """What a person states after looking is stored as the evidence, and the plan can go on."""
    test_undecided_stops_everything_and_says_what_to_look_at(world, repayer)
    (attempt,) = attempts(repayer)

    settled = repayer.settle(attempt.id, executed=executed, note="looked at the history page")

    assert settled.state.value == ("PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED")
    assert (
        repayer.journal.evidence.of(attempt.id)[-1].body["statement"]["note"] == "looked at the history page"
    )
    assert repayer.resume("k")[0].state is PlanState.DONE
    assert world.debt("BNB") == 0


def test_nobody_settles_before_the_request_is_dead(world):
    """A statement that nothing happened is refused while the request could still act, and without a note."""
    world.fault("not_executed_503_unknown")
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        repayer.run(repayer.plan("BNB", pay_with=["USDT"]))
        (attempt,) = attempts(repayer)

        with pytest.raises(AccountInDoubt, match="may still act until"):
            repayer.settle(attempt.id, executed=False, note="I think")
        with pytest.raises(InvalidRequest):
            repayer.settle(attempt.id, executed=False, note=" ")


def test_without_any_clock_nothing_is_concluded(world, repayer):
    """If no source gives the exchange's time, it is not known whether the request is dead: it stays in doubt."""
    world.fault("not_executed_503_unknown")
    world.fault("gateway_502_html_executed", path="/papi/v1/time", times=None)

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert (report.state, report.cause) == (PlanState.UNDECIDED, "not-reconciled")
    world.exchange.faults.disarm()
    assert repayer.resume()[0].state is PlanState.DONE


def test_a_stop_while_it_waits_for_evidence_leaves_the_doubt_open(world, repayer):
    """Asked to stop, a run does not sit through the wait; the attempt stays UNKNOWN for the next one."""
    world.fault("executed_then_reset")
    repayer.progress = lambda told: repayer.stop() if told.kind == "reconciling" else None

    report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert (report.state, report.cause) == (PlanState.UNDECIDED, "not-reconciled")
    assert repayer.in_doubt[0].state is AttemptState.UNKNOWN
    repayer.progress = None
    assert repayer.resume()[0].state is PlanState.DONE
    assert world.sent == 1


def test_the_clients_own_guard_opens_with_the_proof(world, repayer):
    """After a settled attempt the same client may repay that asset again."""
    pm = world.client()
    with world.repayer(pm, journal="other.db") as repayer:
        world.fault("not_executed_503_unknown")
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))

        assert pm.unresolved == ()


def test_a_doubt_that_only_the_client_knows_stops_the_plan(world):
    """A program called repay_debt by hand and lost the answer: the plan does not send past that."""
    pm = world.client()
    world.fault("executed_then_reset")
    with pytest.raises(Exception, match="may have happened"):
        pm.margin.repay_debt(asset="BNB", amount="1", specify_repay_assets=["USDT"])

    with world.repayer(pm) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert (report.state, report.cause) == (PlanState.STOPPED, "client-guard")
    assert world.repaid == [Decimal(1)]


# Resume


def test_resume_goes_on_where_the_journal_ends(world, repayer):
    """A plan that was stopped after its first piece repays what is left, and not what is paid."""
    world.give("BNB", borrowed="188")
    plan = repayer.plan("BNB", "150", pay_with=["USDT"], key="k")
    repayer.progress = lambda told: repayer.stop() if told.kind == "executed" else None
    first = repayer.run(plan)
    repayer.progress = None

    assert (first.state, first.cause, first.exit_code) == (PlanState.STOPPED, "stop-requested", 9)
    assert len(world.repaid) == 1
    with world.repayer() as other:
        (report,) = other.resume()
    assert report.state is PlanState.DONE
    assert sum(world.repaid) == 150


def test_resume_does_not_start_what_was_only_planned(world, repayer):
    """A plan that never ran is not run by a general resume, and a finished one is not run again."""
    repayer.plan("BNB", pay_with=["USDT"], key="only-planned")
    done = repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="done"))

    assert repayer.resume() == []
    assert repayer.resume("done") == [done]
    assert world.sent == 1


def test_a_running_plan_that_lost_its_process_is_reported_as_such(world, repayer):
    """Until a person resumes it, its report shows that it was interrupted, and running it sends nothing."""
    plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
    record = repayer.journal.plans.get(repayer.account, "k")
    repayer.journal.plans.move(record.id, PlanState.RUNNING, START_MS)

    report = repayer.run(plan)

    assert (report.state, report.cause) == (PlanState.RUNNING, "interrupted")
    assert world.sent == 0
    assert repayer.resume()[0].state is PlanState.DONE


# Others


def test_a_second_repayer_is_told_who_holds_the_account(world, repayer):
    """While one runs, another one with another journal is refused by name."""
    plan = repayer.plan("BNB", pay_with=["USDT"])
    seen = []

    def interfere(told):
        if told.kind == "executed":
            with world.repayer(journal="other.db", progress=lambda _: None) as other:
                try:
                    other.run(other.plan("BNB", "1", pay_with=["USDT"]))
                except (AccountBusy, PlanRefused) as error:
                    seen.append(error)

    world.give("BNB", borrowed="188")
    repayer.progress = interfere
    repayer.run(plan)

    assert seen
    assert all(isinstance(error, AccountBusy | PlanRefused) for error in seen)
    assert any(isinstance(error, AccountBusy) and "process" in str(error) for error in seen)
    assert world.debt("BNB") == 0


def test_another_journal_cannot_forget_what_this_one_knows(world, repayer):
    """After a crash with something open, a different journal is refused until that one has been resumed."""
    test_undecided_stops_everything_and_says_what_to_look_at(world, repayer)

    with world.repayer(journal="fresh.db") as fresh:
        plan = fresh.plan("BNB", "1", pay_with=["USDT"])
        with pytest.raises(AccountInDoubt, match=r"repay\.db"):
            fresh.run(plan)

    assert world.sent == 1


def test_two_keys_of_one_account_share_its_name(world):
    """With the same account name, two API keys are one writer."""
    from tests.repay.world import OTHER_KEY

    with (
        world.repayer(account="main") as one,
        world.repayer(world.client(key=OTHER_KEY), account="main") as two,
        world.repayer(world.client(key=OTHER_KEY)) as apart,
    ):
        assert one.account == two.account
        assert apart.account != one.account
        assert one.hold.lock.path == two.hold.lock.path


def test_somebody_who_keeps_borrowing_does_not_keep_us_paying(world, repayer):
    """When far more pieces are needed than planned, the plan stops and reports why."""
    plan = repayer.plan("BNB", pay_with=["USDT"])
    stranger = world.stranger()
    repayer.progress = lambda told: (
        stranger.margin.borrow(asset="BNB", amount="5") if told.kind == "executed" else None
    )

    report = repayer.run(plan)

    assert (report.state, report.cause, report.exit_code) == (PlanState.STOPPED, "more-than-planned", 7)
    assert len(world.repaid) == 2 * len(plan.pieces) + 3


def test_a_debt_that_somebody_else_repaid_is_not_paid_for_twice(world, repayer):
    """What is gone by other hands is seen by the look before the first piece; no request is needed."""
    plan = repayer.plan("BNB", pay_with=["USDT"])
    world.stranger().margin.repay_debt(asset="BNB", specify_repay_assets=["USDT"])

    report = repayer.run(plan)

    assert report.state is PlanState.DONE
    assert world.sent == 1


LONG = Options(fresh_look_pieces=0)  # as if every plan were a long one: its pieces share a look


def test_a_stream_event_makes_it_look_again(world):
    """When the stream shows another debt than we reckon, the balance is read before the next piece."""
    world.give("BNB", borrowed="188")
    with world.repayer(options=LONG) as repayer:
        plan = repayer.plan("BNB", "150", pay_with=["USDT"])

        def borrow(told):
            if told.kind == "executed" and told.pieces_done == 1:
                world.give("BNB", borrowed="1")
                event = {
                    "e": "liabilityChange",
                    "E": world.clock.now_ms(),
                    "a": "BNB",
                    "t": "BORROW",
                    "l": "126.01",
                }
                repayer.observe({**event, "T": 1, "p": "1", "i": "0"})

        repayer.progress = borrow
        repayer.run(plan)

    snapshots = [record for record in world.exchange.requests if record.path == "/papi/v1/balance"]
    assert len(snapshots) == 4  # plan, first, the event's, last


def test_the_newest_stream_event_is_the_one_that_counts(world):
    """An older one named another debt, the newest names what we reckon: no look is spent on it."""
    world.give("BNB", borrowed="188")
    with world.repayer(options=LONG) as repayer:
        plan = repayer.plan("BNB", "150", pay_with=["USDT"])

        def tell(told):
            if told.kind == "executed" and told.pieces_done == 1:
                for liability in ("130.01", "125.01000001"):
                    now_ms = world.clock.now_ms()
                    event = {"e": "liabilityChange", "E": now_ms, "a": "BNB", "t": "BORROW", "l": liability}
                    repayer.observe({**event, "T": 1, "p": "1", "i": "0"})
                    world.clock.advance(1)

        repayer.progress = tell
        repayer.run(plan)

    snapshots = [record for record in world.exchange.requests if record.path == "/papi/v1/balance"]
    assert len(snapshots) == 3  # plan, first, last


class OtherWords(Door):
    """The way to an exchange whose first answer to a repayment names another amount than was asked and repaid."""

    said = False

    def handle_request(self, request):
        answer = super().handle_request(request)
        if request.url.path != REPAY_PATH or self.said:
            return answer
        self.said = True
        return httpx.Response(200, json={**json.loads(answer.read()), "amount": "1.5"}, request=request)


def test_an_odd_amount_in_an_answer_is_doubt(world):
    """Success over another amount than was asked is settled by the balance, and counts as what was asked."""
    world.give("BNB", borrowed="188")
    with world.repayer(world.client(transport=OtherWords(world))) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert report.state is PlanState.DONE
    assert [line.state for line in report.attempts] == ["PROVEN_EXECUTED", "EXECUTED", "EXECUTED"]
    assert world.debt("BNB") == 0


def test_tries_are_counted_anew_for_each_piece(world):
    """Refusals that pass may strike every piece: only those in a row end a plan."""
    world.give("BNB", borrowed="188")
    refused = {"match": {"path": REPAY_PATH}, "fault": "service_unavailable_503", "times": 1}
    with world.repayer(options=Options(max_tries=2)) as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"])
        world.exchange.faults.arm(refused)

        def refuse_again(told):
            if told.kind == "executed" and told.pieces_done < 3:
                world.exchange.faults.arm(refused)

        repayer.progress = refuse_again
        report = repayer.run(plan)

    assert report.state is PlanState.DONE
    assert [line.state for line in report.attempts] == ["REJECTED", "EXECUTED"] * 3


def test_always_looking_costs_one_look_per_piece(world):
    """With `look_between="always"` every piece is cut from a balance that was just read."""
    world.give("BNB", borrowed="188")
    with world.repayer(options=Options(look_between="always")) as repayer:
        repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert len([r for r in world.exchange.requests if r.path == "/papi/v1/balance"]) == 1 + 3 + 1


def test_a_failing_read_stops_the_plan_in_good_order(world, repayer):
    """If the account cannot be read, nothing is sent and the plan can be resumed."""
    plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
    world.fault("gateway_502_html_executed", path="/papi/v1/balance", times=3)

    report = repayer.run(plan)

    assert (report.state, report.cause) == (PlanState.STOPPED, "read-failed")
    assert world.sent == 0
    assert repayer.resume("k")[0].state is PlanState.DONE


def test_progress_tells_the_whole_story(world, repayer):
    """Every event is plain data and names pieces, amounts, weight and the earliest finish."""
    world.give("BNB", borrowed="188")
    world.fault("executed_then_503", skip=1)

    repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    kinds = [told.kind for told in world.progress]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert [kind for kind in kinds if kind in ("unknown", "reconciling", "proven-executed")] == [
        "unknown",
        "reconciling",
        "proven-executed",
    ]
    done = [told for told in world.progress if told.kind in ("executed", "proven-executed")]
    assert [(told.pieces_done, told.pieces_total) for told in done] == [(1, 3), (2, 3), (3, 3)]
    assert [told.owed for told in done] == [Decimal("133.34000002"), Decimal("66.67000002"), None]
    assert done[-1].repaid == Decimal("200.01")
    last = json.loads(json.dumps(world.progress[-1].to_json()))
    assert (last["pieces_done"], last["pieces_total"], last["owed"]) == (3, 3, "0")


@pytest.mark.parametrize(
    ("fault", "kind", "figures"),
    [
        ("executed_then_503", "proven-executed", (1, 1, Decimal(1))),
        ("not_executed_503_unknown", "proven-not-executed", (0, 1, Decimal(0))),
    ],
)
def test_settling_what_an_earlier_run_left_open_is_told(world, fault, kind, figures):
    """Another plan begins with the old doubt: the progress shows what it was, how long it takes, and its proof."""
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        world.fault(fault)
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="first"))
        (attempt,) = attempts(repayer)
        world.progress.clear()
        assert repayer.run(repayer.plan("BNB", "2", pay_with=["USDT"], key="second"))

    wait, verdict = [told for told in world.progress if told.plan_key == "first"]
    assert (wait.kind, wait.attempt_id) == ("reconciling", attempt.id)
    assert wait.wait_ms >= 15_000
    assert f"attempt {attempt.id} of plan first (1 of BNB, " in wait.message
    assert (verdict.kind, verdict.attempt_id) == (kind, attempt.id)
    assert (verdict.pieces_done, verdict.pieces_total, verdict.repaid) == figures
    assert f"attempt {attempt.id} of plan first" in verdict.message
    assert ", rule " in verdict.message


def test_a_doubt_that_stays_is_told(world, repayer):
    """An earlier attempt that no evidence settles is named before anything is refused."""
    test_undecided_stops_everything_and_says_what_to_look_at(world, repayer)
    world.progress.clear()
    repayer.progress = world.progress.append

    repayer.resume("k")

    assert [told.kind for told in world.progress] == ["reconciling", "undecided"]


def test_progress_of_a_resumed_plan_counts_what_was_done_before(world, repayer):
    """From its first message on, a resumed plan shows the total that it has, not what it planned on top of that."""
    world.give("BNB", borrowed="188")
    repayer.progress = lambda told: repayer.stop() if told.kind == "executed" else None
    repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))

    world.progress.clear()
    repayer.progress = world.progress.append
    repayer.resume("k")

    assert {told.pieces_total for told in world.progress} == {3}
    assert world.progress[0].pieces_done == 1


def test_the_default_journal_is_in_the_state_directory(world, monkeypatch, tmp_path):
    """Without a path the journal and the locks belong to the user, and to no other user."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("sys.platform", "linux")
    from paydown.repay import SafeRepay

    with SafeRepay(world.client(), signals=False, sleep=world.sleep) as repayer:
        assert repayer.journal.path == tmp_path / "state" / "paydown" / "repay.db"
        repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert list((tmp_path / "state" / "paydown" / "locks").iterdir())


def test_a_journal_that_breaks_after_sending_leaves_the_attempt_open(world, repayer, monkeypatch):
    """When the outcome cannot be written, the caller gets an error, and resume settles it from evidence."""
    from paydown.repay import JournalUnusable, OutcomeNotRecorded

    plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
    broken = {"left": 1}
    real = AttemptTable.finish

    def finish(self, *arguments, **named):
        if broken["left"]:
            broken["left"] -= 1
            raise JournalUnusable("disk full")
        real(self, *arguments, **named)

    monkeypatch.setattr(AttemptTable, "finish", finish)

    with pytest.raises(OutcomeNotRecorded):
        repayer.run(plan)

    (attempt,) = attempts(repayer)
    assert attempt.state is AttemptState.INTENT
    (report,) = repayer.resume("k")
    assert [line.state for line in report.attempts] == ["PROVEN_EXECUTED"]
    assert world.repaid == [Decimal("12.01")]


@pytest.mark.parametrize(
    ("table", "method"), [(AttemptTable, "begin"), (PlanTable, "move"), (DebtTable, "add")]
)
def test_a_journal_that_breaks_after_a_piece_is_not_called_harmless(
    world, repayer, monkeypatch, table, method
):
    """One piece is executed and recorded, then the disk is full: money has moved, and the exit code shows it."""
    from paydown.repay import JournalUnusable, OutcomeNotRecorded

    world.give("BNB", borrowed="188")
    plan = repayer.plan("BNB", "100", pay_with=["USDT"], key="k")
    real = getattr(table, method)

    def breaks(self, *arguments, **named):
        if world.repaid:
            raise JournalUnusable("disk full")
        return real(self, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(table, method, breaks)
        with pytest.raises(OutcomeNotRecorded) as caught:
            repayer.run(plan)

    assert caught.value.exit_code == 5
    assert "disk full" in str(caught.value)
    (report,) = repayer.resume("k")
    assert report.state is PlanState.DONE
    assert sum(world.repaid) == 100


def test_neither_key_nor_secret_nor_signature_is_written_down(world, repayer, tmp_path):
    """After clear answers, a lost one and its evidence no file of ours holds them, in no form."""
    world.fault("executed_then_503")
    repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="k"))
    signatures = [
        re.search(rb"signature=([0-9a-f]+)", record.body + b"&" + record.query)
        for record in world.exchange.requests
    ]
    secrets = [found[1] for found in signatures if found is not None]
    secrets += [API_KEY.encode(), SECRET.encode(), base64.b64encode(SECRET.encode())]

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"repay.db", "repay.db-wal"} <= {path.name for path in files}
    assert any(path.suffix == ".lock" for path in files)
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
        held = path.read_bytes()
        assert not any(secret in held for secret in secrets), path


def test_a_stop_between_a_refused_timestamp_and_the_next_one_is_orderly(world):
    """The timestamp is refused, and before the request is signed anew a stop is asked for: nothing is in doubt."""
    world.fault("clock_skew")

    def stop(step, side):
        if (step, side) == (Step.WRITE_INTENT, "after"):
            repayer.stop()

    with world.repayer(trace=stop) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))
        assert (report.state, report.cause) == (PlanState.STOPPED, "stop-requested")
        assert [line.state for line in report.attempts] == ["REJECTED"]
        repayer.trace = None
        (report,) = repayer.resume("k")

    assert report.state is PlanState.DONE
    assert len(world.repaid) == 1


def test_a_journal_that_breaks_before_anything_was_sent_is_harmless(world, repayer, monkeypatch):
    """INTENT cannot be written: nothing left this machine."""
    from paydown.repay import JournalUnusable

    plan = repayer.plan("BNB", pay_with=["USDT"], key="k")

    def breaks(self, *arguments, **named):
        raise JournalUnusable("disk full")

    monkeypatch.setattr(AttemptTable, "begin", breaks)
    with pytest.raises(JournalUnusable) as caught:
        repayer.run(plan)

    assert caught.value.exit_code == 3
    assert world.sent == 0


def test_without_a_key_no_plan_is_made_beside_an_unfinished_one(world, repayer):
    """A crash, and the same call again: it would repay on top of what the first plan still owes."""
    from paydown.repay import PlanUnfinished

    world.give("BNB", borrowed="188")
    plan = repayer.plan("BNB", "100", pay_with=["USDT"])
    repayer.progress = lambda progress: repayer.stop() if progress.kind == "executed" else None
    assert repayer.run(plan).state is PlanState.STOPPED

    with pytest.raises(PlanUnfinished) as caught:
        repayer.plan("BNB", "100", pay_with=["USDT"])

    assert caught.value.plan_key == plan.key
    assert repayer.plan("BNB", "100", pay_with=["USDT"], new=True).key != plan.key
    assert repayer.plan("BNB", "100", pay_with=["USDT"], key="another").key == "another"
    world.give("ETH", borrowed="1")
    assert repayer.plan("ETH", pay_with=["USDT"]).asset == "ETH"
    repayer.progress = None
    assert all(repayer.resume(plan.key))
    assert repayer.plan("BNB", "1", pay_with=["USDT"]).asset == "BNB"


def test_an_attempt_that_nobody_made_cannot_be_reconciled(world, repayer):
    """A mistyped id is an error, not "nothing is in doubt"; one that is closed is simply not in doubt."""
    from paydown.errors import UnknownAttempt

    repayer.run(repayer.plan("BNB", pay_with=["USDT"]))
    (attempt,) = attempts(repayer)

    assert repayer.reconcile(attempt.id) == []
    with pytest.raises(UnknownAttempt) as caught:
        repayer.reconcile("a-typo")
    assert caught.value.exit_code == 3


def test_an_attempt_that_nobody_made_cannot_be_settled(world):
    """No person's word closes what this account never sent: neither a mistyped id nor another account's attempt."""
    from paydown.errors import UnknownAttempt

    journal = Journal(world.folder / "repay.db")
    options = Options(reconcile_last=False)
    with journal, world.repayer(journal=journal, options=options) as repayer:
        world.fault("not_executed_503_unknown")
        repayer.run(repayer.plan("BNB", pay_with=["USDT"]))
        (attempt,) = attempts(repayer)
        world.clock.advance(600_000)
        with pytest.raises(UnknownAttempt, match="'a-typo'"):
            repayer.settle("a-typo", executed=True, note="seen")

        stranger = world.repayer(world.stranger(), journal=journal, account="another", new_account=True)
        with stranger, pytest.raises(UnknownAttempt, match=attempt.id):
            stranger.settle(attempt.id, executed=True, note="seen")

        assert repayer.in_doubt == [attempt]


def test_a_plan_can_be_run_by_a_process_that_did_not_make_it(world, repayer):
    """A plan is plain data: it can be stored, sent and run elsewhere."""
    plan = repayer.plan("BNB", pay_with=["USDT"])
    copy = type(plan).from_json(json.loads(json.dumps(plan.to_json())))

    with world.repayer() as other:
        assert other.run(copy).state is PlanState.DONE
    assert repayer.run(replace(plan)).state is PlanState.DONE
    assert world.sent == 1
