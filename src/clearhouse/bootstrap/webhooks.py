"""Incoming webhooks: where they lie, and who takes them up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from clearhouse.bootstrap.runtime import Runtime
from clearhouse.bootstrap.services import (
    dispute_learning,
    learning_service,
    operation_learning,
    page_service,
)
from clearhouse.payments.notices import NoticeService
from clearhouse.payments.pages.notices import PageNotices
from clearhouse.psp.notices import Webhooks
from clearhouse.settings import Settings
from clearhouse.webhooks.incoming.service import Inbox
from clearhouse.workers.notices import NoticeTaker

_WEBHOOK_LEASE: Final = timedelta(seconds=60)


def inbox_of(runtime: Runtime) -> Inbox:
    """Where incoming webhooks lie."""
    return Inbox(runtime.pool, runtime.clock, runtime.ids, lease=_WEBHOOK_LEASE)


def notice_service(runtime: Runtime, settings: Settings) -> NoticeService:
    """The one door for what PSPs tell by themselves, by webhooks or in their reports."""
    return NoticeService(
        learning_service(runtime, settings),
        refunds=operation_learning(runtime, settings),
        disputes=dispute_learning(runtime, settings),
        pages=PageNotices(page_service(runtime, settings)),
    )


def notice_takers(
    runtime: Runtime, settings: Settings, psps: Mapping[str, object]
) -> list[NoticeTaker]:
    """Who takes up the webhooks of the PSPs that send any."""
    notices = notice_service(runtime, settings)
    inbox = inbox_of(runtime)
    return [
        NoticeTaker(runtime.pool, runtime.clock, inbox, notices, name, psp)
        for name, psp in psps.items()
        if isinstance(psp, Webhooks)
    ]
