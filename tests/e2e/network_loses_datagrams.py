"""A fifth of a camera's datagrams is lost on the way: it is recorded all the same, and every second
of which something is missing says so, for good."""

import datetime
import subprocess

import harness
import harness_network
from harness import instant, now, wait_until

STREAMS = ("main", "sub")
FRAGMENT = datetime.timedelta(seconds=1)  # as a whole it is marked or it is not


class NetworkLosesDatagrams(harness.Case):
    def begin(self):
        self.net = harness_network.FarNetwork(self)
        server = self.box.add_server({"gate/main": "street-360", "gate/sub": "street-180"},
                                     address=self.net.address, within=self.net.within)
        entry = self.box.add_camera(server, "gate", sub="gate/sub")
        for stream in STREAMS:
            entry[stream]["transport"] = "udp"
        self.box.start()
        self.began = now()
        self.box.wait_recorded("gate", 3)
        self.pid = self.box.pid("camera", "gate")

    def covered(self, since, until=None):
        return {s: self.box.coverage("gate", since, until or now(), s) for s in STREAMS}

    def lose(self):
        """Until it is told how much; returns when it began and ended."""
        began = now()
        self.net.lose(20)
        wait_until(lambda: min(self.box.status("gate")["lost_percent"].values()) > 8, 20,
                   "the state to tell what is lost")
        self.assertIn("lost on the way", self.box.status("gate")["reason"])
        return began, now()

    def is_clean(self, since):
        """Both streams have two seconds behind the last that was damaged."""
        for covered in self.covered(since).values():
            begins = max(end["to"] for end in covered["damaged"] + [{"to": covered["from"]}])
            ends = max(end["to"] for end in covered["spans"] + [{"to": covered["from"]}])
            if harness.seconds({"from": begins, "to": ends}) < 2:
                return False
        return True

    def shown(self, stream, began, ended):
        """How many pictures a decoder makes of that time, whatever it complains of: as a technician
        would play the slot, whose first picture is the stream's first."""
        done = subprocess.run(["ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_entries",
                               "frame=pts_time", "-of", "csv=p=0",
                               self.box.slots("gate", stream)[0]],
                              capture_output=True, text=True, timeout=60, check=True)
        first = instant(self.covered(self.began)[stream]["spans"][0]["from"])
        times = [first + datetime.timedelta(seconds=float(t.strip(","))) for t in
                 done.stdout.split()]
        return sum(began < t < ended for t in times)

    def test_it_is_recorded_and_what_suffered_is_marked(self):
        self.begin()
        lossy, healed = self.lose()
        self.net.heal()
        wait_until(lambda: self.is_clean(healed), 20, "footage of both streams without damage")
        self.assertEqual(self.box.pid("camera", "gate"), self.pid)
        self.assertEqual(self.box.lines("the process"), [])
        self.box.stop()
        for stream, covered in self.covered(self.began, lossy - FRAGMENT).items():
            self.assertGreater(covered["recorded_s"], 1, stream)
            self.assertEqual(covered["damaged"], [], stream)
        before = self.covered(lossy, healed)
        for stream, covered in before.items():
            self.assert_adds_up(covered)
            self.assertGreater(covered["recorded_s"], 0.8 * harness.seconds(covered), stream)
            self.assertGreater(covered["damaged_s"], 0.6 * covered["recorded_s"], stream)
            self.assertLessEqual(covered["damaged_s"], covered["recorded_s"], stream)
            self.assertGreater(self.shown(stream, lossy, healed), 3, stream)
        self.assert_fsck_clean()
        self.assert_fsck_clean("--rebuild")
        self.assertEqual(self.covered(lossy, healed), before)


if __name__ == "__main__":
    harness.main()
