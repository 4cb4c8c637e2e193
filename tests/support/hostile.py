"""RTSP cameras written for the tests alone, so that they can lie: RTSP 1.0 (RFC 2326) and RTP with
H.264 in it (RFC 3550, RFC 6184) on plain sockets, nothing but the standard library.

    cameras = Cameras(film("street-180"), folder)
    cameras.add("odd", Honest)           # a port of its own, one stream whatever the path
    cameras.url("odd")                   # rtsp://127.0.0.1:<port>/odd
    cameras.turn("odd", EndlessHeaders)  # from now on; hang_up=True ends its connections first
    cameras.elsewhere.visits             # whose viewer came where he has no business
    cameras.close()

Honest answers like a camera and plays a film in a loop, 15 pictures a second. hostile_modes.py has
those who do not: each is Honest with something else in one place.
"""

import base64
import collections
import os
import random
import selectors
import socket
import subprocess
import threading
import time

PICTURES_A_SECOND = 15
TICKS_A_PICTURE = 90000 // PICTURES_A_SECOND
PAYLOAD_TYPE = 96
PAYLOAD_MOST = 1400  # bytes: fits into an Ethernet frame
ETHERNET = 12500000  # bytes a second: what a camera's port can send
HEAD_MOST = 65536    # bytes of a request: our own program asks, but it is the one under test
SLICE, KEY_SLICE, SEI, SPS, PPS, STAP_A, FU_A = 1, 5, 6, 7, 8, 24, 28


# ---- pictures


def nal_kind(nal):
    return nal[0] & 31


def units_of(annex_b):
    """The NAL units between the start codes (H.264, annex B)."""
    for unit in annex_b.split(b"\0\0\1")[1:]:
        unit = unit.rstrip(b"\0")
        if unit:
            yield unit


class Picture:
    def __init__(self, nals):
        self.nals = nals
        self.key = any(nal_kind(n) == KEY_SLICE for n in nals)


class Film:
    """A film's pictures as its encoder made them."""

    def __init__(self, path):
        annex_b = subprocess.run(
            ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:v:0", "-c", "copy",
             "-bsf:v", "h264_mp4toannexb", "-f", "h264", "-"],
            capture_output=True, check=True, timeout=60).stdout
        self.pictures, waiting = [], []
        for nal in units_of(annex_b):
            waiting.append(nal)
            if nal_kind(nal) in (SLICE, KEY_SLICE):  # these films have one slice a picture
                self.pictures.append(Picture(waiting))
                waiting = []
        self.sps = self.set_of(SPS)
        self.pps = self.set_of(PPS)

    def set_of(self, kind):
        return next(n for n in self.pictures[0].nals if nal_kind(n) == kind)


# ---- RTP


def payloads_of(nal):
    """One unit as the payloads of one or more datagrams: itself, or FU-A (RFC 6184, 5.8)."""
    if len(nal) <= PAYLOAD_MOST:
        return [nal]
    indicator = bytes([nal[0] & 0xe0 | FU_A])
    pieces = [nal[i:i + PAYLOAD_MOST] for i in range(1, len(nal), PAYLOAD_MOST)]
    last = len(pieces) - 1
    return [indicator + bytes([(i == 0) << 7 | (i == last) << 6 | nal_kind(nal)]) + piece
            for i, piece in enumerate(pieces)]


def stap_a(nals):
    """Several small units in one payload (RFC 6184, 5.7.1)."""
    return bytes([0x60 | STAP_A]) + b"".join(len(n).to_bytes(2, "big") + n for n in nals)


def payloads_of_picture(nals):
    """Small units that follow each other share a datagram."""
    payloads, small = [], []

    def put_small():
        if small:
            payloads.append(small[0] if len(small) == 1 else stap_a(small))
            small.clear()
    for nal in nals:
        if sum(len(n) + 2 for n in small) + len(nal) + 3 > PAYLOAD_MOST:
            put_small()
        if len(nal) + 3 > PAYLOAD_MOST:
            payloads += payloads_of(nal)
        else:
            small.append(nal)
    put_small()
    return payloads


