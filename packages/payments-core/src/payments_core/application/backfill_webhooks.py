"""
Finding webhooks that never arrived in the provider's own list of events, and processing them.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

import attrs

from payments_core.application.receive_webhook import ReceiveWebhook
from payments_core.application.reconciliation.merge import batches
from payments_core.application.stopping import GoOn, always
from payments_core.domain.actor import Actor
from payments_core.ports.errors import ProviderError
from payments_core.ports.provider import WebhookNotice, Window
from payments_core.ports.reconciliation import IReconciliationQueries
from payments_core.ports.webhooks import WebhookStatus

_log = logging.getLogger(__name__)

BATCH: Final = 100


@attrs.frozen(kw_only=True)
class Gap:
    """
    An event that the provider lists and that never arrived here.

    Attributes:
        status: What became of it; None if it was only looked for.
    """

    provider: str
    notice: WebhookNotice
    status: WebhookStatus | None = None


def _unseen(_: datetime) -> None:
    """
    Nobody watches.
    """


@attrs.frozen
class BackfillWebhooks:
    """
    Compares the provider's list with what is stored, and fills what is missing.

    Filling is the same intake as a delivery's: the event is stored once whatever arrives
    meanwhile, and its object is read afresh. So it may be stopped and repeated at any time.
    """

    receive: ReceiveWebhook
    queries: IReconciliationQueries

    def execute(
        self,
        provider: str,
        window: Window,
        *,
        dry_run: bool = False,
        actor: Actor | None = None,
        seen: Callable[[datetime], None] = _unseen,
    ) -> Iterator[Gap]:
        """
        Yield each gap of the window once it is filled; the newest first, page by page.

        Args:
            dry_run: Only look; nothing is written.

            actor: Who looks for them; None if the service does by itself.

            seen: Told after each page down to which moment the list was read.

        Raises:
            UnknownProvider: No such provider is configured.
            ProviderError: The list broke off; what was yielded is filled, the rest unknown.
        """
        listed = self.receive.operations.provider(provider).list_events(window)
        for page in batches(listed, BATCH):
            for notice in self._missing(provider, page):
                gap = Gap(provider=provider, notice=notice)
                found = gap if dry_run else self._fill(gap, actor)
                if found:
                    yield found
            seen(page[-1].created_at)

    def recent(
        self, over: timedelta, grace: timedelta = timedelta(minutes=1), go_on: GoOn = always
    ) -> int:
        """
        Fill the gaps of the time just past, for every provider; the worker's job.

        Args:
            over: How far back to look.

            grace: What is younger may still be on its way.
        """
        now = self.receive.operations.clock.now()
        window = Window(now - over, now - grace)
        for provider in self.receive.operations.providers:
            try:
                gaps = self.execute(provider, window)
                filled = sum(1 for _ in takewhile(lambda _: go_on(), gaps))
            except ProviderError as error:
                _log.warning("The events of %s cannot be listed now: %s", provider, error)
                continue
            if filled:
                _log.error("Webhooks of %s never arrived and are filled: %d", provider, filled)
        # Whatever was found, the next look is due after the interval and not at once.
        return 0

    def _missing(self, provider: str, page: Sequence[WebhookNotice]) -> Sequence[WebhookNotice]:
        known = self.queries.known_events(provider, page)
        horizons = self.queries.horizons()
        kept = (n for n in page if not horizons.may_lack_webhook(n.created_at))
        return [notice for notice in kept if notice.id not in known]

    def _fill(self, gap: Gap, actor: Actor | None) -> Gap | None:
        received = self.receive.backfill(gap.provider, gap.notice, actor)
        return None if received.duplicate else attrs.evolve(gap, status=received.status)
