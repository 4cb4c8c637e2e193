"""The power goes at any moment: at most 2 s of picture each time, and nothing that was told.

How it goes. By the plug of the box (the file system is shut down by ioctl: what the kernel had not
written, its journal included, is gone) or by that and the plug of the disk (what the disk had not been
told to flush is gone, too). Then every process is killed, the journal replayed, the box started again.
Most cuts come while both cameras record, one of six while the box is starting.

What is promised. storage.sync is 2 s: the newest picture on the disk is at most 2 s older than the
cut. It is measured from the cut back to the end of the newest recorded picture, in whole pictures:
those still on their way from the camera count as lost, the one that was being taken does not. Where nothing
of a run is on the disk, all of it counts: from its first picture, as readers were shown it before the
cut. Every event that the phone has got is there after every cut, in that revision or a later one;
the market's, whose ring goes round, are looked for while they are young. A hold whose id was printed is
listed.

SEED=… repeats a run, ROADWATCH_LONG=1 makes 300 cuts of 15.
"""

import os
import random
import statistics

import disks
import harness
from harness import instant, let_pass, now, rfc3339, wait_until

CAMERAS = ("gate", "market")
STREAMS = [(camera, stream) for camera in CAMERAS for stream in ("main", "sub")]
LONG = os.environ.get("ROADWATCH_LONG") == "1"
CUTS = 300 if LONG else 15
SYNC_S = 2.0
PICTURE_S = 1 / 15  # both cameras'
MARKET_S = 10  # 6 MiB at 2 Mbit/s are 24 s, less the two slots that are to be written next


class Cut:
    def __init__(self, started, began):
        self.started = started  # when the box was started before it
        self.began = began      # {(camera, stream): its first picture since, or None}
        self.at = now()


class PowerCuts(disks.Case):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SEED") or random.randrange(1 << 32))
        print("SEED=%d" % self.seed)
        self.dice = random.Random(self.seed)
        self.losses = []
        self.unchecked = []  # cuts that no recovery has followed yet
        self.holds = []      # ids
        self.make_cameras()
        self.box.add_broker()

    def make_cameras(self):
        """The gate keeps everything, the market's ring goes round every half minute."""
        self.box.config["storage"]["sync"] = "%ds" % SYNC_S
        server = self.box.add_server({"gate/main": "street-360", "gate/sub": "street-180",
                                      "market/main": "street-1080@17",
                                      "market/sub": "street-180@17"})
        self.box.add_camera(server, "gate", sub="gate/sub", keep="96 MiB" if LONG else "16 MiB")
        self.box.add_camera(server, "market", sub="market/sub", keep="6 MiB")

    # ---- one cut

    def span(self, camera, stream, start, end):
        """What is recorded there, first and last moment; None where nothing is."""
        status, out, _ = self.box.cli("coverage", "--camera", camera, "--stream", stream, "--from",
                                      rfc3339(start), "--to", rfc3339(end), "--json")
        spans = harness.json.loads(out)["spans"] if status == 0 else []
        return (instant(spans[0]["from"]), instant(spans[-1]["to"])) if spans else None

    def wait_begun(self, started):
        for camera, stream in STREAMS:
            wait_until(lambda c=camera, s=stream: self.span(c, s, started, now()), 30,
                       "%s %s to record again" % (camera, stream))

    def cut(self, disk, started):
        began = {key: self.span(*key, started, now()) for key in STREAMS}
        cut = Cut(started, {key: span and span[0] for key, span in began.items()})
        try:
            disk.cut_power(self.box.storage)
        except disks.Refused as why:
            self.skipTest(str(why))
        self.box.kill_hard()
        self.box.unmount(disk)
        self.unchecked.append(cut)

    def cycle(self, number, disk):
        self.record_on(disk)
        if number and self.dice.random() < 1 / 5:
            self.assert_fsck_clean()  # as the cut has left it, before anything is mended
        started = now()
        self.box.start()
        if number and self.dice.random() < 1 / 6:
            let_pass(self.dice.uniform(0, 1.2))
        else:
            self.wait_begun(started)
            self.check_cuts()
            if self.dice.random() < 1 / 5:
                self.assert_fsck_clean()
            let_pass(self.dice.uniform(0, 2.5))
            self.place_hold()
        self.cut(disk, started)

    # ---- what must be there

    def loss(self, cut, key):
        kept = self.span(*key, cut.started, cut.at)
        newest = kept[1] if kept else cut.began[key]
        return (cut.at - newest).total_seconds() // PICTURE_S * PICTURE_S if newest else None

    def check_cuts(self):
        for cut in self.unchecked:
            for key in STREAMS:
                loss = self.loss(cut, key)
                if loss is not None:
                    self.losses.append((loss, "%s %s, cut at %s" % (*key, rfc3339(cut.at))))
        self.unchecked = []
        for camera in CAMERAS:
            self.assertEqual(self.told_and_lost(camera), [])
        self.check_holds()

    def told(self, camera):
        """{id: newest revision that the phone has got}, of what the ring cannot have left behind"""
        told = {}
        for event in self.box.phone.events(camera):
            if camera == "gate" or (now() - instant(event["start"])).total_seconds() < MARKET_S:
                told[event["id"]] = max(event["revision"], told.get(event["id"], 0))
        return told

    def told_and_lost(self, camera):
        """-> [what is missing]"""
        told = self.told(camera)
        known = {e["id"]: e["revision"] for e in self.box.events("--camera", camera)}
        return [(id, revision, known.get(id)) for id, revision in told.items()
                if known.get(id, -1) < revision]

    def place_hold(self):
        status, out, err = self.box.cli("hold", "--camera", "gate", "--from", "-10s", "--to", "now",
                                        "--reason", "x")
        self.assertEqual(status, 0, err)
        self.holds.append(out.split()[-1])

    def check_holds(self):
        status, out, err = self.box.cli("hold", "--list", "--json")
        self.assertEqual(status, 0, err)
        self.assertEqual([hold for hold in self.holds if hold not in out], [])

    # ---- the test

    def test_a_cut_costs_two_seconds_of_picture_and_nothing_that_was_told(self):
        plain = self.make_disk(disks.Image, "512M")
        plugs = [plain, self.make_disk(disks.ServedImage, plain, forgetful=True)]
        began = now()
        for number in range(CUTS):
            self.cycle(number, self.dice.choice(plugs))
        self.end_well(plain, began)

    def end_well(self, disk, began):
        self.record_on(disk)
        started = now()
        self.box.start()
        self.wait_begun(started)
        self.check_cuts()
        self.box.stop()
        self.report()
        self.assert_fsck_clean()
        for camera in CAMERAS:
            self.assert_ledger(began, "before-first", "recorder-off", camera=camera)
        self.assertEqual([loss for loss in self.losses if loss[0] > SYNC_S * harness.SLOWER], [])

    def report(self):
        told = sum(len({e["id"] for e in self.box.phone.events(camera)}) for camera in CAMERAS)
        losses = [loss for loss, _ in self.losses]
        print("%d cuts: lost p50 %.2f s, max %.2f s (%d streams); %d events told, 0 lost; "
              "%d holds, 0 lost" % (CUTS, statistics.median(losses), max(losses), len(losses), told,
                                    len(self.holds)))


if __name__ == "__main__":
    disks.main()
