"""Telling people, for real: what is wrong goes in at every look, messages go out, and what arrived is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from covenant.kernel.clock import Clock
from covenant.kernel.errors import ChannelError
from covenant.respond.alert import Message, Rules, State
from covenant.respond.alerts import heard, tell, unheard
from covenant.respond.condition import Condition
from covenant.respond.ports import Carrier, Memory
from covenant.respond.remembering import read, to_text
from covenant.respond.wording import body_of, title_of


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, and what became of it; ``why`` is empty where it arrived."""

    message: Message
    why: str = ""


class Teller:
    """Compares what is wrong now with what was told, and tells the difference."""

    def __init__(self, rules: Rules, carriers: Mapping[str, Carrier], memory: Memory, clock: Clock) -> None:
        self._rules = rules
        self._carriers = carriers
        self._memory = memory
        self._clock = clock
        self._saved = ""

    def look(self, conditions: Iterable[Condition]) -> tuple[Delivery, ...]:
        """Tell whoever is to be told that this is wrong now, and only this. To be called again and again.

        Takes as long as the channels take, a bounded time. What did not arrive is told at a later look. Raises only
        what ``Memory`` raises.
        """
        messages, state = tell(conditions, self.state(), self._clock.now(), self._rules)
        self._save(state)
        deliveries = []
        for message in messages:
            why = self._send(message)
            state = unheard(state, message, why) if why else heard(state, message)
            self._save(state)  # after each one: whoever is stopped here repeats one message at most
            deliveries.append(Delivery(message, why))
        return tuple(deliveries)

    def state(self) -> State:
        """What is remembered. Where that cannot be read, nothing: everything is told anew."""
        self._saved = self._memory.load()
        return read(self._saved)

    def _send(self, message: Message) -> str:
        """Why a message did not arrive; empty where it did."""
        try:
            self._carriers[message.channel].send(title_of(message), body_of(message), message.severity)
        except ChannelError as error:
            return error.message
        return ""

    def _save(self, state: State) -> None:
        text = to_text(state)
        if text != self._saved:
            self._memory.save(text)
            self._saved = text
