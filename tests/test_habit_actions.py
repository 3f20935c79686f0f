"""Every audited action and every page has its tests. SPEC sections 2, 17 and 20.7.

One table of actions: the endpoint that does it (whose rights the table of routes asks), and the
test of the page that does it or shows it. One of pages: its test in a browser. A test that was
renamed or taken away fails here, and so does an action or a page that has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from console.api import ROUTES
from console.openapi.document import endpoints
from tests import test_habit_pages
from tests.console.test_audited_actions import DO, OFFLINE
from tests.console.test_vocabulary import SPEC_ACTIONS
from tests.test_habit_routes import TABLE, Api

TESTS = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Action:
    """`by`: what does it, METHOD and path, or a command. `shown`: a page's test, or, after `no: `,
    why no page does it."""

    by: str
    shown: str


ACCESS = "browser/test_access_pages.py"
FEEDBACK = "browser/test_feedback_page.py"
GROUP = f"{ACCESS}::test_a_group_is_made_filled_and_the_last_step_undone_by_keyboard"
USER = f"{ACCESS}::test_a_user_is_added_and_given_a_token_that_is_shown_once"
KERNEL = "no: the jobs do it; the page of jobs shows their runs"
MACHINE = "no: notebooks and terminals ask for it"
TABLES = "browser/test_tables_page.py"
CATALOG = "browser/test_catalog_page.py"
CONFIG = "browser/test_server_config_page.py"

ACTIONS: dict[str, Action] = {
    "auth.login": Action(
        "POST /api/login",
        "browser/test_sign_in.py::test_signing_in_leads_to_where_one_wanted_to_go",
    ),
    "auth.login_failed": Action(
        "POST /api/login",
        "browser/test_sign_in.py::test_a_wrong_password_is_said_and_the_mail_kept",
    ),
    "auth.logout": Action("POST /api/logout", "browser/test_sign_in.py::test_signing_out_ends_it"),
    "token.create": Action("POST /api/admin/tokens", USER),
    "token.revoke": Action("DELETE /api/admin/tokens/{id}", "console/pages/test_access_pages.py"),
    "user.create": Action("POST /api/admin/users", USER),
    "user.update": Action("PATCH /api/admin/users/{id}", "console/pages/test_access_pages.py"),
    "user.deactivate": Action(
        "DELETE /api/admin/users/{id}",
        f"{ACCESS}::test_several_people_are_ticked_and_deactivated_by_keyboard",
    ),
    "user_groups.*": Action("POST /api/admin/groups", GROUP),
    "user_group_members.*": Action("POST /api/admin/groups/{id}/members", GROUP),
    "resource_grants.add": Action(
        "POST /api/admin/grants",
        f"{ACCESS}::test_cells_of_the_matrix_are_walked_and_toggled_by_keyboard",
    ),
    "resource_grants.remove": Action(
        "DELETE /api/admin/grants/{id}",
        f"{ACCESS}::test_without_scripts_a_cell_is_a_button_and_its_undo_another",
    ),
    "registry.create": Action("POST /api/admin/tables", TABLES),
    "registry.update": Action("PATCH /api/admin/tables/{id}", TABLES),
    "registry.delete": Action("DELETE /api/admin/tables/{id}", TABLES),
    "instance_config.update": Action(
        "PUT /api/admin/config", f"{CONFIG}::test_a_setting_is_changed_and_undone_by_keyboard"
    ),
    "instance_templates.set": Action(
        "PUT /api/admin/templates/{name}",
        f"{CONFIG}::test_two_editors_of_a_prompt_lose_no_word",
    ),
    "sync.trigger": Action("POST /api/sync/trigger", TABLES),
    "sync.table": Action(KERNEL, "browser/test_tab_sync.py"),
    "script_runner.tick": Action("POST /api/scripts/run-due", MACHINE),
    "session.upload": Action("POST /api/upload/sessions", "no: agnes push sends them"),
    "session.transcript_view": Action(
        "GET /api/admin/sessions/{user}/{file}/transcript",
        "browser/test_my_sessions.py::test_i_see_who_opened_my_sessions_and_why",
    ),
    "session_download": Action(
        "GET /api/admin/sessions/{user}/{file}/download",
        "console/pages/replay/test_replay_parts.py",
    ),
    "session_bulk_download": Action(
        "GET /api/admin/users/{id}/sessions/download-all",
        "browser/test_user_page.py::test_everything_of_a_person_can_be_taken_along",
    ),
    "data.download": Action("GET /api/data/{table}/download", MACHINE),
    "data.access_check": Action("POST /api/check-access", CATALOG),
    "query.local": Action("POST /api/query", CATALOG),
    "query.internal": Action("POST /api/query", CATALOG),
    "query.hybrid": Action("POST /api/query/hybrid", TABLES),
    "query.remote": Action("POST /api/query", MACHINE),
    "catalog.list": Action("GET /api/v2/catalog", CATALOG),
    "catalog.schema": Action("GET /api/v2/schema/{name}", CATALOG),
    "catalog.sample": Action("GET /api/v2/sample/{name}", CATALOG),
    "snapshot.estimate": Action("POST /api/v2/scan/estimate", MACHINE),
    "snapshot.create": Action("POST /api/v2/scan", MACHINE),
    "manifest.fetch": Action("GET /api/sync/manifest", MACHINE),
    "run_session_processor:": Action("POST /api/admin/run-session-processor", KERNEL),
    "run_job:": Action(
        "POST /api/admin/jobs/{name}/run",
        "browser/test_jobs_page.py::test_run_now_shows_the_run_until_its_end",
    ),
    "usage.ask": Action(
        "POST /api/admin/telemetry/ask",
        "browser/test_ask.py::test_an_answer_stands_under_its_question_whatever_comes_next",
    ),
    "usage.export": Action(
        "GET /api/admin/telemetry/export",
        "browser/test_telemetry_page.py::test_what_leaves_is_what_is_shown",
    ),
    "usage.reprocess": Action(
        "POST /api/admin/telemetry/reprocess", "console/pages/test_jobs_page.py"
    ),
    "usage.prune": Action("POST /api/admin/telemetry/prune", KERNEL),
    "usage.summary": Action("GET /api/admin/telemetry/summary", MACHINE),
    "audit.prune": Action("POST /api/jobs/prune", KERNEL),
    "admin.user_activity_read": Action(
        "GET /api/admin/users/{id}/activity",
        "browser/test_user_page.py::test_what_a_person_did_is_read_and_that_is_written",
    ),
    "feedback.report": Action("POST /api/feedback", "no: agnes report sends them"),
    "feedback.update": Action(
        "PATCH /api/admin/feedback/{id}",
        f"{FEEDBACK}::test_the_keyboard_goes_ticks_assigns_and_takes_it_back",
    ),
    "feedback.merge": Action(
        "POST /api/admin/feedback/merge",
        f"{FEEDBACK}::test_merged_ones_stand_as_one_until_they_are_taken_apart",
    ),
    "feedback.unmerge": Action(
        "POST /api/admin/feedback/unmerge",
        f"{FEEDBACK}::test_merged_ones_stand_as_one_until_they_are_taken_apart",
    ),
    "feedback.delete": Action(
        "DELETE /api/admin/feedback/{id}",
        f"{FEEDBACK}::test_the_reporter_amends_and_deletes_their_own",
    ),
    "views.save": Action(
        "POST /api/admin/observability/views",
        "browser/test_saved_views.py::test_a_view_is_saved_from_the_page_and_opened_by_a_click",
    ),
    "views.delete": Action(
        "DELETE /api/admin/observability/views/{id}",
        "browser/test_saved_views.py"
        "::test_a_view_is_renamed_by_keyboard_and_deleted_after_a_second_thought",
    ),
    "audit.reveal_raw": Action(
        "POST /api/admin/activity/{id}/reveal",
        "browser/test_side_panel.py::test_what_is_masked_is_shown_to_who_says_why",
    ),
    "audit.rollback": Action(
        "POST /api/admin/activity/{id}/rollback",
        "browser/test_side_panel.py::test_a_change_is_undone_after_a_look",
    ),
    "access.read": Action("GET /api/admin/users", "console/pages/test_access_pages.py"),
    "jobs.read": Action("GET /api/admin/jobs", "console/pages/test_jobs_page.py"),
    "job.cancel": Action(
        "POST /api/admin/jobs/runs/{id}/cancel",
        "browser/test_jobs_page.py::test_cancel_ends_a_run_and_retry_begins_another",
    ),
    "view_as.start": Action(
        "POST /api/view-as", f"{CATALOG}::test_an_admin_views_as_somebody_and_comes_back"
    ),
    "view_as.stop": Action(
        "DELETE /api/view-as", f"{CATALOG}::test_an_admin_views_as_somebody_and_comes_back"
    ),
    "marketplace.import": Action(
        "POST /api/admin/marketplace/import", "browser/test_marketplace_page.py"
    ),
    "telegram.link": Action("POST /api/admin/telegram/links", "no: agnes admin telegram links"),
    "telegram.unlink": Action(
        "DELETE /api/admin/telegram/links/{user_id}", "no: agnes admin telegram unlinks"
    ),
    "backup.create": Action(
        "POST /api/admin/backups",
        "browser/test_health_page.py::test_health_is_found_by_keys_and_takes_a_backup_by_keyboard",
    ),
    "backup.restore": Action("agnes restore", "no: the server is stopped meanwhile"),
    "activity.read": Action("GET /api/admin/activity", "browser/test_table.py"),
    "telemetry.read": Action("GET /api/admin/telemetry/kpis", "browser/test_telemetry_page.py"),
    "sessions.read": Action("GET /api/admin/sessions/list", "browser/test_sessions_page.py"),
    "feedback.read": Action("GET /api/admin/feedback", "console/pages/test_feedback_pages.py"),
}

# Page -> its test in a browser.
WALKED: dict[str, str] = {
    "/admin/activity": "browser/test_activity_page.py",
    "/admin/telemetry": "browser/test_telemetry_page.py",
    "/admin/sessions": "browser/test_sessions_page.py",
    "/admin/sessions/{user}/{file}": "browser/test_replay_events.py",
    "/admin/feedback": FEEDBACK,
    "/admin/feedback/{report}": FEEDBACK,
    "/admin/users": ACCESS,
    "/admin/users/{user}": "browser/test_user_page.py",
    "/admin/groups": ACCESS,
    "/admin/access": ACCESS,
    "/admin/tokens": ACCESS,
    "/admin/tables": TABLES,
    "/admin/marketplace": "browser/test_marketplace_page.py",
    "/admin/health": "browser/test_health_page.py",
    "/admin/jobs": "browser/test_jobs_page.py",
    "/admin/agent-prompt": CONFIG,
    "/admin/workspace-prompt": CONFIG,
    "/admin/server-config": CONFIG,
    "/catalog": CATALOG,
    "/me": "browser/test_my_page.py",
    "/me/sessions": "browser/test_my_sessions.py",
    "/me/sessions/{file}": "browser/test_replay_nav.py::test_everybody_replays_their_own",
    "/me/reports": f"{FEEDBACK}::test_the_reporter_amends_and_deletes_their_own",
    "/me/reports/{report}": f"{FEEDBACK}::test_an_answer_by_keyboard_reaches_the_reporter",
    "/me/notifications": "browser/test_bell.py",
}

# Their names end with a job's or a processor's, and so their own tests find them.
ELSEWHERE = {
    "run_job:": "console/jobs/test_dispatcher.py",
    "run_session_processor:": "console/test_processing_api.py",
}
NAMED = set(ELSEWHERE)


@cache
def served() -> set[str]:
    return {one.name for one in endpoints(ROUTES)}


def of_family(name: str) -> list[str]:
    """The actions that are tried, of one name or of a family."""
    begins = name.rstrip("*")
    is_family = name[-1] in "*:"
    return [one for one in DO if (one.startswith(begins) if is_family else one == name)]


def missing_test(name: str) -> str:
    """What is wrong with `file` or `file::test`; empty for nothing."""
    file, _, test = name.partition("::")
    path = TESTS / file
    if not path.is_file():
        return f"no file {file}"
    text = path.read_text(encoding="utf-8")
    if not re.search(rf"^def {test or 'test_'}", text, re.MULTILINE):
        return f"{file} has no {test or 'test'}"
    return ""


def test_the_table_is_the_specifications_list() -> None:
    assert set(ACTIONS) == set(SPEC_ACTIONS.split())


def test_every_action_is_tried_and_its_row_found() -> None:
    untried = [name for name in ACTIONS if not of_family(name) and name not in OFFLINE | NAMED]
    assert untried == []
    for name, file in ELSEWHERE.items():
        assert name in (TESTS / file).read_text(encoding="utf-8"), file


def test_every_action_has_an_endpoint_whose_rights_are_asked() -> None:
    wrong = []
    asked = set(_asked())
    for name, action in ACTIONS.items():
        if action.by in (KERNEL, "agnes restore"):
            continue
        if action.by not in served():
            wrong.append(f"{name}: nobody serves {action.by}")
        elif action.by not in asked:
            wrong.append(f"{name}: the table of routes does not ask {action.by}")
    assert wrong == []


def _asked() -> Iterator[str]:
    """METHOD and path of what the table of routes asks as everybody."""
    by_pattern = {pattern: route for pattern, route in TABLE.items() if isinstance(route, Api)}
    for one in endpoints(ROUTES):
        pattern = one.path.replace(".", r"\.")
        for name, group in one.groups.items():
            pattern = pattern.replace("{" + name + "}", f"({group})")
        route = by_pattern.get(f"{pattern}$") or by_pattern.get(pattern)
        if route is not None and one.method in route.rights:
            yield one.name


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_action_is_done_on_a_page_or_says_why_not(name: str) -> None:
    shown = ACTIONS[name].shown
    assert shown.startswith("no: ") or missing_test(shown) == "", missing_test(shown)


def test_every_page_is_opened_by_a_browser() -> None:
    assert set(WALKED) == set(test_habit_pages.TABLE)
    wrong = {path: missing_test(test) for path, test in WALKED.items() if missing_test(test)}
    assert wrong == {}


def test_a_test_that_is_not_there_is_seen() -> None:
    assert missing_test("browser/test_no_such_page.py")
    assert missing_test(f"{ACCESS}::test_no_such_thing")
