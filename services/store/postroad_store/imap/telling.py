"""How a session tells its client of changes in the selected mailbox, as the client wants to hear of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap import updates
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.view import Changes, View


def tell(session: Session, view: View, *, expunges: bool, flags: bool, uid: bool) -> None:
    """Send untagged responses about changes (RFC 3501 §5.2); RFC 5465 §3.1: not of what the client does not want."""
    notify = session.notify
    if notify is None:
        _say(session, view, view.take(expunges=expunges, flags=flags), uid=uid)
    elif notify.messages:
        before = len(view.uids)
        news = view.take(expunges=expunges, flags=flags and notify.flags)
        _say(session, view, news, uid=uid)
        if news.exists is not None:
            notify.arrived(view.uids[before - len(news.expunged) :])


def much(session: Session, view: View, *, expunges: bool) -> bool:
    """Return True if there is so much to say that others should run in between."""
    notify = session.notify
    if notify is None:
        return view.much(expunges=expunges)
    return notify.messages and view.much(expunges=expunges, flags=notify.flags)


async def tell_in_turns(session: Session, view: View, *, expunges: bool, uid: bool) -> None:
    """Do the same; with much to say, let others run in between, and go no faster than the client reads."""
    if not much(session, view, expunges=expunges):
        tell(session, view, expunges=expunges, flags=True, uid=uid)
        return
    notify = session.notify
    known = len(view.uids)
    for news in view.pieces(expunges=expunges, flags=notify is None or notify.flags):
        _say(session, view, news, uid=uid)
        if notify is not None and news.exists is not None:
            notify.arrived(view.uids[known:])
        known = len(view.uids)
        await give_way(session.connection)


def tell_highest(session: Session, view: View) -> None:
    """Send HIGHESTMODSEQ, while no tagged response is near, to a client that has to be told (`highest`)."""
    if session.manner.modseq:
        response = session.highest.response(view)
        if response:
            session.engine.send(response)


def _say(session: Session, view: View, news: Changes, *, uid: bool) -> None:
    if session.contexts is not None:
        session.engine.send(session.contexts.leaving(news))
    manner = session.manner
    # RFC 5465 §5.1: who has asked for FlagChange is given the UID
    octets = updates.changes(view, news, manner=manner, uid=uid or session.notify is not None)
    if octets:
        session.engine.send(octets)
    if manner.modseq:
        session.highest.fetched(updates.highest_modseq(view, news))
