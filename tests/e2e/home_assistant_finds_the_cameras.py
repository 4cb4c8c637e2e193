"""Home Assistant's discovery: what it is told is what its documentation asks for, says of real messages
what they mean, stands at the broker as long as the camera is in the configuration, and no longer.
"""

import json
import os
import signal
import subprocess

import harness
from harness import wait_until

try:
    import jinja2
    import jsonschema
except ImportError:
    jinja2 = jsonschema = None

BASE = "homeassistant/device/roadwatch_thon-dung/"
CAMERAS = {"gate": "Cổng làng", "market": "Ngã ba chợ"}
PLATFORMS = {"motion": "binary_sensor", "picture": "image", "last_event": "sensor",
             "armed": "switch", "connection": "binary_sensor"}

with open(os.path.join(harness.ROOT, "tests/support/home_assistant.schema.json"),
          encoding="utf-8") as f:
    SCHEMA = json.load(f)


def render(template, message):
    """As Home Assistant does with a message: `value`, and `value_json` where it is JSON."""
    text = message.payload.decode()
    try:
        values = {"value": text, "value_json": json.loads(text)}
    except ValueError:
        values = {"value": text}
    sandbox = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return sandbox.from_string(template).render(values).strip()


class HomeAssistantFindsTheCameras(harness.Case):
    def setUp(self):
        super().setUp()
        if not jsonschema:
            self.skipTest("python3-jinja2 and python3-jsonschema are not installed")
        self.box.simple(*CAMERAS)
        for camera in self.box.config["cameras"]:
            camera["name"] = CAMERAS[camera["id"]]
        self.box.add_broker()
        self.box.config["mqtt"]["home_assistant"] = True
        self.leave_something_behind()
        self.box.start()

    def leave_something_behind(self):
        """Of a camera that was taken out while the box was off, and of another box."""
        self.others = "homeassistant/device/roadwatch_thon-khac/gate/config"
        for topic in (BASE + "bridge/config", self.others):
            self.box.broker.publish(topic, "{}", "-r")

    def standing(self):
        """What a Home Assistant that comes now is given: topic -> payload."""
        said = subprocess.run(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.box.broker.port), "-t",
             "homeassistant/#", "--retained-only", "-W", "1", "-F", "%t %x"],
            capture_output=True, text=True, check=False, timeout=20).stdout
        pairs = (line.split(" ") for line in said.splitlines())
        return {topic: bytes.fromhex(payload) for topic, payload in pairs}

    def expect(self, *topics):
        """Just these of the box's stand there, and what others left -> {topic: JSON}"""
        wanted = {self.others, *(BASE + topic for topic in topics)}
        wait_until(lambda: set(self.standing()) == wanted, 20, "discovery of just %s" % (topics,))
        return {topic[len(BASE):]: json.loads(payload) for topic, payload in self.standing().items()
                if topic.startswith(BASE)}

    def test_it_is_told_what_its_documentation_asks_for(self):
        told = self.expect("config", "gate/config", "market/config")
        validator = jsonschema.Draft202012Validator(SCHEMA)
        unique = []
        for topic, payload in told.items():
            self.assertEqual([error.message for error in validator.iter_errors(payload)], [], topic)
            unique += [part["unique_id"] for part in payload["components"].values()]
        self.assertEqual(len(set(unique)), len(unique))
        self.check_the_schema_refuses(validator, told["gate/config"])
        site = told["config"]["device"]["identifiers"]
        for camera, name in CAMERAS.items():
            payload = told[camera + "/config"]
            self.assertEqual(payload["device"]["name"], name)
            self.assertEqual([payload["device"]["via_device"]], site)
            self.assertEqual({part: is_["platform"] for part, is_ in payload["components"].items()},
                             PLATFORMS)
            self.assertEqual(payload["availability_mode"], "all")
            self.assertEqual([a["topic"] for a in payload["availability"]],
                             ["roadwatch/thon-dung/status", "roadwatch/thon-dung/%s/status" % camera])
        self.assertEqual(told["gate/config"]["components"]["motion"]["name"], "Chuyển động")
        self.check_templates(told["gate/config"])

    def check_the_schema_refuses(self, validator, payload):
        """A schema that takes everything would prove nothing."""
        for spoil in (lambda p: p.pop("origin"), lambda p: p["device"].pop("identifiers"),
                      lambda p: p["components"]["motion"].pop("unique_id"),
                      lambda p: p["components"]["motion"].pop("state_topic"),
                      lambda p: p["components"]["motion"].update(device_class="movement"),
                      lambda p: p["components"]["picture"].pop("image_topic"),
                      lambda p: p["components"]["armed"].pop("platform"),
                      lambda p: p["components"]["armed"].update(state_topics="x"),
                      lambda p: p.update(availability_modes="all")):
            other = json.loads(json.dumps(payload))
            spoil(other)
            self.assertFalse(validator.is_valid(other))

    def check_templates(self, payload):
        """What Home Assistant makes of what the box says."""
        wait_until(lambda: {"start", "end"} <= {e["phase"] for e in self.box.phone.events("gate")}, 40,
                   "an event of gate from start to end")
        parts, phone = payload["components"], self.box.phone
        for message in phone.on(parts["motion"]["state_topic"]):
            event = message.json()
            self.assertEqual(render(parts["motion"]["value_template"], message),
                             "OFF" if event["phase"] == "end" else "ON")
            self.assertEqual(render(parts["last_event"]["value_template"], message), event["text"])
            kept = json.loads(render(parts["last_event"]["json_attributes_template"], message))
            self.assertEqual(kept, {key: event[key] for key in kept})
            self.assertLess(len(json.dumps(kept)), 1000)
        self.acknowledge_what_is_over(parts["motion"])
        self.assertTrue(phone.on(parts["picture"]["image_topic"])[-1].payload.startswith(b"\xff\xd8"))
        self.assertEqual(phone.on(parts["armed"]["state_topic"])[-1].payload, b"ON")
        self.box.broker.publish(parts["armed"]["command_topic"], "OFF")
        wait_until(lambda: phone.on(parts["armed"]["state_topic"])[-1].payload == b"OFF", 10,
                   "the switch to be off")
        self.assert_connected(payload, "online", "ON")
        self.box.servers[0].order("stop", "gate/main")
        wait_until(lambda: phone.on("/gate/status")[-1].json()["state"] != "online", 30,
                   "gate to be away")
        self.assert_connected(payload, "offline", "OFF")

    def assert_connected(self, payload, word, state):
        message = self.box.phone.on("/gate/status")[-1]
        self.assertEqual(render(payload["availability"][1]["value_template"], message), word)
        connection = payload["components"]["connection"]
        self.assertEqual(render(connection["value_template"], message), state)

    def acknowledge_what_is_over(self, motion):
        event = next(e["id"] for e in self.box.phone.events("gate") if e["phase"] == "end")
        self.box.broker.publish("roadwatch/thon-dung/event/%s/ack" % event, '{"by":"Hà"}')

        def answer():
            return [m for m in self.box.phone.on("/gate/event") if m.json().get("acked_by")]
        wait_until(answer, 10, "the acknowledgement to come back")
        self.assertEqual(answer()[0].json()["phase"], "update")
        self.assertEqual(render(motion["value_template"], answer()[0]), "OFF")

    def test_what_is_no_longer_there_is_taken_away(self):
        self.expect("config", "gate/config", "market/config")
        self.box.config["cameras"].pop(0)
        self.box.config["cameras"][0]["name"] = "Chợ mới"
        self.reload()
        told = self.expect("config", "market/config")
        wait_until(lambda: self.expect("config", "market/config")["market/config"]["device"]["name"]
                   == "Chợ mới", 20, "the new name")
        self.assertEqual(told["config"]["device"]["name"], "Thôn Dùng")
        self.box.config["mqtt"]["home_assistant"] = False
        self.reload()
        self.expect()

    def reload(self):
        self.box.write_config()
        self.box.main.send_signal(signal.SIGHUP)


if __name__ == "__main__":
    harness.main()
