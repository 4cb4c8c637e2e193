"""Three villages with a box and a broker each, and the commune's broker, to which bridges pass their
alerts on: each alert is there once, also when a link is gone for a while and the village's broker
is started anew meanwhile; and who belongs to one village sees that one."""

import collections
import json
import time

import harness
from harness import let_pass, wait_until
from harness_brokers import Line, Phone, SetUpBroker

SITES = ("thon-dung", "thon-khe", "thon-soi")
CUT_S = 20
DENIED = "Not authorized"


class Village:
    def __init__(self, test, box, commune):
        self.site = box.config["site"]["id"]
        self.box = box
        box.simple("gate", small=None)
        box.write_config()
        self.broker = SetUpBroker(box.folder + "/mosquitto", "-c", box.config_path)
        test.addCleanup(self.broker.stop)
        self.line = Line(commune.port)
        test.addCleanup(self.line.close)
        self.join(commune)
        self.phone = Phone(self.broker, self.broker.login("phone", "ha"), self.site)
        test.addCleanup(self.phone.close)
        box.config["mqtt"] = self.broker.mqtt()
        box.start()

    def join(self, commune):
        self.login = commune.login("village", self.site)
        path = self.box.folder + "/joining.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(dict(self.login, port=self.line.port), f)
        self.broker.cli("join", path)
        self.broker.restart()

    def ended(self):
        return {e["id"] for e in self.box.events("--camera", "gate") if e["phase"] == "end"}

    def told(self):
        """(id, revision) of what its own broker has passed to its phones, as it came."""
        return [(e["id"], e["revision"]) for e in self.phone.events("gate")]


class ThreeVillages(harness.Case):
    def setUp(self):
        super().setUp()
        boxes = [self.box] + [harness.Box(site) for site in SITES[1:]]
        for box in boxes[1:]:
            self.addCleanup(self.put_away, box)
        self.commune = SetUpBroker(self.box.folder + "/commune", "--commune")
        self.addCleanup(self.commune.stop)
        self.police = self.phone("cong-an")
        self.local = self.phone("ha", "--site", SITES[0])
        self.villages = [Village(self, box, self.commune) for box in boxes]

    def phone(self, name, *options):
        phone = Phone(self.commune, self.commune.login("phone", name, *options), SITES[0])
        self.addCleanup(phone.close)
        return phone

    def at_commune(self, village):
        """(id, revision), as they came."""
        return [(e["id"], e["revision"]) for e in self.events_of(village)]

    def events_of(self, village):
        return [m.json() for m in self.police.on("/gate/event")
                if m.topic == "roadwatch/%s/gate/event" % village.site]

    def links(self, village):
        return [m.payload for m in self.police.on(village.site + "/link")]

    def test_each_alert_is_at_the_commune_once(self):
        cut, *others = self.villages
        for village in self.villages:
            wait_until(lambda v=village: self.at_commune(v), 40, "an alert of " + village.site)
        dark = self.live_in_the_dark(cut)
        wait_until(lambda: dark <= {e["id"] for e in self.events_of(cut) if e["phase"] == "end"},
                   30, "the alerts of the dark")
        self.acknowledge(cut)
        for village in self.villages:
            village.box.stop()
        for village in self.villages:
            self.wait_for_the_same(village)
        for village in others:
            self.check_once(village, in_flight=0)
        self.check_once(cut, in_flight=1)
        self.assertEqual(self.links(cut)[-2:], [b"0", b"1"], "lost, and up again")
        self.check_rights(others[0])

    def wait_for_the_same(self, village):
        def differ():
            return set(village.told()) ^ set(self.at_commune(village))
        try:
            wait_until(lambda: not differ(), 10, "the same alerts in both places")
        except AssertionError as e:
            raise AssertionError("%s: %s of %s in one place only; at home %s, at the commune %s" % (
                e, sorted(differ()), village.site, village.told(),
                self.at_commune(village))) from e

    def live_in_the_dark(self, village):
        """-> ids of what ended there meanwhile"""
        before = village.ended()
        mended_at = time.monotonic() + CUT_S
        village.line.cut()
        let_pass(0.2)  # what was on the line
        heard = self.at_commune(village)
        wait_until(lambda: village.ended() - before, 20, "an alert in the dark")
        village.broker.restart()
        wait_until(lambda: len(village.ended() - before) >= 2, 30, "another, after the restart")
        let_pass(max(0, mended_at - time.monotonic()))
        dark = village.ended() - before
        self.assertEqual(self.at_commune(village), heard, "nothing came through the cut line")
        village.line.mend()
        return dark

    def acknowledge(self, village):
        """Orders go the other way."""
        event = self.events_of(village)[-1]["id"]
        self.commune.publish(self.local.login, "roadwatch/%s/event/%s/ack" % (village.site, event),
                             json.dumps({"by": "Hà"}))
        wait_until(lambda: [e for e in self.events_of(village)
                            if e["id"] == event and e.get("acked_by") == "Hà"], 10,
                   "the answer to an acknowledgement at the commune")

    def check_once(self, village, in_flight):
        came = self.at_commune(village)
        again = [key for key, times in collections.Counter(came).items() if times > 1]
        self.assertLessEqual(len(again), in_flight, "only what was in flight may come twice")
        once = list(dict.fromkeys(came))
        self.assertEqual(once, list(dict.fromkeys(village.told())), "in the village's order")

    def check_rights(self, stranger):
        """The phone of one village, and the login of another."""
        seen = {m.topic.split("/")[1] for m in self.local.messages}
        self.assertEqual(seen, {SITES[0]})
        topic = "roadwatch/%s/event/x/ack" % stranger.site
        self.assertIn(DENIED, self.commune.publish(self.local.login, topic, "{}"))
        topic = "roadwatch/%s/gate/event" % SITES[0]
        self.assertIn(DENIED, self.commune.publish(stranger.login, topic, "{}"))
        self.assertIn(DENIED, self.commune.publish(self.local.login, topic, "{}"))


if __name__ == "__main__":
    harness.main()
