"""A camera that lets two watch: main and sub of the recorder. It gives both back when it ends, gets
both again when they were cut off, and a third is told why there is no picture."""

import secrets
import threading
import time

import harness
from harness import film, now, wait_until
from harness_hostile import Cameras, Honest

NO_MORE = "allows no further session"


class Sessions:
    """What a camera remembers: so many, each until it is given back, or nothing was asked in it for
    so long. That its connection is gone tells the camera nothing."""

    MOST, FORGOTTEN_S = 2, 3

    def __init__(self):
        self.lock = threading.Lock()
        self.ends = {}  # on the steady clock
        self.most = self.refused = self.given_back = 0

    def take(self):
        """The name of a new one; "": there is none."""
        with self.lock:
            self.ends = {n: end for n, end in self.ends.items() if end > time.monotonic()}
            if len(self.ends) >= self.MOST:
                self.refused += 1
                return ""
            name = secrets.token_hex(4)
            self.ends[name] = time.monotonic() + self.FORGOTTEN_S
            self.most = max(self.most, len(self.ends))
            return name

    def asked_in(self, name):
        with self.lock:
            if name in self.ends:
                self.ends[name] = time.monotonic() + self.FORGOTTEN_S

    def give_back(self, name):
        with self.lock:
            self.given_back += self.ends.pop(name, None) is not None


def manners_with(sessions):
    class Limited(Honest):
        SESSION_S = sessions.FORGOTTEN_S

        def asked(self, request):
            sessions.asked_in(request["session"])
            super().asked(request)

        def asked_setup(self, request):
            self.SESSION = sessions.take()
            if self.SESSION:
                super().asked_setup(request)
            else:
                self.answer(request, status="453 Not Enough Bandwidth")

        def asked_teardown(self, request):
            """It has no time just now: who does not wait for its answer was not heard."""
            if not self.link.wait(0.2):
                sessions.give_back(request["session"])
                super().asked_teardown(request)
    return Limited


class CameraWithTwoSessions(harness.Case):
    def begin(self, server, main, sub):
        self.box.add_camera(server, "gate", main=main, sub=sub)
        self.began = now()
        self.box.start()
        self.box.wait_recorded("gate", 2)
        self.box.wait_recorded("gate", 2, stream="sub")
        self.wait_well()

    def wait_well(self):
        wait_until(lambda: self.box.status("gate")["reason"] == "", 10, "all to be well")

    def wait_both(self, since):
        """Both streams are recorded again, and well."""
        def recorded(stream):
            self.box.expect_alive()
            return self.box.coverage("gate", since, now(), stream)["recorded_s"] >= 2
        for stream in ("main", "sub"):
            wait_until(lambda s=stream: recorded(s), 20, stream + " to be recorded")
        self.wait_well()

    def test_a_third_is_told_and_disturbs_nobody(self):
        server = self.box.add_server({"gate/main": "street-360", "gate/sub": "street-180"},
                                     max_sessions=Sessions.MOST)
        self.begin(server, "gate/main", "gate/sub")
        status, out, err = self.box.cli("check", "--live")
        self.assertEqual(status, 1)
        self.assertIn("gate: its recorder is running", out)
        for stream in ("main", "sub"):
            self.assertRegex(err, "gate: %s stream: the camera %s .*; close another viewer"
                             % (stream, NO_MORE))
        self.box.stop()
        for stream in ("main", "sub"):
            self.assert_no_gap(self.box.coverage("gate", self.began, now(), stream),
                               allowed=("before-first", "recorder-off"))

    def test_sessions_that_were_cut_off_are_waited_for_and_others_given_back(self):
        sessions = Sessions()
        cameras = Cameras(film("street-180"), self.box.folder)
        self.addCleanup(cameras.close)
        cameras.add("gate", manners_with(sessions))
        self.begin(cameras, "gate", "gate")
        self.assertEqual((sessions.most, sessions.refused), (2, 0))

        cameras.turn("gate", manners_with(sessions), hang_up=True)
        cut = now()
        wait_until(lambda: NO_MORE in self.box.status("gate")["reason"], 10,
                   "the state to say that there is no session left")
        self.wait_both(cut)
        self.assertLessEqual(sessions.refused, 6)  # it is not pestered

        given_back, refused = sessions.given_back, sessions.refused
        self.box.stop()
        self.assertEqual(sessions.given_back - given_back, 2)
        self.box.start()
        self.wait_both(now())
        self.assertEqual(sessions.refused, refused)
        self.assertEqual(sessions.most, 2)


if __name__ == "__main__":
    harness.main()
