"""What every reply, silence or break means at every stage of a delivery: one table. Pure.

A delivery goes through the stages in their order. `MEANINGS` has a row per stage and a column per kind of event, and
is complete. Two invariants: only a 2xx after the final dot delivers; what breaks after `DATA` was sent has been tried,
since the relay may have the mail (contract, "Emails").
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class Stage(Enum):
    """What the relay was last asked for; the value is how reasons name it."""

    CONNECT = "the connection"
    GREETING = "the greeting"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    TLS = "the TLS handshake"
    LOGIN = "the login"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "the final dot"
    RSET = "RSET"
    QUIT = "QUIT"


class RelayEvent(Enum):
    """What the relay did; the value is how reasons name it where there is no reply to quote."""

    ACCEPTED = "2xx"
    CONTINUE = "354 to DATA, 334 to AUTH"
    NOT_NOW = "4xx"
    CLOSING = "421: the relay ends the connection"
    REFUSED = "5xx"
    LOGIN_REQUIRED = "530, 534, 535 or 538"
    OUT_OF_STEP = "the relay's replies are out of step"
    SILENCE = "the relay did not reply in time"
    BREAK = "the connection broke"


class StepMeaning(Enum):
    """What an event means for the mail, or for the connection."""

    NEXT = auto()
    """Go on with the next stage."""
    DELIVERED = auto()
    """The relay has taken the mail."""
    REFUSED = auto()
    """The relay refuses the mail for good."""
    TRY_LATER = auto()
    """The relay refuses the mail for now: an attempt is counted, and the next one waits on the service clock."""
    TRIED = auto()
    """Nobody can know whether the relay has the mail: counted and tried again as after `TRY_LATER`."""
    INTERRUPTED = auto()
    """This mail was not handed over: no attempt is counted, and it is tried again in real time."""
    UNREACHABLE = auto()
    """No mail can be handed over now: no attempt is counted, and all mails wait."""
    CLOSE = auto()
    """Nothing for the mail, whose result stands; the connection is closed."""


_JUDGED: Final = {
    RelayEvent.NOT_NOW: StepMeaning.TRY_LATER,
    RelayEvent.CLOSING: StepMeaning.TRY_LATER,
    RelayEvent.REFUSED: StepMeaning.REFUSED,
    RelayEvent.LOGIN_REQUIRED: StepMeaning.UNREACHABLE,
}
_BEFORE_MAIL: Final = dict.fromkeys(RelayEvent, StepMeaning.UNREACHABLE)
_BEFORE_DATA: Final = dict.fromkeys(RelayEvent, StepMeaning.INTERRUPTED) | _JUDGED
_SINCE_DATA: Final = dict.fromkeys(RelayEvent, StepMeaning.TRIED) | _JUDGED
_AFTERWARDS: Final = dict.fromkeys(RelayEvent, StepMeaning.CLOSE)

MEANINGS: Final[Mapping[Stage, Mapping[RelayEvent, StepMeaning]]] = {
    Stage.CONNECT: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.GREETING: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.EHLO: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT, RelayEvent.REFUSED: StepMeaning.NEXT},  # HELO
    Stage.HELO: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.STARTTLS: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.TLS: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.LOGIN: _BEFORE_MAIL | {RelayEvent.ACCEPTED: StepMeaning.NEXT, RelayEvent.CONTINUE: StepMeaning.NEXT},
    Stage.MAIL: _BEFORE_DATA | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.RCPT: _BEFORE_DATA | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.DATA: _SINCE_DATA | {RelayEvent.CONTINUE: StepMeaning.NEXT},
    Stage.CONTENT: _SINCE_DATA | {RelayEvent.ACCEPTED: StepMeaning.DELIVERED},
    Stage.RSET: _AFTERWARDS | {RelayEvent.ACCEPTED: StepMeaning.NEXT},
    Stage.QUIT: _AFTERWARDS,
}

SECONDS: Final[Mapping[Stage, float]] = {
    Stage.CONNECT: 10,
    Stage.GREETING: 30,
    Stage.EHLO: 15,
    Stage.HELO: 15,
    Stage.STARTTLS: 15,
    Stage.TLS: 15,
    Stage.LOGIN: 30,
    Stage.MAIL: 30,
    Stage.RCPT: 30,
    Stage.DATA: 30,
    Stage.CONTENT: 120,
    Stage.RSET: 10,
    Stage.QUIT: 2,
}
"""How long the relay may take at each stage. A relay scans the mail after the final dot, so that takes longest; giving
up early there makes a second mail of one that was taken.
"""

_CONTINUES: Final = {Stage.LOGIN: 334, Stage.DATA: 354}
_BY_CODE: Final = {
    421: RelayEvent.CLOSING,
    503: RelayEvent.OUT_OF_STEP,  # bad sequence of commands: says nothing about the mail
    530: RelayEvent.LOGIN_REQUIRED,
    534: RelayEvent.LOGIN_REQUIRED,
    535: RelayEvent.LOGIN_REQUIRED,
    538: RelayEvent.LOGIN_REQUIRED,
}
_BY_FIRST_DIGIT: Final = {2: RelayEvent.ACCEPTED, 4: RelayEvent.NOT_NOW, 5: RelayEvent.REFUSED}


def event_of(stage: Stage, code: int) -> RelayEvent:
    """The kind of event that a reply with this code is at this stage; a 3xx is at home at one stage only."""
    if code == _CONTINUES.get(stage):
        return RelayEvent.CONTINUE
    return _BY_CODE.get(code) or _BY_FIRST_DIGIT.get(code // 100, RelayEvent.OUT_OF_STEP)
