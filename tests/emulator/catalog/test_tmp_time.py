import asyncio, time, pytest
from shared.catalog import service
from tests.unit.catalog.samples import *
from tests.emulator.conftest import *
async def test_t(firestore):
    ar=an_artist(); al=an_album(ar); await service.publish_track(a_track(al),al,[ar])
    for n in (1,2,4,8):
        ar=an_artist(); al=an_album(ar); ts=[a_track(al,str(i),track_number=i+1) for i in range(n)]
        t=time.time(); await asyncio.gather(*(service.publish_track(x,al,[ar]) for x in ts)); print(n, round(time.time()-t,2), end=" | ")
        t=time.time()
        for x in ts: await service.publish_track(x,al,[ar])
        print("seq", round(time.time()-t,2))