def rtp(sequence, ticks, payload, marker=False, payload_type=PAYLOAD_TYPE, ssrc=0x0badcafe,
        first=0x80):
    """A datagram. first: version, padding, extension and the number of contributors."""
    return (bytes([first & 255, marker << 7 | payload_type & 127])
            + (sequence & 0xffff).to_bytes(2, "big") + (ticks & 0xffffffff).to_bytes(4, "big")
            + (ssrc & 0xffffffff).to_bytes(4, "big") + payload)


def interleaved(channel, datagram):
    """RFC 2326, 10.12."""
    return b"$" + bytes([channel & 255]) + len(datagram).to_bytes(2, "big") + datagram


# ---- connections


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, _, rest = lines[0].partition(" ")
        self.uri = rest.split(" ")[0]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    def __getitem__(self, name):
        return self.headers.get(name, "")


class Link:
    """One connection: a thread that reads requests and, while it plays, one that sends pictures."""

    def __init__(self, camera, sock):
        self.camera = camera
        self.socket = sock
        self.peer = sock.getpeername()[0]
        self.manners = camera.manners(self)
        self.ended = threading.Event()
        self.sending = threading.Lock()
        self.channel = 0
        self.udp = None        # (our RTP and RTCP sockets, the ports they send to)
        self.player = None
        threading.Thread(target=self.read, daemon=True).start()

    def end(self):
        self.ended.set()
        for sock in [self.socket] + (self.udp[0] if self.udp else []):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait(self, seconds):
        """True when the connection has ended meanwhile."""
        return self.ended.wait(seconds)

    def send(self, data):
        try:
            with self.sending:
                self.socket.sendall(data)
        except OSError:
            self.end()

    def send_datagrams(self, datagrams, rtcp=False):
        """As agreed in SETUP."""
        if not self.udp:
            self.send(b"".join(interleaved(self.channel + rtcp, d) for d in datagrams))
            return
        sockets, ports = self.udp
        for datagram in datagrams:
            try:
                sockets[rtcp].sendto(datagram, (self.peer, ports[rtcp]))
            except OSError:
                pass  # nobody listens there any more

    def read(self):
        try:
            self.manners.greeted()
            waiting = b""
            while not self.ended.is_set():
                data = self.socket.recv(65536)
                if not data:
                    break
                waiting = self.take(waiting + data)
        except OSError:
            pass
        self.end()
        self.camera.links.discard(self)
        if self.player:
            self.player.join()
        for sock in [self.socket] + (self.udp[0] if self.udp else []):
            sock.close()

    def take(self, waiting):
        """Whole requests are answered, RTCP passed over; returns what is not whole."""
        while waiting and not self.ended.is_set():
            if waiting[:1] == b"$":
                size = 4 + int.from_bytes(waiting[2:4], "big")
                if len(waiting) < 4 or len(waiting) < size:
                    return waiting
                waiting = waiting[size:]
                continue
            head, found, rest = waiting.partition(b"\r\n\r\n")
            if not found:
                if len(waiting) > HEAD_MOST:
                    self.end()
                return waiting
            waiting = rest
            if head.startswith(b"RTSP/"):
                continue  # an answer to what some of them ask
            request = Request(head)
            self.camera.note(request)
            self.manners.asked(request)
        return waiting

    def play(self):
        if not self.player:
            self.player = threading.Thread(target=self.show, daemon=True)
            self.player.start()

    def show(self):
        """The film from its beginning, in real time."""
        began, count = time.monotonic(), 0
        pictures = self.camera.film.pictures
        while not self.ended.is_set():
            manners = self.manners
            manners.show(pictures[count % len(pictures)], count * TICKS_A_PICTURE)
            count += 1
            if self.manners is not manners:  # whatever it did took its time
                began, count = time.monotonic(), 0
            self.wait(max(0, began + count / PICTURES_A_SECOND - time.monotonic()))


