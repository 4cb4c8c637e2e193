"""`roadwatch broker` writes a broker with TLS in which everybody has a login of their own: a phone
reads its site and writes acknowledgements and snoozes, nothing else; and nothing is overwritten."""

import base64
import glob
import os
import socket
import ssl
import stat
import subprocess

import harness
from harness import ROOT, wait_until
from harness_brokers import Phone, SetUpBroker

SITE = "thon-dung"
BASE = "roadwatch/thon-dung/"
DENIED = "Not authorized"


def contents(folder):
    found = {}
    for path in glob.glob(folder + "/**", recursive=True):
        if os.path.isfile(path) and not path.endswith(("/log", "/mosquitto.conf", "mosquitto.db")):
            with open(path, "rb") as f:
                found[path] = f.read()
    return found


def mqtt_over_websocket(port, ca, login):
    """Connects as a page does; -> the CONNACK's return code."""
    context = ssl.create_default_context(cafile=ca)
    with socket.create_connection(("localhost", port), 10) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as line:
        line.sendall(("GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: %s\r\n\r\n"
                      % base64.b64encode(os.urandom(16)).decode()).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(1)
        if b" 101 " not in head:
            raise AssertionError(head)
        fields = (b"\0\4MQTT\4\xc2\0\x3c", b"page", *(login[k].encode() for k in
                                                      ("username", "password")))
        body = fields[0] + b"".join(len(f).to_bytes(2, "big") + f for f in fields[1:])
        packet = b"\x10" + bytes([len(body)]) + body
        # RFC 6455: a client masks; zeros do
        line.sendall(b"\x82" + bytes([0x80 | len(packet)]) + bytes(4) + packet)
        frame = b""
        while len(frame) < 6:
            frame += line.recv(6 - len(frame))
        return frame[5]


class BrokerForAVillage(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.config["cameras"] = [{"id": "gate", "main": {"url": "rtsp://127.0.0.1:1/main",
                                                              "keep": "8 MiB"}}]
        self.box.write_config()

    def set_up(self):
        broker = SetUpBroker(self.box.folder + "/mosquitto", "-c", self.box.config_path)
        self.addCleanup(broker.stop)
        return broker

    def box_login(self):
        with open(self.box.folder + "/mqtt.pw", encoding="utf-8") as f:
            return {"username": SITE, "password": f.read().strip()}

    def hear(self, broker, login, topic="#"):
        phone = Phone(broker, login, SITE, topic)
        self.addCleanup(phone.close)
        return phone

    def test_a_phone_reads_its_site_and_writes_ack_and_snooze(self):
        broker = self.set_up()
        box, ha = self.box_login(), broker.login("phone", "ha")
        phone = self.hear(broker, ha)
        home = broker.login("home", "ban-canh")
        for topic in ("roadwatch/thon-khac/gate/event", "homeassistant/x", "elsewhere"):
            denied = broker.publish(box, topic, "not for the phone")
            self.assertEqual(DENIED in denied, not topic.startswith("homeassistant"), denied)
        for topic in ("gate/event", "gate/status", "status", "gate/armed", "gate/armed/set",
                      "gate/snapshot", "event/x/update"):
            self.assertIn(DENIED, broker.publish(ha, BASE + topic, "forged"), topic)
        for topic in ("roadwatch/thon-khac/event/x/ack", "homeassistant/x", "$SYS/x"):
            self.assertIn(DENIED, broker.publish(ha, topic, "forged"), topic)
        self.assertEqual(broker.publish(ha, BASE + "event/x/ack", "ack"), "")
        self.assertEqual(broker.publish(ha, BASE + "gate/snooze/set", "60"), "")
        self.assertEqual(broker.publish(home, BASE + "gate/armed/set", "OFF"), "")
        self.assertIn(DENIED, broker.publish(home, BASE + "gate/event", "forged"))
        self.assertEqual(broker.publish(box, BASE + "gate/event", "true"), "")
        wait_until(lambda: phone.on("gate/event"), 10, "what the box says")
        self.assertEqual([(m.topic, m.payload) for m in phone.messages],
                         [(BASE + "event/x/ack", b"ack"), (BASE + "gate/snooze/set", b"60"),
                          (BASE + "gate/armed/set", b"OFF"), (BASE + "gate/event", b"true")])

    def test_nobody_enters_without_a_login_of_the_day(self):
        broker = self.set_up()
        ha = broker.login("phone", "ha")
        for username, password in (("", ""), ("ha", ""), ("ha", SITE), ("roadwatch", "roadwatch")):
            self.assertTrue(broker.publish({"username": username, "password": password},
                                           BASE + "event/x/ack", "?"), username)
        self.assertEqual(mqtt_over_websocket(broker.websockets, broker.ca, ha), 0)
        self.assertEqual(mqtt_over_websocket(broker.websockets, broker.ca,
                                             dict(ha, password="nonsense")), 5)
        again = broker.login("phone", "ha", "--replace")
        self.assertIn(DENIED, broker.publish(ha, BASE + "event/x/ack", "old password"))
        self.assertEqual(broker.publish(again, BASE + "event/x/ack", "new password"), "")
        broker.cli("remove", "ha")
        broker.reload()
        self.assertIn(DENIED, broker.publish(again, BASE + "event/x/ack", "lost phone"))
        self.assertEqual(broker.publish(self.box_login(), BASE + "status", "online"), "")

    def test_nothing_is_overwritten_unasked(self):
        broker = self.set_up()
        ha = broker.login("phone", "ha")
        before = contents(self.box.folder)
        for words in (("setup", "-c", self.box.config_path), ("phone", "ha"), ("phone", SITE),
                      ("remove", SITE), ("remove", "hoa"), ("village", "thon-khac"),
                      ("phone", "hoa", "--site", "thon-khac"), ("setup", "--commune"),
                      ("setup", "--commune", "--replace"), ("join", "/nonexistent")):
            status, said = broker.refusal(*words)
            self.assertEqual(status, 1, said)
            self.assertTrue(harness.one_line(said), said)
        self.assertEqual(contents(self.box.folder), before)
        broker.cli("setup", "--replace", "-c", self.box.config_path)
        after = contents(self.box.folder)
        changed = {os.path.basename(p) for p in after if after[p] != before.get(p)}
        self.assertEqual(changed, {"server.crt", "server.key"}, "the rest stays, byte for byte")
        broker.reload()
        self.assertEqual(broker.publish(ha, BASE + "event/x/ack", "as before"), "")

    def test_secrets_are_for_few_and_never_the_same(self):
        broker = self.set_up()
        folder = broker.folder + "/roadwatch/"
        modes = {n: stat.S_IMODE(os.stat(folder + n).st_mode) for n in os.listdir(folder)}
        self.assertEqual(modes, {"ca.key": 0o600, "ca.crt": 0o644, "server.key": 0o640,
                                 "server.crt": 0o644, "passwords": 0o640, "acl": 0o640,
                                 "setup.json": 0o644})
        self.assertEqual(stat.S_IMODE(os.stat(self.box.folder + "/mqtt.pw").st_mode), 0o400)
        logins = [broker.login("phone", name)["password"] for name in ("ha", "hoa", "dung")]
        logins.append(self.box_login()["password"])
        self.assertEqual(len(set(logins)), 4)
        kept = b"".join(contents(broker.folder).values()).decode()
        for password in logins:
            self.assertRegex(password, "^([0-9a-z]{4}-){3}[0-9a-z]{4}$")
            self.assertNotIn(password, kept, "no password is kept beside its hash")
        subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver",
                        "-verify_hostname", "localhost", "-CAfile", folder + "ca.crt",
                        folder + "server.crt"], check=True, capture_output=True)

    def test_the_example_is_what_it_writes(self):
        folder = self.box.folder + "/mosquitto"
        commune = self.box.folder + "/commune"

        def broker(where, *words):
            return subprocess.run([harness.ROADWATCH, "broker", *words, "--dir", where], check=True,
                                  capture_output=True, text=True, timeout=30).stdout
        os.mkdir(folder)
        os.mkdir(commune)
        broker(folder, "setup", "-c", self.box.config_path, "--host", "thon-dung.example,10.0.0.2")
        broker(folder, "phone", "ha")
        broker(commune, "setup", "--commune", "--host", "xa.example")
        joining = self.box.folder + "/thon-dung.json"
        with open(joining, "w", encoding="utf-8") as f:
            f.write(broker(commune, "village", SITE, "--json"))
        broker(folder, "join", joining)
        for where, example in ((folder, "village"), (commune, "commune")):
            shown = os.path.join(ROOT, "config/mosquitto", example)
            for path in glob.glob(shown + "/**/*", recursive=True):
                if os.path.isfile(path):
                    self.assert_written(where, shown, path)

    def assert_written(self, where, shown, path):
        with open(path, encoding="utf-8") as f:
            example = f.read()
        with open(path.replace(shown, where), encoding="utf-8") as f:
            wrote = f.read().replace(where, "/etc/mosquitto")
        wrote = "\n".join("remote_password ..." if line.startswith("remote_password ") else line
                          for line in wrote.split("\n"))
        self.assertEqual(example, wrote, path)


if __name__ == "__main__":
    harness.main()
