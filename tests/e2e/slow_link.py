"""On a line of 64 kbit/s an alert's words and small picture are there at once, though films go the
same way."""

import statistics

import harness
from harness import wait_until
from harness_network import FarNetwork

KBIT = 64
FILMS = 2


class SlowLink(harness.Case):
    def setUp(self):
        super().setUp()
        network = FarNetwork(self)
        network.narrow(KBIT)
        self.box.simple("gate")
        for camera in self.box.config["cameras"]:
            camera["alert"]["clip"] = {"seconds": 4, "max": "60 KB"}
        self.box.add_broker(address=network.address, within=network.within)
        self.box.start()

    def messages(self, part):
        return [m for m in list(self.box.phone.messages) if part in m.topic]

    def test_words_do_not_wait_behind_films(self):
        wait_until(lambda: len(self.messages("/clip/")) >= FILMS, 150, "films")
        events = [m for m in self.messages("/event") if m.topic.endswith("/event")]
        starts = [m for m in events if m.json()["phase"] == "start"]
        late = [m.when - harness.instant(m.json()["times"]["sent"]).timestamp() for m in starts]
        print("slow_link: %d kbit/s, %d films: %d alerts with their thumbnail, median %.2f s, worst "
              "%.2f s; first %.2f s; event messages up to %d bytes, snapshots up to %d"
              % (KBIT, FILMS, len(late), statistics.median(late), max(late), late[0],
                 max(len(m.payload) for m in events),
                 max(len(m.payload) for m in self.messages("/snapshot"))))
        self.assertTrue(all("thumbnail" in m.json() for m in starts))
        film_s = max(len(m.payload) for m in self.messages("/clip/")) * 8 / KBIT / 1000
        self.assertLess(max(late), film_s * 0.6, "not behind a film")


if __name__ == "__main__":
    harness.main()
