"""The processor is not enough: fewer pictures are watched, that is said, and all are recorded."""

import datetime
import glob
import os
import subprocess

import harness

MARKED = "the processor is not enough"
CAMERAS = ("gate", "lane")
PERIOD_US = 100000
INTERVAL_S = 1 / 15


class Quota:
    """A control group whose processes get so much processor time. Skips the test without one."""

    def __init__(self, test):
        name = "roadwatch-e2e-%d" % os.getpid()
        for parent, limit, line in (("/sys/fs/cgroup", "cpu.max", "%d %d"),
                                    ("/sys/fs/cgroup/unified", "cpu.max", "%d %d"),
                                    ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "%d")):
            self.folder, self.limit, self.line = os.path.join(parent, name), limit, line
            if self.make(parent):
                test.addCleanup(os.rmdir, self.folder)
                return
        test.skipTest("no control group with a processor quota can be made here")

    def make(self, parent):
        try:
            os.mkdir(self.folder)
        except OSError:
            return False
        if not os.path.exists(os.path.join(self.folder, self.limit)):
            try:
                with open(os.path.join(parent, "cgroup.subtree_control"), "w") as f:
                    f.write("+cpu")
            except OSError:
                pass
        if os.path.exists(os.path.join(self.folder, self.limit)):
            return True
        os.rmdir(self.folder)
        return False

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
            f.write(text)

    def join(self):
        """In the process that is to be limited."""
        self.write("cgroup.procs", str(os.getpid()))

    def set(self, share):
        """Of one processor; None: no limit."""
        if share is None:
            self.write(self.limit, "max" if self.limit == "cpu.max" else "-1")
            return
        quota = max(int(share * PERIOD_US), 1000)
        self.write(self.limit, self.line % ((quota, PERIOD_US) if self.limit == "cpu.max"
                                            else quota))


def spent_s(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def nices(pid):
    """Of all threads of a process."""
    found = []
    for path in glob.glob("/proc/%d/task/*/stat" % pid):
        with open(path, encoding="ascii", errors="replace") as f:
            found.append(int(f.read().rpartition(")")[2].split()[16]))
    return found


def used(slot):
    with open(slot, "rb") as f:
        return b"moov" in f.read(4096)


def picture_times(slot):
    """In seconds from the slot's first picture, of all that it holds."""
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                           "packet=pts_time", "-of", "csv=p=0", slot],
                          capture_output=True, text=True, timeout=30, check=True)
    return sorted(float(line.rstrip(",")) for line in done.stdout.split())


class DetectionThinsOut(harness.Case):
    def setUp(self):
        self.quota = Quota(self)  # first: it goes last, when nobody is in it
        super().setUp()

    def need(self):
        """Processor time that all of it takes in a second."""
        pids, before = list(self.box.pids()), harness.now()
        spent = spent_s(pids)
        harness.let_pass(3)
        return (spent_s(pids) - spent) / (harness.now() - before).total_seconds()

    def watched(self, least, most):
        return all(least <= self.box.status(c)["watch_fps"] <= most for c in CAMERAS)

    def test_recording_goes_on_while_fewer_pictures_are_watched(self):
        self.box.simple(*CAMERAS, shows="street-1080", small=None)
        for camera in self.box.config["cameras"]:
            camera["main"]["keep"] = "64 MiB"
        self.box.start(preexec_fn=self.quota.join)
        self.box.wait_recording(*CAMERAS)
        harness.wait_until(lambda: self.watched(13, 17), 10, "all pictures to be watched")
        need, since = self.need(), harness.now()

        self.quota.set(need / 2)
        harness.wait_until(lambda: self.watched(0.1, 9), 15, "fewer pictures to be watched")
        for camera in CAMERAS:
            told = harness.wait_until(
                lambda c=camera: self.thinned(c), 5, "the state of %s to say so" % camera)
            self.assertEqual(told["state"], "online")
            self.assertIn(MARKED, told["reason"])
            self.assertTrue(11 <= told["watch"]["of"] <= 19, told)  # counted as they arrive
            self.assertEqual(len(self.box.lines(camera, MARKED)), 1)
            self.assertEqual(nices(self.box.pid("camera", camera)).count(5), 1)
        self.assertRegex(self.box.cli("status")[1],
                         r"watches \d\.\d of 1\d\.\d pictures a second")

        self.quota.set(None)
        harness.wait_until(lambda: self.watched(13, 17), 45, "all to be watched again")
        until = harness.now() - datetime.timedelta(seconds=1)
        self.assertEqual(self.box.stop()[0], 0)
        for camera in CAMERAS:
            self.assert_all_recorded(camera, since, until)

    def assert_all_recorded(self, camera, since, until):
        told = self.box.coverage(camera, since, until)
        self.assertEqual(told["gaps"], [])
        self.assertAlmostEqual(told["recorded_s"], (until - since).total_seconds(), delta=0.01)
        slots = [picture_times(slot) for slot in self.box.slots(camera) if used(slot)]
        self.assertGreater(sum(map(len, slots)), told["recorded_s"] / INTERVAL_S - 2)
        for times in slots:
            for before, after in zip(times, times[1:]):
                self.assertLess(after - before, 1.5 * INTERVAL_S)

    def thinned(self, camera):
        told = self.box.status(camera)
        return told if told["watch"]["thinned"] and told["reason"] else None


if __name__ == "__main__":
    harness.main()
