"""dbt's events that no log wants are not made; those that one wants are told as ever. In a process of its own, for it changes dbt."""

import subprocess
import sys

from orchestration.settings import PROJECT_ROOT

TOLD = """
import io
from dbt_common.events import base_types
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import add_logger_to_manager, get_event_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.logger import LoggerConfig
from dbt_common.events.types import Note
from orchestration.dbt_build.unheard_events import make_only_what_is_heard

made, make = [], base_types.ParseDict
base_types.ParseDict = lambda told, message: made.append(told) or make(told, message)
log = io.StringIO()
make_only_what_is_heard()
add_logger_to_manager(LoggerConfig(name="log", level=EventLevel.INFO, output_stream=log))
fire_event(Note(msg="a detail"), level=EventLevel.DEBUG)
assert made == [], made
fire_event(Note(msg="something to know"), level=EventLevel.INFO)
fire_event(Note(msg="something wrong"), level=EventLevel.ERROR)
note = Note(msg="kept")
note.msg = "changed"
print([line.split("  ", 1)[1] for line in log.getvalue().splitlines()], note.msg, note.message())
heard = []
get_event_manager().add_callback(lambda event: heard.append(event.info.msg))
fire_event(Note(msg="a detail"), level=EventLevel.DEBUG)
print(heard)
"""


def test_only_what_a_log_wants_is_made():
    told = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=False, cwd=PROJECT_ROOT)

    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-2:] == [
        "['something to know', 'something wrong'] changed changed",
        "['a detail']",
    ]
