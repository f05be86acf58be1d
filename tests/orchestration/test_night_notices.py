"""Who is told what after a night: failure, closed gate, new warning, recovery, no good night for long; by mail and webhook."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from orchestration.nights.night_records import NightRecord, add_night, read_nights
from orchestration.nights.notices import notice_of_staleness, notices_of, send
from orchestration.nights.run_outcome import night_of_run
from orchestration.settings import Settings
from tests.patience import PATIENCE_SECONDS, free_port

HERE = "warehouse on a test machine"
# seconds that apprise waits for a connection and for an answer
PATIENT = f"cto={PATIENCE_SECONDS}&rto={PATIENCE_SECONDS}"


def night(run_id: str, outcome: str = "published", day: int = 1, warnings: tuple[str, ...] = (), **more) -> NightRecord:
    return NightRecord(run_id, f"2026-03-{day:02d}T02:10:00+00:00", outcome, warnings=list(warnings), **more)


def kinds(tonight: NightRecord, *before: NightRecord) -> list[str]:
    return [notice.kind for notice in notices_of(tonight, before, HERE)]


class TestWhatIsSaid:
    def test_a_good_night_after_a_good_night_says_nothing(self):
        assert kinds(night("b", day=2), night("a")) == []

    def test_a_closed_gate_is_told_with_its_summary_and_what_stays_published(self):
        closed = night("b", "gate closed", 2, step="quality__marts_gate", message="recurrences: 40 of 300 (allowed 0)")
        (notice,) = notices_of(closed, [night("a")], HERE)
        assert notice.kind == "closed gate"
        assert "40 of 300" in notice.body and "2026-03-01T02:10:00+00:00" in notice.body

    def test_a_failure_names_the_step(self):
        (notice,) = notices_of(night("a", "failed", step="dbt_models", message="DagsterDbtCliRuntimeError"), [], HERE)
        assert notice.kind == "failure"
        assert "dbt_models" in notice.body and "Nothing has been published yet" in notice.body

    def test_a_failure_after_the_publication_says_that_it_is_tonights(self):
        failed = night("b", "failed", 2, step="published__report", message="DiskFull")
        (notice,) = notices_of(failed, [night("a")], HERE, has_published=True)
        assert (notice.kind, notice.title) == ("failure", "The night failed after it had published")
        assert "published__report" in notice.body and "still the night of" not in notice.body

    def test_the_first_good_night_after_a_bad_one_is_a_recovery(self):
        assert kinds(night("c", day=3), night("a"), night("b", "failed", 2)) == ["recovery"]

    def test_only_warnings_that_the_last_good_night_did_not_have_are_told(self):
        before = [night("a", warnings=("marts: follow_up",)), night("b", "failed", 2)]
        assert kinds(night("c", day=3, warnings=("marts: follow_up",)), *before) == ["recovery"]
        (_, warned) = notices_of(night("c", day=3, warnings=("marts: follow_up", "marts: sexes")), before, HERE)
        assert warned.kind == "new warning"
        assert "sexes" in warned.body and "follow_up" not in warned.body

    def test_no_good_night_for_26_hours_is_told_and_25_are_not(self):
        nights = [night("a"), night("b", "failed", 2, step="raw__registry")]
        assert notice_of_staleness(nights, "2026-03-02T03:10:00+00:00", 26, HERE) is None
        overdue = notice_of_staleness(nights, "2026-03-02T05:10:00+00:00", 26, HERE)
        assert overdue.kind == "no good night"
        assert "27 hours ago" in overdue.body and "raw__registry" in overdue.body


class TestRecords:
    def test_a_run_that_two_saw_has_one_record(self, tmp_path):
        file = tmp_path / "nights.jsonl"
        assert add_night(file, night("a")) == []
        assert add_night(file, night("a")) is None
        assert [earlier.run_id for earlier in add_night(file, night("b", day=2))] == ["a"]
        assert [kept.run_id for kept in read_nights(file)] == ["a", "b"]

    def test_a_line_that_a_crash_cut_in_half_does_not_stop_the_next_night(self, tmp_path):
        file = tmp_path / "nights.jsonl"
        add_night(file, night("a"))
        file.write_text(file.read_text() + '{"run_id": "b", "ended', encoding="utf-8")
        assert [kept.run_id for kept in read_nights(file)] == ["a"]


class TestRunsOfDagster:
    @pytest.fixture
    def instance(self):
        with dg.DagsterInstance.ephemeral() as instance:
            yield instance

    def run(self, instance, *assets):
        job = dg.define_asset_job("nightly_refresh", executor_def=dg.in_process_executor)
        result = (
            dg.Definitions(assets=list(assets), jobs=[job])
            .resolve_job_def("nightly_refresh")
            .execute_in_process(instance=instance, raise_on_error=False)
        )
        return night_of_run(instance, result.run_id)

    def test_an_error_is_told_by_its_class_since_its_text_may_quote_a_record(self, instance):
        @dg.asset
        def loading():
            raise ValueError("row 3: Mrs Planted, MRN 00451")

        record = self.run(instance, loading)
        assert (record.outcome, record.step, record.message) == ("failed", "loading", "ValueError")

    def test_a_gate_that_says_why_is_a_closed_gate_and_a_check_that_warns_is_kept(self, instance):
        @dg.asset(check_specs=[dg.AssetCheckSpec("sexes", asset="marts_gate")])
        def marts_gate():
            yield dg.AssetCheckResult(check_name="sexes", passed=False, severity=dg.AssetCheckSeverity.WARN)
            raise dg.Failure(description="The marts gate is closed", allow_retries=False)

        record = self.run(instance, marts_gate)
        assert (record.outcome, record.step, record.message) == (
            "gate closed",
            "marts_gate",
            "The marts gate is closed",
        )
        assert record.warnings == ["marts_gate: sexes"]


NOTICE = notices_of(
    night("b", "gate closed", 2, step="quality__marts_gate", message="recurrences halved"), [night("a")], HERE
)


class TestSending:
    def test_a_mail_server_receives_the_notice(self):
        from aiosmtpd.controller import Controller

        class Inbox:
            mails: list[str] = []  # noqa: RUF012

            async def handle_DATA(self, server, session, envelope):  # noqa: N802
                self.mails.append(envelope.content.decode())
                return "250 OK"

        port = free_port()
        controller = Controller(Inbox(), hostname="127.0.0.1", port=port, ready_timeout=PATIENCE_SECONDS)
        controller.start()
        try:
            address = f"mailto://127.0.0.1:{port}?from=nights@hospital.example&to=engineer@hospital.example&mode=insecure&{PATIENT}"
            assert send(NOTICE, [address]) == []
        finally:
            controller.stop()
        (mail,) = Inbox.mails
        assert "The gate is closed" in mail and "recurrences halved" in mail

    def test_a_webhook_receives_the_notice(self):
        received = []

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        with HTTPServer(("127.0.0.1", 0), Hook) as server:
            threading.Thread(target=server.handle_request, daemon=True).start()
            assert send(NOTICE, [f"json://127.0.0.1:{server.server_port}/nights?{PATIENT}"]) == []
        assert received[0]["title"] == NOTICE[0].title and "recurrences halved" in received[0]["message"]

    def test_what_cannot_be_delivered_is_said_without_the_password(self):
        (undelivered,) = send(NOTICE, ["json://user:secret@127.0.0.1:9/hook"])
        assert "address 1 of CRLM_NOTIFY (json)" in undelivered and "secret" not in undelivered
        assert "no address that apprise knows" in send(NOTICE, ["nonsense"])[0]

    def test_the_setting_is_a_list_separated_by_blanks(self, monkeypatch):
        monkeypatch.setenv("CRLM_NOTIFY", "json://one/a  mailto://two?to=a@b.example,c@d.example")
        assert Settings().notify == ("json://one/a", "mailto://two?to=a@b.example,c@d.example")