class Honest:
    """Answers like a camera. One for each connection."""

    UDP = False     # is the viewer told to ask for RTP over UDP?
    FAULT = True    # when it is useless: broken, not only away, refusing or set up wrongly
    RETURNS_S = 10  # after so long there are recordings again when the camera is good again

    SESSION = "12345678"
    SESSION_S = 60  # it is forgotten that long after the last request in it
    METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"

    def __init__(self, link):
        self.link = link
        self.camera = link.camera
        self.film = link.camera.film
        self.elsewhere = link.camera.elsewhere
        self.random = random.Random(1)
        self.sequence = 0

    @property
    def over(self):
        """The connection has ended, or the camera has other manners now."""
        return self.link.ended.is_set() or self.link.manners is not self

    # ---- requests

    def greeted(self):
        """A client has connected."""

    def asked(self, request):
        handle = getattr(self, "asked_" + request.method.lower(), None)
        if handle:
            handle(request)
        else:
            self.answer(request, status="501 Not Implemented")

    def asked_options(self, request):
        self.answer(request, {"Public": self.METHODS})

    def asked_get_parameter(self, request):
        self.answer(request)

    def asked_set_parameter(self, request):
        self.answer(request)

    def asked_describe(self, request):
        self.answer(request, {"Content-Base": self.url() + "/", "Content-Type": "application/sdp"},
                    self.sdp())

    def asked_setup(self, request):
        wish = request["transport"]
        said = {key: value for key, _, value in (p.partition("=") for p in wish.split(";"))}
        if "interleaved" in said or "/TCP" in wish:
            self.link.channel = int(said.get("interleaved", "0-1").split("-")[0])
            agreed = "RTP/AVP/TCP;unicast;interleaved=%d-%d" % (self.link.channel,
                                                               self.link.channel + 1)
        else:
            self.open_udp([int(p) for p in said["client_port"].split("-")])
            ours = [s.getsockname()[1] for s in self.link.udp[0]]
            agreed = "RTP/AVP;unicast;client_port=%s;server_port=%d-%d" % (said["client_port"],
                                                                          *ours)
        self.answer(request, {"Transport": self.transport(agreed),
                              "Session": "%s;timeout=%d" % (self.SESSION, self.SESSION_S)})

    def asked_play(self, request):
        self.answer(request, {"Session": self.SESSION, "Range": "npt=0.000-"})
        self.link.play()

    def asked_teardown(self, request):
        self.answer(request)
        self.link.end()

    def answer(self, request, headers=None, body="", status="200 OK"):
        lines = ["RTSP/1.0 " + status, "CSeq: " + self.cseq(request)]
        lines += ["%s: %s" % pair for pair in (headers or {}).items()]
        if body:
            lines.append("Content-Length: %d" % len(body))
        self.link.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1"))

    # ---- what others say differently

    def cseq(self, request):
        return request["cseq"]

    def url(self):
        return self.camera.url()

    def control(self):
        return "trackID=1"

    def transport(self, agreed):
        return agreed

    def sets(self):
        """SPS and PPS that the description names."""
        return self.film.sps, self.film.pps

    def sdp(self):
        return "\r\n".join(self.sdp_lines()) + "\r\n"

    def sdp_lines(self):
        return ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0",
                *self.sdp_media()]

    def sdp_media(self):
        sets = ",".join(base64.b64encode(s).decode() for s in self.sets())
        return ["m=video 0 RTP/AVP %d" % PAYLOAD_TYPE,
                "a=rtpmap:%d H264/90000" % PAYLOAD_TYPE,
                "a=fmtp:%d packetization-mode=1;sprop-parameter-sets=%s" % (PAYLOAD_TYPE, sets),
                "a=control:" + self.control()]

    # ---- pictures

    def show(self, picture, ticks):
        """A picture's time has come."""
        self.send_payloads(payloads_of_picture(picture.nals), ticks)

    def send_payloads(self, payloads, ticks, marker=True, **fields):
        datagrams = []
        for i, payload in enumerate(payloads):
            datagrams.append(self.datagram(ticks, payload, marker and i == len(payloads) - 1,
                                           **fields))
        self.link.send_datagrams(datagrams)

    def datagram(self, ticks, payload, marker=False, **fields):
        self.sequence += 1
        return rtp(self.sequence, ticks, payload, marker, **fields)

    def open_udp(self, ports):
        """Two sockets on neighbouring ports, the first even."""
        while True:
            first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                first.bind(("127.0.0.1", 0))
                port = first.getsockname()[1]
                if port % 2 == 0:
                    second.bind(("127.0.0.1", port + 1))
                    self.link.udp = ([first, second], ports)
                    return
            except OSError:
                pass
            first.close()
            second.close()

    # ---- tools of those who misbehave

    def pour(self, make, bytes_a_second=ETHERNET):
        """Sends make() until the connection or these manners end, in pieces that make sense."""
        began, sent = time.monotonic(), 0
        while not self.over:
            data = make()
            self.link.send(data)
            sent += len(data)
            self.link.wait(max(0, began + sent / bytes_a_second - time.monotonic()))

    def trickle(self, data, seconds_each=1):
        """One byte at a time."""
        for byte in data:
            self.link.send(bytes([byte]))
            if self.link.wait(seconds_each) or self.over:
                return

    def noise(self, size):
        return self.random.randbytes(size)


