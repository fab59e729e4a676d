"""A script in every column that a text can fill, and every page of the table of routes: it stands nowhere as it is.

All text columns of all tables are here, from the models themselves: those that a page shows are filled, and each has to
be seen; the others are named with the reason why nothing strange can stand in them, or why no page shows it."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from markupsafe import escape
from tortoise import Model, Tortoise, fields

import handlers.office
from bot.config import load
from handlers.exchange.table import FORMULA
from handlers.office.frame.routes import PAGES
from handlers.office.settings.prices import KINDS
from models.sql import now_ms
from tests.world.browser import Office, open_office
from tests.world.chromium import links_of
from tests.world.full_desk import open_full_desk
from tests.world.hostile import FORMULAS, HOSTILE, check_inert
from tests.world.office_paths import path_of, walk

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["sqlite"])]

CALLER = "+255710000104"
# Pages that the walk does not come to, or with another choice.
MORE = (
    *(f"/settings/prices/{kind}" for kind in KINDS),
    "/money/close?day=2026-11-01",
    "/settings/texts?language=en",
    "/settings/receipts",
)
COMPANY = "<b>1\"'"  # what it may be called
NUMBER = re.compile(r"[+-]?[0-9][0-9., ]*")
SHORT = 28  # characters that the longer one of the two scripts needs at most
# What nothing strange can stand in, and why.
CANNOT: dict[str, str] = {
    "a word out of a list of ours": """
        agent.language appliance.type audit.action broadcast.state broadcast_receiver.result cash_request.language
        cash_request.state contact.language contract.ending contract.period contract.terms customer.gender
        customer.language device.issuer device.kind devicemodel.kind evidence.source account.currency
        account.kind gatewaystate.told hand_in_event.step inbox.outcome inbox.sender_kind inbox.state money_day.what
        money_week.what money_sum.by_what money_sum.span money_sum.what money_sum.whose notice.kind
        office_invitation.role
        office_session.role office_word.command office_word.language officeuser.language officeuser.role outbox.error
        outbox.kind outbox.state payment.currency payment_request.language payment_request.reason payment_request.state
        paymentplan.period paymentplan.terms proposal.state proposal.what receipt_text.state reservation.kind
        reservation.state sale.unit setting.name office_setting.name statement_line.direction statement_line.settled
        suspense.why tariff.unit ticket.category ticket.state ticket_event.step void.state write_off.kind
        office_text.language device_swap.unit office_upload.kind office_promotion.role office_promotion.state
        office_promotion.what statement_sum.settled statement_sum.direction""",
    "a number that a parser has read": """
        agent.phone customer.phone broadcast_receiver.phone cash_request.phone draft.phone office_message.phone
        outbox.phone payment_request.phone phone.version phone_receiver.receiver ussdsession.phone contact.phone""",
    "made by us: a key, a reference, digits, a hash": """
        broadcast.key cash_request.key contract.key device_swap.key device_swap.digits draft.name entry.key
        form_once.key
        inbox.external_id office_message.key office_message.origin office_recovery_code.hash office_session.hash
        officeuser.password_hash agent.pin_hash outbox.origin outbox.claimed_by payment_request.key proposal.key
        phone.token_hash phone.former_hash phone.login phone.password_hash phone.code_hash contact.bad_text
        registration.key registration.request registration.consent reservation.key sale.key sale.reference
        till_deposit.key token.digits ticket.key ussdsession.transcript_mac ussdturn.mac notice.digest guess.name
        payment_request.claimed_by payment_request.reference""",
    "a sentence of ours": "office_text.english",
    "encrypted": """
        device.sealed_key inbox.sealed notice.sealed officeuser.factor phone.signing_key receipt_text.sealed
        office_session.typed""",
    "the name of a gateway or provider in the configuration": """
        gateway_beat.gateway gatewaystate.name inbox.gateway outbox.gateway outbox.tried_before receipt_text.gateway
        refused.gateway ussdsession.gateway receipt_wallet.operator receipt_rule.provider""",
    "of the machine's own making, read by it alone": """
        broadcast.audience contact.talk contact.network day_close.figures day_close.subject draft.answers draft.talk
        receipt_wallet.balances setting.value ussdsession.talk""",
    "words in small letters without accents, to search by": "name_trace.trace name_turn.words name_word.word",
}
# What a text can fill, and no page shows.
NOT_SHOWN: dict[str, str] = {
    "it goes out to the phones of the office, or into the log": "alert.sentence",
    "of a machine that talks to us, kept to find out what went wrong": """
        evidence.provider evidence.reference inbox.network inbox.recipient notice.address notice.outcome notice.provider
        outbox.external_id payment_request.external_id phone.model phone_part.event_id refused.body refused.reason
        ussdsession.session_id ussdturn.response""",
    "kept beside what happened; the page says so out of the log": """
        device_swap.actor device_swap.reason office_upload.brought_by proposal.decided_by statement_line.note
        statement_line.settled_by suspense.closed_by top_up.actor top_up.reference write_off.agreed_by
        write_off.refused_by statement_file.actor""",
    "checked before it counts; the company's name is tried below": "office_setting.value",
    "what a page shows is read anew": "receipt_text.reference receipt_text.rule",
    "shown once, in the answer to the form that brings the file": "office_upload.name",
    "a copy, by which figures are added up": """
        money_day.provider money_week.provider statement_file.provider statement_sum.provider unmatched.provider""",
}


@dataclass(frozen=True)
class Column:
    """A text column of a table, and the script that is written into it."""

    model: type[Model]
    name: str
    number: int

    @property
    def table(self) -> str:
        return str(self.model._meta.db_table)

    @property
    def key(self) -> str:
        return f"{self.table}.{self.name}"

    @property
    def script(self) -> str:
        most = getattr(self.model._meta.fields_map[self.name], "max_length", None) or SHORT
        return f"<script>{self.number}</script>\"'" if most >= SHORT else f"<b>{self.number}\"'"


def text_columns() -> dict[str, Column]:
    """All of them, by `table.column`."""
    found = [
        (model, name)
        for model in Tortoise.apps["models"].values()
        for name, one in sorted(model._meta.fields_map.items())
        if isinstance(one, fields.CharField | fields.TextField)
    ]
    return {column.key: column for n, (model, name) in enumerate(found, 100) for column in (Column(model, name, n),)}


def named(reasons: Mapping[str, str]) -> set[str]:
    return {key for columns in reasons.values() for key in columns.split()}


SENTENCE = "Never tell anybody your PIN, not even us."
# What a row needs to be shown, in a table that is empty else; columns that are not named get what fits them.
ROWS: dict[str, dict[str, Any]] = {
    "office_promotion": {"role": "owner", "state": "asked", "what": "role"},
    "proposal": {"what": "credit", "state": "asked", "amount": 1},
    "write_off": {"kind": "claim", "owner": 1, "agreed_at": None, "refused_at": None},
    "devicemodel": {"kind": "shs"},
    "day_close": {"subject": "", "figures": "{}", "day": date(2026, 11, 1)},
    "office_text": {"language": "en", "english": SENTENCE},
    "office_setting": {"name": "company"},
    "receipt_rule": {"provider": "kisiwa", "active": True},
    "ussdsession": {"phone": CALLER, "gateway": "simulator", "updated_at": now_ms()},  # else it is purged at once
    "office_message": {"phone": CALLER},
}
# Columns that are read, as JSON or as a rule, with the place of a text in it.
AROUND = {
    "receipt_rule.template": "[reference] confirmed. You have received [amount] from your customer TEXT",
    "broadcast.texts": '{"en": "TEXT"}',
    "phone.sims": '[{"number": 1, "phone": "", "carrier": "TEXT"}]',
}
# A row may not have what another one has.
EACH_ANOTHER = {
    "village.name",
    "phone.name",
    "paymentplan.name",
    "officeuser.name",
    "payment.reference",
    "evidence.reference",
    "agent.name",
    "customer.name",
    "statement_line.reference",
    "payment_request.external_id",
    "connectiontype.name",
    "connectiongroup.name",
    "metertype.name",
    "tariff.name",
    "minigrid.name",
    "device.serial",
    "appliance.name",
    "hand_in.reference",
}
# What has to be so that a text is shown.
BEFORE = (
    "UPDATE inbox SET state = 'failed' WHERE id = (SELECT MAX(id) FROM inbox)",
    "UPDATE office_message SET origin = (SELECT origin FROM outbox WHERE phone = '+255710000104' ORDER BY id LIMIT 1)",
    "UPDATE void SET state = 'done'",
    "UPDATE ussdsession SET started_at = (SELECT MAX(received_at) FROM inbox)",
)


async def fill_row(model: type[Model]) -> None:
    """One row of a table that has none."""
    meta, values = model._meta, {}
    for name, one in meta.fields_map.items():
        if name == meta.pk_attr and one.generated:
            continue
        if name in meta.fk_fields | meta.o2o_fields:
            other = await one.related_model.first() if not one.null or name in ("customer", "sale") else None  # type: ignore[attr-defined]
            values[name] = other
        elif name not in meta.db_fields or one.source_field or (name.endswith("_id") and name[:-3] in meta.fk_fields):
            continue
        else:
            values[name] = _value_for(one)
    await model.create(**values | ROWS.get(meta.db_table, {}))


def _value_for(one: fields.Field[Any]) -> Any:
    if one.null:
        return None
    kinds: dict[type[fields.Field[Any]], Any] = {
        fields.BooleanField: False,
        fields.DatetimeField: datetime.now(UTC),
        fields.DateField: datetime.now(UTC).date(),
        fields.IntField: 1,
        fields.BinaryField: b"x",
    }
    return next((value for kind, value in kinds.items() if isinstance(one, kind)), "x")


async def write_texts(office: Office, columns: Mapping[str, Column], texts: Mapping[str, str]) -> None:
    """Each into all rows of its table; what guards the books against changes is taken away before."""
    for row in await office.ask("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        await office.ask(f"DROP TRIGGER {row['name']}")
    for model in dict.fromkeys(column.model for key, column in columns.items() if key not in named(NOT_SHOWN)):
        if not await model.exists():
            await fill_row(model)
    for statement in BEFORE:
        await office.ask(statement)
    for key, column in columns.items():
        text = texts[key]
        if around := AROUND.get(key):
            text = around.replace("TEXT", json.dumps(text)[1:-1] if '"TEXT"' in around else text)
        number = " || rowid" if key in EACH_ANOTHER else ""
        await office.ask(f"UPDATE {column.table} SET {column.name} = $1{number}", text)


async def fetch(office: Office, paths: Iterable[str]) -> dict[str, str]:
    """What each page answers; all are there."""
    pages = {}
    for path in paths:
        response = await office.get(path)
        assert response.status in (200, 303), f"{path} answers {response.status}"
        pages[path] = "" if response.content_type == "image/png" else await response.text()
    return pages


async def test_a_script_in_any_column_stands_nowhere_as_it_is(empty_url: str, tmp_path: Path) -> None:
    async with open_full_desk(empty_url, tmp_path) as desk:
        office, all_columns = desk.office, text_columns()
        assert named(CANNOT) | named(NOT_SHOWN) <= set(all_columns), "a column that is named is not there any more"
        written = {key: column for key, column in all_columns.items() if key not in named(CANNOT)}
        await office.sign_in()
        paths = [*(await walk(office)).values(), *MORE, await desk.fill_in("/money/sales/{now3}")]
        scripts = {key: column.script for key, column in written.items()}
        await write_texts(office, written, scripts)
        await office.mwanga.settings.refresh()
        whose = quote(scripts["statement_line.provider"])
        pages = await fetch(office, [*paths, f"/money/reconcile?provider={whose}"])
        lists = {link for html in pages.values() for link in links_of(html) if ".csv" in link or "csv=1" in link}
        raw = [f"{path}: {script}" for path, html in pages.items() for script in scripts.values() if script in html]
        assert raw == []
        for path, html in pages.items():
            assert not re.search(r"&lt;/(script|b)&gt;[\"']", html), f"{path} has a quote of a text in an attribute"
        shown = {key for key, script in scripts.items() if any(str(escape(script)) in html for html in pages.values())}
        assert set(written) - shown == named(NOT_SHOWN), "no page was seen to show these"

        await write_texts(office, written, {key: f"=1+{column.number}" for key, column in written.items()})
        files = await fetch(office, sorted(lists))
        assert len(files) > 12
        for path, text in files.items():
            cells = [cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) for cell in row]
            assert not [cell for cell in cells if cell.startswith(FORMULA) and not NUMBER.fullmatch(cell)], path


@pytest.mark.parametrize("text", [FORMULAS[0], HOSTILE[0], HOSTILE[1]])
async def test_a_script_in_any_address_stands_nowhere_as_it_is(demo_url: str, text: str) -> None:
    """In each word of an address that any page reads, at every page, of a company with a strange name."""
    office_room = Path(handlers.office.__file__).parent
    sources = "".join(path.read_text() for kind in ("*.py", "*.html") for path in office_room.rglob(kind))
    names = set(re.findall(r'query(?:\.get\(|\[|, )"(\w+)"', sources))
    assert names > {"q", "done", "before", "csv", "month", "agent", "provider", "next"}
    async with open_office(load(database=demo_url, company=COMPANY)) as office:
        await office.sms("Asha", "FIX SHS0283 no power")
        await office.sign_in()
        asked = urlencode(dict.fromkeys(names, text))
        for page in PAGES:
            if page.method != "GET" or page.path == "/live":
                continue
            response = await office.get(f"{path_of(page)}?{asked}")
            assert response.status in (200, 303, 404, 422), (page.path, response.status)
            html = await response.text()
            assert text not in html and COMPANY not in html, page.path
            assert "<main" not in html or str(escape(COMPANY)) in html
            if response.content_type == "text/html":
                check_inert(re.sub(r'<meta http-equiv="refresh" content="[0-9]+">', "", html))  # the first page's own
