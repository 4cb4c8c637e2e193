"""SIGTERM at any moment: everything ends cleanly in under five seconds."""

import queue
import socket
import threading
import time

import harness
from harness import let_pass, now, wait_until

LIMIT_S = 5


class SlowLine:
    """Takes connections to a port on; every byte is this late, either way."""

    def __init__(self, port, late_s):
        self.to = port
        self.late_s = late_s
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends = [self.listener]
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                box, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.to))
            self.ends += [box, broker]
            for source, sink in ((box, broker), (broker, box)):
                way = queue.SimpleQueue()
                threading.Thread(target=self.receive, args=(source, way), daemon=True).start()
                threading.Thread(target=self.deliver, args=(way, sink), daemon=True).start()

    def receive(self, source, way):
        data = True
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            way.put((time.monotonic() + self.late_s, data))

    @staticmethod
    def deliver(way, sink):
        data = True
        while data:
            due, data = way.get()
            time.sleep(max(0, due - time.monotonic()))
            try:
                if data:
                    sink.sendall(data)
                else:
                    sink.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        for end in self.ends:
            end.close()


class SigtermEndsInFiveSeconds(harness.Case):
    def check_end(self):
        status, took = self.box.stop(10)
        self.assertEqual(status, 0)
        self.assertLess(took, LIMIT_S * harness.SLOWER)
        self.assertEqual(self.box.pids(), {})

    def test_while_it_records_and_announces(self):
        self.box.simple("gate", "market")
        self.box.add_broker()
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 5)
        stopped = now()
        self.check_end()
        self.assert_fsck_clean()
        coverage = self.box.coverage("gate", began, stopped)
        self.assert_no_gap(coverage, allowed=("before-first", "recorder-off"))
        # a clean end loses nothing that was received
        tail = [harness.seconds(g) for g in coverage["gaps"] if g["cause"] != "before-first"]
        self.assertLess(sum(tail), 1)

    def check_phone_was_told(self):
        phone = self.box.phone
        wait_until(lambda: phone.on("roadwatch/thon-dung/gate/status")[-1].json()["state"] ==
                   "offline", 5, "the camera's last state")
        wait_until(lambda: phone.on("roadwatch/thon-dung/status")[-1].payload == b"offline", 5,
                   "the site's last state")
        begun = {e["id"] for e in phone.events("gate")}
        ended = {e["id"] for e in phone.events("gate") if e["phase"] == "end"}
        self.assertEqual(begun, ended)

    def test_the_phone_is_told_how_it_ended(self):
        self.box.simple("gate")
        self.box.add_broker()
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 30, "an event")
        self.check_end()
        self.check_phone_was_told()

    def test_the_phone_is_told_how_it_ended_over_a_slow_line(self):
        # its first message is not confirmed yet when the end comes
        self.box.simple("gate")
        self.box.add_broker()
        line = SlowLine(self.box.broker.port, 0.6)
        self.addCleanup(line.close)
        self.box.config["mqtt"]["port"] = line.port
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 30, "an event")
        self.check_end()
        self.check_phone_was_told()

    def test_while_it_reads_its_configuration(self):
        self.box.simple("gate", "market")
        self.box.start()
        wait_until(lambda: len(self.box.pids()) > 1, 10, "who reads it to be there")
        self.check_end()

    def test_right_after_the_start(self):
        self.box.simple("gate", "market")
        self.box.start()
        wait_until(lambda: self.box.pid("camera", "market"), 10, "the children to be there")
        self.check_end()

    def test_while_cameras_are_silent_and_the_broker_is_away(self):
        server = self.box.simple("gate", "market")
        self.box.add_broker()
        self.box.broker.stop()
        self.box.start()
        self.box.wait_recording("gate", "market")
        server.order("hang", "gate/main")
        server.order("hang", "gate/sub")
        server.order("stop", "market/main")
        let_pass(2)
        self.check_end()
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()
