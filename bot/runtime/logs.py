"""One line of JSON for each event. Ids, counts and names go in; message texts, tokens and PINs never do."""

import json
import logging
import time
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "from": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            line["error"] = type(record.exc_info[1]).__name__
            line["at"] = _places(record.exc_info[1])
        return json.dumps(line, default=str)


def _places(error: BaseException) -> list[str]:
    """Files and lines of a traceback, without the values: an exception's text may quote a message."""
    places, place = [], error.__traceback__
    while place:
        code = place.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{place.tb_lineno} {code.co_name}")
        place = place.tb_next
    return places[-8:]


def set_up(level: str) -> None:
    """Send every logger's lines to standard error in our form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # tortoise logs each statement's values at debug level: a token among them
    logging.getLogger("tortoise").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
