import asyncio, time, pytest
from bot.app import assembled
from bot.config import load
@pytest.mark.parametrize("n", range(12))
async def test_stop(n, templates, tmp_path):
    url = await asyncio.to_thread(templates.copy, "postgres", "demo", tmp_path)
    async with assembled(load(database=url)) as m:
        await asyncio.sleep(0.0005*n)
        t=time.perf_counter()
        pool = m.database.client._pool
        tasks=[(x.get_name(), x.get_coro()) for x in asyncio.all_tasks()]
        m.database._t=t
    d=time.perf_counter()-t
    print(n, round(d,2))
    if d>5:
        print("SLOW")
