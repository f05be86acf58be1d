"""What dbt tells nobody is not made: of some twenty events a model or test dbt's logs keep four, and yet each was made into a
message, and the message into JSON for each log, before the log looked at its level. That was a third of dbt's own time.

Within dbt's process, after `make_only_what_is_heard`, an event becomes a message when something asks for what it holds, and one
that is below the level of every log asks for nothing. Warnings and errors are told as they were.
"""

from typing import Any

from dbt.tracking import track_behavior_change_warn
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager

RANK = {
    level: rank for rank, level in enumerate([EventLevel.DEBUG, EventLevel.INFO, EventLevel.WARN, EventLevel.ERROR])
}
ALSO_DEBUG = EventLevel.TEST
TOLD = "_told"


def make_only_what_is_heard() -> None:
    """From now on, in this process."""
    make, fire = BaseEvent.__init__, EventManager.fire_event

    def remember(self: BaseEvent, *args: Any, **kwargs: Any) -> None:
        self.__dict__[TOLD] = args, kwargs

    def look_up(self: BaseEvent, key: str) -> Any:
        if key == TOLD:
            raise AttributeError(key)
        if "pb_msg" not in self.__dict__:
            args, kwargs = self.__dict__[TOLD]
            make(self, *args, **kwargs)
        message = self.__dict__["pb_msg"]
        return message if key == "pb_msg" else getattr(message, key)

    def write(self: BaseEvent, key: str, value: Any) -> None:
        if key == "pb_msg":
            self.__dict__[key] = value
        else:
            setattr(look_up(self, "pb_msg"), key, value)

    def fire_if_heard(
        self: EventManager, e: BaseEvent, level: EventLevel | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if is_heard(self, level or e.level_tag()):
            fire(self, e, level, *args, **kwargs)

    vars_of_class: Any = BaseEvent
    vars_of_class.__init__, vars_of_class.__getattr__, vars_of_class.__setattr__ = remember, look_up, write
    manager: Any = EventManager
    manager.fire_event = fire_if_heard


def is_heard(manager: EventManager, level: EventLevel) -> bool:
    """Whether a log, or whoever else listens, wants events of a level; all want warnings and errors."""
    rank = RANK.get(level, RANK[EventLevel.DEBUG])
    if rank >= RANK[EventLevel.WARN] or any(
        listener is not track_behavior_change_warn for listener in manager.callbacks
    ):
        return True
    return any(rank >= RANK.get(log.level, RANK[EventLevel.DEBUG]) for log in manager.loggers)
