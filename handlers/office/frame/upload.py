"""Forms that bring a file: read part by part and bounded, since only a few pages take one."""

from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from multidict import MultiDict, MultiDictProxy

from handlers.office.frame.words import N_, _

MOST_BYTES = 5_000_000  # of a whole form
MOST_PARTS = 20
TOO_LONG = N_("This file is longer than 5 MB. Bring it in by mwanga import.")
NO_FORM = N_("This is no form.")


@dataclass(frozen=True)
class Upload:
    """A file as a browser brings it."""

    name: str
    data: bytes


UPLOAD = web.RequestKey("upload", Upload)  # the file of a form that has one


async def read_upload(request: web.Request) -> MultiDictProxy[str]:
    """The fields of a form of several parts; its file is in `request[UPLOAD]`. Raises HTTPBadRequest, and
    HTTPRequestEntityTooLarge as soon as too much has come."""
    fields: MultiDict[str] = MultiDict()
    left = MOST_BYTES
    try:
        reader = await request.multipart()
        for _part in range(MOST_PARTS):
            part = await reader.next()
            if part is None:
                return MultiDictProxy(fields)
            if not isinstance(part, BodyPartReader) or not part.name:
                raise ValueError("a part without a name")
            data = await _read(part, left)
            left -= len(data)
            if part.filename is None:
                fields.add(part.name, data.decode().replace("\0", ""))
            else:
                request[UPLOAD] = Upload(part.filename.replace("\0", "")[-200:], data)
    except (ValueError, AssertionError) as error:
        raise web.HTTPBadRequest(text=f"{_(NO_FORM)}\n") from error
    raise web.HTTPBadRequest(text=f"{_(NO_FORM)}\n")


async def _read(part: BodyPartReader, most: int) -> bytes:
    """One part. Raises HTTPRequestEntityTooLarge."""
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(data), text=f"{_(TOO_LONG)}\n")
    return bytes(data)