# ---- cameras


class Place:
    """Where one camera may send its viewer: another port, another host, a file."""

    HOST = "127.0.0.2"  # with the camera's own port

    def __init__(self, port, udp_port, fifo):
        self.port = port          # TCP, on the camera's host
        self.udp_port = udp_port  # on the other
        self.fifo = fifo


class Elsewhere:
    """Watches those places: nobody may come."""

    def __init__(self, folder):
        self.folder = folder
        self.visits = []
        self.fifos = {}
        self.selector = selectors.DefaultSelector()
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def place(self, name, camera_port):
        """OSError: the camera's port is taken on the other host."""
        self.watch(socket.create_server((Place.HOST, camera_port)), name)
        port = self.watch(socket.create_server(("127.0.0.1", 0)), name)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((Place.HOST, 0))
        fifo = os.path.join(self.folder, name + ".not-for-cameras")
        os.mkfifo(fifo)
        self.fifos[fifo] = name
        return Place(port, self.watch(udp, name), fifo)

    def watch(self, sock, name):
        sock.setblocking(False)
        self.selector.register(sock, selectors.EVENT_READ, name)
        return sock.getsockname()[1]

    def look(self):
        while not self.closing.is_set():
            for key, _ in self.selector.select(0.1):
                self.receive(key.fileobj, key.data)
            for fifo, name in list(self.fifos.items()):
                self.try_fifo(fifo, name)

    def try_fifo(self, fifo, name):
        """Opening it for writing succeeds only while somebody reads."""
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            self.visits.append("%s: its file" % name)
        except OSError:
            pass

    def receive(self, sock, name):
        host, port = sock.getsockname()
        if sock.type == socket.SOCK_DGRAM:
            sock.recv(65536)
            self.visits.append("%s: udp %s:%d" % (name, host, port))
        else:
            sock.accept()[0].close()
            self.visits.append("%s: tcp %s:%d" % (name, host, port))

    def close(self):
        self.closing.set()
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


class Camera:
    def __init__(self, name, film, elsewhere, manners):
        self.name = name
        self.film = film
        self.manners = manners
        self.links = set()
        self.connections = 0
        self.requests = collections.Counter()
        self.listener, self.elsewhere = self.listen(elsewhere)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def listen(self, elsewhere):
        """A port that is free here and on the other host; and where it may send its viewer."""
        while True:
            listener = socket.create_server(("127.0.0.1", 0), backlog=16)
            try:
                return listener, elsewhere.place(self.name, listener.getsockname()[1])
            except OSError:
                listener.close()

    def url(self):
        return "rtsp://127.0.0.1:%d/%s" % (self.port, self.name)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self.links.add(Link(self, sock))
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def note(self, request):
        self.requests[request.method] += 1

    def turn(self, manners, hang_up):
        self.manners = manners
        for link in list(self.links):
            if hang_up:
                link.end()
            else:
                link.manners = manners(link)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for link in list(self.links):
            link.end()


class Cameras:
    """Some of them. folder: for what must lie in the file system."""

    def __init__(self, film_path, folder):
        self.film = Film(film_path)
        self.elsewhere = Elsewhere(folder)
        self.cameras = {}

    def add(self, name, manners=Honest):
        self.cameras[name] = Camera(name, self.film, self.elsewhere, manners)
        return self.cameras[name]

    def __getitem__(self, name):
        return self.cameras[name]

    def url(self, name):
        return self.cameras[name].url()

    def turn(self, name, manners, hang_up=False):
        self.cameras[name].turn(manners, hang_up)

    def close(self):
        for camera in self.cameras.values():
            camera.close()
        self.elsewhere.close()
