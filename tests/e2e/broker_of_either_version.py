"""MQTT 5 where the broker speaks it, with what it can say about a message; else 3.1.1."""

import socket
import subprocess
import threading

import harness
from harness import wait_until

FIVE, THREE = 5, 4  # the protocol levels of CONNECT


class OldBroker:
    """In front of a broker: refuses MQTT 5 as a broker does that only knows 3.1.1 (its section
    3.1.2.2: CONNACK with code 1, then the end), and passes everything else on."""

    def __init__(self, port):
        self.behind = port
        self.levels = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.meet, args=(client,), daemon=True).start()

    def meet(self, client):
        first = client.recv(4096)
        name = first.find(b"MQTT")
        if b"-pictures" not in first:  # the second connection asks the same, in its own time
            self.levels.append(first[name + 4])
        if first[name + 4] == FIVE:
            client.sendall(b"\x20\x02\x00\x01")
            client.close()
            return
        broker = socket.create_connection(("127.0.0.1", self.behind))
        broker.sendall(first)
        threading.Thread(target=self.pump, args=(broker, client), daemon=True).start()
        self.pump(client, broker)

    @staticmethod
    def pump(source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def close(self):
        self.listener.close()


class ModernPhone:
    """What an MQTT 5 subscriber sees beside the payloads: {topic: [(type, expiry, about)]}"""

    def __init__(self, port):
        self.seen = {}
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-V", "5", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t",
             "roadwatch/#", "-F", "%t|%C|%E|%D"], stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            topic, *properties = line.rstrip("\n").split("|")
            self.seen.setdefault(topic, []).append(tuple(properties))

    def on(self, part):
        return [(t, p) for t, all_of_it in list(self.seen.items()) for p in all_of_it if part in t]

    def close(self):
        harness.end_process(self.process)
        self.reader.join()


class BrokerOfEitherVersion(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate")
        self.box.add_broker()

    def test_five_says_what_a_message_is(self):
        phone = ModernPhone(self.box.broker.port)
        self.addCleanup(phone.close)
        self.box.start()
        wait_until(lambda: phone.on("/gate/clip/"), 60, "a film")
        self.assertTrue(self.box.lines("connected to the broker", "MQTT 5"))
        topic, (kind, expiry, about) = phone.on("/gate/clip/")[0]
        self.assertEqual((kind, about), ("video/mp4", topic.rpartition("/")[2]))
        self.assertIn(int(expiry), range(86000, 86401))
        ids = {e["id"] for e in self.box.phone.events("gate")}
        for _, (kind, expiry, about) in phone.on("/gate/event"):
            self.assertEqual(kind, "application/json")
            self.assertIn(int(expiry), range(600000, 604801))
            self.assertIn(about, ids)
        for _, properties in phone.on("/gate/snapshot"):
            self.assertEqual(properties[:2], ("image/jpeg", ""), "stays until the next one")
            self.assertIn(properties[2], ids)
        self.assertIn(("application/json", "", ""), [p for _, p in phone.on("/gate/status")])

    def test_without_five_it_speaks_three(self):
        old = OldBroker(self.box.broker.port)
        self.addCleanup(old.close)
        self.box.config["mqtt"]["port"] = old.port
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 40, "an alert")
        self.assertEqual(old.levels, [FIVE, THREE])
        self.assertTrue(self.box.lines("connected to the broker", "MQTT 3.1.1"))


if __name__ == "__main__":
    harness.main()
