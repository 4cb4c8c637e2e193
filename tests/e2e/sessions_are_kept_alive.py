"""Cameras that end a session in which they were not asked anything for four seconds: one is kept by
OPTIONS, one by GET_PARAMETER; one that refuses what it is asked is asked with the other."""

import time

import harness
from harness import film, now
from harness_hostile import Cameras, Honest, camera_id

LASTS_S = 10  # of recording: more than two of a session's lives


class Forgetful(Honest):
    """Only what is answered well keeps its session; where none is left it hangs up."""

    SESSION_S = 4
    METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
    UDP = False
    KEPT_BY, REFUSED = "OPTIONS", None  # while it plays

    def __init__(self, link):
        super().__init__(link)
        self.kept = None

    def asked(self, request):
        if self.link.player and request.method == self.REFUSED:
            self.answer(request, status="455 Method Not Valid in This State")
            return
        self.kept = time.monotonic()
        super().asked(request)

    def show(self, picture, ticks):
        if time.monotonic() > self.kept + self.SESSION_S:
            self.link.end()
        super().show(picture, ticks)


class KnowsOnlyOptions(Forgetful):
    def asked_get_parameter(self, request):
        self.answer(request, status="501 Not Implemented")


class SaysThatItKnowsGetParameter(Forgetful):
    METHODS = Honest.METHODS
    KEPT_BY = "GET_PARAMETER"


class RefusesGetParameter(SaysThatItKnowsGetParameter):
    KEPT_BY, REFUSED = "OPTIONS", "GET_PARAMETER"


class RefusesOptions(Forgetful):
    KEPT_BY, REFUSED = "GET_PARAMETER", "OPTIONS"


class RefusesOptionsOverUdp(RefusesOptions):
    UDP = True


MODES = (KnowsOnlyOptions, SaysThatItKnowsGetParameter, RefusesGetParameter, RefusesOptions,
         RefusesOptionsOverUdp)


class SessionsAreKeptAlive(harness.Case):
    def setUp(self):
        super().setUp()
        self.cameras = Cameras(film("street-180"), self.box.folder)
        self.addCleanup(self.cameras.close)
        for mode in MODES:
            camera = camera_id(mode)
            self.cameras.add(camera, mode)
            entry = self.box.add_camera(self.cameras, camera, main=camera)
            entry["main"]["transport"] = "udp" if mode.UDP else "tcp"

    def judge(self, mode, began):
        """One OPTIONS is the greeting."""
        camera = self.cameras[camera_id(mode)]
        asked = {m: camera.requests[m] - (m == "OPTIONS") for m in ("OPTIONS", "GET_PARAMETER")}
        kept = asked.pop(mode.KEPT_BY)
        self.assertEqual(camera.connections, 1)
        self.assertGreaterEqual(kept, LASTS_S / mode.SESSION_S)
        self.assertLessEqual(kept, (now() - began).total_seconds() / (mode.SESSION_S / 2))
        self.assertEqual(sum(asked.values()), 1 if mode.REFUSED else 0, asked)
        self.assert_no_gap(self.box.coverage(camera.name, began, now()),
                           allowed=("before-first", "recorder-off"))

    def test_with_the_words_that_each_camera_knows(self):
        began = now()
        self.box.start()
        for mode in MODES:
            self.box.wait_recorded(camera_id(mode), LASTS_S)
        for mode in MODES:
            with self.subTest(camera_id(mode)):
                self.judge(mode, began)


if __name__ == "__main__":
    harness.main()
