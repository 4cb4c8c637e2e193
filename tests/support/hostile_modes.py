"""What cameras do to the box that reads them. Each class is hostile.Honest with one thing done
otherwise; its docstring completes "a camera that ...". The tests tell apart those whose pictures
are of no use, those that may be of use, and those that do their work all the same.
"""

import itertools
import socket

from hostile import (FU_A, KEY_SLICE, PAYLOAD_MOST, PAYLOAD_TYPE, SEI, SLICE, STAP_A, Honest,
                     interleaved, nal_kind, payloads_of_picture, rtp, stap_a)

LINE_S = 1  # between two bytes of a slow one
# Bytes a second, where nothing stops the camera: a tenth of what its port can send, because some
# twenty of them share the test's machine.
STEADY = 1250000
MIB = 1 << 20


# ---- answers without an end


class EndlessHeaders(Honest):
    """never ends the head of its answer"""

    def asked_describe(self, request):
        self.link.send(b"RTSP/1.0 200 OK\r\n")
        count = itertools.count()
        self.pour(lambda: b"".join(b"X-%d: %d\r\n" % (next(count), i) for i in range(1000)))


class EndlessLine(Honest):
    """never ends a header"""

    def asked_describe(self, request):
        self.link.send(b"RTSP/1.0 200 OK\r\nX-Long: ")
        self.pour(lambda: b"a" * 65536)


class EndlessStatus(Honest):
    """says nothing but letters, without an end"""

    FAULT = False

    def asked_options(self, request):
        self.pour(lambda: b"a" * 65536)

    asked_describe = asked_options


class EndlessReplies(Honest):
    """answers one question for ever"""

    def asked_describe(self, request):
        reply = b"RTSP/1.0 200 OK\r\nCSeq: %s\r\n\r\n" % (b"9" * 5)
        self.pour(lambda: reply * 500, STEADY)


class EndlessContinue(Honest):
    """says 100 Continue for ever"""

    def asked_describe(self, request):
        reply = ("RTSP/1.0 100 Continue\r\nCSeq: %s\r\n\r\n" % request["cseq"]).encode()
        self.pour(lambda: reply * 500, STEADY)


class BodySizes(Honest):
    """has a body of which it says..."""

    SIZES = ()

    def asked_describe(self, request):
        head = "RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Type: application/sdp\r\n" % request["cseq"]
        head += "".join("Content-Length: %s\r\n" % size for size in self.SIZES)
        self.link.send((head + "\r\n").encode())
        self.pour(lambda: b"a=x\r\n" * 10000)


class BodyOfTwoGigabytes(BodySizes):
    """has a body of 2^31 bytes"""

    SIZES = (2 ** 31,)


class BodyOfEightExabytes(BodySizes):
    """has a body of 2^63 bytes"""

    SIZES = (2 ** 63,)


class BodyBelowZero(BodySizes):
    """has a body of -1 bytes"""

    SIZES = (-1,)


class BodiesOfManySizes(BodySizes):
    """contradicts itself about its body's size"""

    SIZES = (0, 10, 2 ** 31 - 1, -5, "many")


# ---- descriptions


class HundredThousandLines(Honest):
    """describes itself in 100,000 lines"""

    def sdp_lines(self):
        more = ["a=x-%d:%d" % (i, i) for i in range(100000)]
        return super().sdp_lines() + more


class LineOfTenMegabytes(Honest):
    """describes itself in a line of 10 MB"""

    def sdp_lines(self):
        return super().sdp_lines() + ["a=fmtp:%d %s" % (PAYLOAD_TYPE, "x" * 10000000)]


class SetsOfAMegabyte(Honest):
    """names parameter sets of a megabyte"""

    def sets(self):
        sps, pps = super().sets()
        return sps + b"\x55" * MIB, pps + b"\x55" * MIB


class ThirtyThousandTracks(Honest):
    """has 30,000 tracks"""

    def sdp_lines(self):
        tracks = [line for i in range(30000)
                  for line in ("m=audio 0 RTP/AVP 97", "a=control:track%d" % i)]
        return super().sdp_lines()[:5] + tracks + self.sdp_media()


class ThirtyThousandFormats(Honest):
    """offers 30,000 formats of one track"""

    def sdp_lines(self):
        more = ["a=rtpmap:%d H264/90000" % (i % 128) for i in range(30000)]
        return super().sdp_lines() + more


class BrokenDescription(Honest):
    """describes itself in noise"""

    def sdp(self):
        return self.noise(3000).decode("latin-1")


class AbsurdNumbers(Honest):
    """describes itself in numbers that are none"""

    FAULT = False

    def sdp_media(self):
        return ["m=video 99999999999 RTP/AVP %d" % 2 ** 40,
                "a=rtpmap:%d H264/0" % 2 ** 40,
                "a=rtpmap:-1 H264/-90000",
                "a=fmtp:%d packetization-mode=%d;sprop-parameter-sets=,,,====,%%"
                % (2 ** 40, 2 ** 70),
                "a=range:npt=-99999999999999999999-1e999",
                "a=framerate:nan",
                "a=control:"]


# ---- logins


class Login(Honest):
    """A refused login is tried again less often, so that no account is locked."""

    RETURNS_S = 20


class LoginForEver(Login):
    """asks for a login for ever, each time with another nonce"""

    FAULT = False

    MORE = ""

    def asked_options(self, request):
        self.answer(request, {"WWW-Authenticate": 'Digest realm="camera", nonce="%s"%s'
                              % (self.noise(16).hex(), self.MORE)}, status="401 Unauthorized")

    asked_describe = asked_setup = asked_options


class StaleForEver(LoginForEver):
    """finds every nonce too old"""

    MORE = ", stale=true"


class ThousandChallenges(Login):
    """asks for a login in a thousand ways"""

    def asked_describe(self, request):
        ways = "".join('WWW-Authenticate: Digest realm="%s", nonce="%s", algorithm=%s\r\n'
                       % ("r" * 200, self.noise(8).hex(), "MD5-%d" % i) for i in range(1000))
        self.link.send(("RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\n%s\r\n"
                        % (request["cseq"], ways)).encode())


class LoginOfAMegabyte(Login):
    """asks for a login with a realm of a megabyte"""

    def asked_describe(self, request):
        self.answer(request, {"WWW-Authenticate": 'Digest realm="%s", nonce="%s'
                              % ("r" * MIB, "n" * MIB)}, status="401 Unauthorized")


# ---- elsewhere


class Redirect(Honest):
    """sends its viewer away"""

    def place(self):
        raise NotImplementedError

    def asked_describe(self, request):
        self.answer(request, {"Location": self.place()}, status="302 Found")


class RedirectToItself(Redirect):
    """sends its viewer to itself for ever"""

    def place(self):
        return self.url()


class RedirectToAFile(Redirect):
    """sends its viewer to a file"""

    def place(self):
        return "file://" + self.elsewhere.fifo


class RedirectToThePasswords(Redirect):
    """sends its viewer to /etc/passwd"""

    def place(self):
        return "file:///etc/passwd"


class RedirectToHttp(Redirect):
    """sends its viewer to a web page"""

    def place(self):
        return "http://127.0.0.1:%d/" % self.elsewhere.port


class RedirectToAnotherPort(Redirect):
    """sends its viewer to another port"""

    def place(self):
        return "rtsp://127.0.0.1:%d/x" % self.elsewhere.port


class RedirectToAnotherHost(Redirect):
    """sends its viewer to another host"""

    def place(self):
        return "rtsp://127.0.0.2:%d/x" % self.camera.port


class RedirectToALogin(Redirect):
    """sends its viewer to another host behind what looks like a login"""

    def place(self):
        return "rtsp://127.0.0.1:%d@127.0.0.2:%d/x" % (self.camera.port, self.camera.port)


class RedirectInMidStream(Honest):
    """orders its viewer elsewhere in mid-stream"""

    def show(self, picture, ticks):
        if picture.key:
            self.link.send(("REDIRECT %s RTSP/1.0\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:%d/x\r\n"
                            "\r\n" % (self.url(), self.elsewhere.port)).encode())
        super().show(picture, ticks)


class ControlElsewhere(Honest):
    """has its track on another host"""

    def control(self):
        return "rtsp://127.0.0.2:%d/track" % self.camera.port


class ControlOnAnotherPort(Honest):
    """has its track on another port"""

    def control(self):
        return "rtsp://127.0.0.1:%d/track" % self.elsewhere.port


class ControlInAFile(Honest):
    """has its track in a file"""

    def control(self):
        return "file://" + self.elsewhere.fifo


class BaseElsewhere(Honest):
    """says that all its addresses begin on another host"""

    def url(self):
        return "rtsp://127.0.0.2:%d/x" % self.camera.port


class SourceElsewhere(Honest):
    """names another host as the one that sends"""

    UDP = True

    def transport(self, agreed):
        head = agreed.partition(";server_port")[0]
        return head + ";source=127.0.0.2;destination=127.0.0.2;server_port=%d-%d" % (
            self.elsewhere.udp_port, self.elsewhere.udp_port)


class ConnectionElsewhere(Honest):
    """names another host's port in its description"""

    UDP = True

    def sdp_lines(self):
        lines = [line.replace("0.0.0.0", "127.0.0.2") for line in super().sdp_lines()]
        return [line.replace("m=video 0", "m=video %d" % self.elsewhere.udp_port)
                for line in lines]


# ---- too slow, or not at all


class SlowHead(Honest):
    """says one byte of its answer's head a second"""

    FAULT = False

    def asked_describe(self, request):
        self.trickle(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n" + b"X-Slow: 1\r\n" * 1000, LINE_S)


class SlowBody(Honest):
    """says one byte of its description a second"""

    FAULT = False

    def asked_describe(self, request):
        body = self.sdp().encode()
        self.link.send(("RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Type: application/sdp\r\n"
                        "Content-Length: %d\r\n\r\n" % (request["cseq"], len(body))).encode())
        self.trickle(body, LINE_S)


class SlowStream(Honest):
    """sends one byte of its pictures a second"""

    FAULT = False

    def show(self, picture, ticks):
        data = b"".join(interleaved(0, self.datagram(ticks, p))
                        for p in payloads_of_picture(picture.nals))
        self.trickle(data, LINE_S)


class NeverAnswers(Honest):
    """accepts the connection and never says a word"""

    FAULT = False

    def asked(self, request):
        while not self.over:
            self.link.wait(LINE_S)


class FallsSilent(Honest):
    """stops in mid-stream, and reads no more either"""

    FAULT = False

    def asked(self, request):
        super().asked(request)
        while self.link.player and not self.over:
            self.link.wait(LINE_S)

    def show(self, picture, ticks):
        pass


class NoPictures(Honest):
    """answers everything and sends no picture"""

    FAULT = False

    def show(self, picture, ticks):
        pass


# ---- other languages


class NoiseForAnAnswer(Honest):
    """answers in noise"""

    FAULT = False

    def asked(self, request):
        self.link.send(self.noise(5000))


class SpeaksFirst(Honest):
    """speaks in noise before it was asked"""

    FAULT = False

    def greeted(self):
        self.pour(lambda: self.noise(4096), STEADY)


class SpeaksHttp(Honest):
    """answers in HTTP"""

    FAULT = False

    def asked(self, request):
        self.link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


class ControlCharacters(Honest):
    """has words for the screen of the person who reads the log"""

    WORDS = "500 \x1b[2J\x1b]0;owned\x07 \x00\x08\x85 %s%n%s%n " + "very " * 1000 + "wrong"

    def asked_describe(self, request):
        self.answer(request, {"Server": self.WORDS, "Reason": self.WORDS}, status=self.WORDS)


class WrongCseq(Honest):
    """answers other questions than were asked"""

    def cseq(self, request):
        return str(int(request["cseq"]) + 1000)


class AbsurdCseq(Honest):
    """numbers its answers beyond all numbers"""

    def cseq(self, request):
        return "-99999999999999999999999999"


# ---- what SETUP agrees on


class TransportBeyondChannels(Honest):
    """agrees on channels that do not exist"""

    def transport(self, agreed):
        return "RTP/AVP/TCP;unicast;interleaved=300-70000"


class TransportBelowChannels(Honest):
    """agrees on channels below zero"""

    def transport(self, agreed):
        return "RTP/AVP/TCP;unicast;interleaved=-2--1"


class TransportOfPorts(Honest):
    """agrees on UDP where TCP was asked for"""

    def transport(self, agreed):
        return "RTP/AVP;unicast;source=127.0.0.2;client_port=%d-%d;server_port=%d-99999" % (
            self.elsewhere.udp_port, self.elsewhere.udp_port + 1, self.elsewhere.udp_port)


class TransportOfNoise(Honest):
    """agrees in noise"""

    def transport(self, agreed):
        return ";".join("%s=%s" % (self.noise(4).hex(), self.noise(40).hex()) for _ in range(300))


class SessionForNoTime(Honest):
    """holds a session for no time at all"""

    SESSION = "1;timeout=0"


class SessionForLessThanNoTime(Honest):
    """holds a session for less than no time"""

    SESSION = "1;timeout=-2147483649"


class SessionOfAMegabyte(Honest):
    """names its session in a megabyte"""

    SESSION = "s" * MIB


# ---- the connection between the pictures


class NoiseOnTheLine(Honest):
    """sends noise where frames should be"""

    def show(self, picture, ticks):
        self.pour(lambda: self.noise(20000), STEADY)


class FramesThatLie(Honest):
    """says other lengths than its frames have"""

    def show(self, picture, ticks):
        for payload in payloads_of_picture(picture.nals):
            datagram = self.datagram(ticks, payload)
            said = self.random.choice((0, 3, len(datagram) - 7, len(datagram) + 300, 65535))
            self.link.send(b"$\0" + max(0, said).to_bytes(2, "big") + datagram)


class OtherChannels(Honest):
    """sends noise on channels nobody agreed on, beside its pictures"""

    def show(self, picture, ticks):
        super().show(picture, ticks)
        for channel in (2, 3, 7, 128, 255):
            self.link.send(interleaved(channel, self.noise(self.random.randrange(1000))))


class Asks(Honest):
    """asks its viewer in mid-stream"""

    QUESTIONS = ("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n",
                 "GET_PARAMETER * RTSP/1.0\r\nCSeq: 8\r\nContent-Length: 8\r\n\r\n$\0\0\4abcd",
                 "SET_PARAMETER * RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 5\r\n\r\nx: 1\n",
                 "ANNOUNCE * RTSP/1.0\r\nCSeq: 10\r\nContent-Length: 5\r\n\r\nv=0\r\n",
                 "PLAY_NOTIFY * RTSP/1.0\r\nCSeq: 11\r\n\r\n",
                 "WHATEVER * RTSP/1.0\r\nCSeq: 12\r\n\r\n")

    def show(self, picture, ticks):
        super().show(picture, ticks)
        self.link.send(self.random.choice(self.QUESTIONS).encode())


class AsksWithoutEnd(Honest):
    """asks so much in mid-stream that no picture has room"""

    def show(self, picture, ticks):
        question = b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n"
        self.pour(lambda: question * 500, STEADY)


class AnswersUnasked(Honest):
    """answers what nobody asked, beside its pictures"""

    def show(self, picture, ticks):
        super().show(picture, ticks)
        self.link.send(b"RTSP/1.0 200 OK\r\nCSeq: 77\r\nContent-Length: 4\r\n\r\n$$$$")


class TearsDown(Honest):
    """ends each session after a second, by TEARDOWN"""

    def __init__(self, link):
        super().__init__(link)
        self.left = 15

    def bye(self):
        self.link.send(("TEARDOWN %s RTSP/1.0\r\nCSeq: 1\r\nSession: %s\r\n\r\n"
                        % (self.url(), self.SESSION)).encode())

    def show(self, picture, ticks):
        super().show(picture, ticks)
        self.left -= 1
        if not self.left:
            self.bye()
            self.link.end()


class HangsUp(TearsDown):
    """ends each session after a second, without a word"""

    def bye(self):
        pass


# ---- datagrams


class NoiseForDatagrams(Honest):
    """sends noise for RTP"""

    def show(self, picture, ticks):
        self.link.send_datagrams([self.noise(self.random.randrange(1, 1400)) for _ in range(100)])


class NoiseForPictures(Honest):
    """sends noise in good RTP"""

    def show(self, picture, ticks):
        self.send_payloads([self.noise(self.random.randrange(1, 1400)) for _ in range(100)], ticks)


class NoiseInSlices(Honest):
    """sends noise where the encoder's work should be, with good parameter sets"""

    def show(self, picture, ticks):
        nals = [n[:5] + self.noise(len(n)) if nal_kind(n) in (SLICE, KEY_SLICE) else n
                for n in picture.nals]
        self.send_payloads(payloads_of_picture(nals), ticks)


class ShortDatagrams(Honest):
    """sends RTP without anything in it, or with less than it says"""

    FAULT = False

    def show(self, picture, ticks):
        self.sequence += 1
        self.link.send_datagrams([
            b"", b"\x80", b"\x80" * 11, rtp(self.sequence, ticks, b""),
            rtp(self.sequence, ticks, b"\0" * 4 + b"\xff", first=0xa0),   # padding beyond all of it
            rtp(self.sequence, ticks, b"", first=0xa0),
            rtp(self.sequence, ticks, b"\0\0\xff\xff", first=0x90),       # so has the extension
            rtp(self.sequence, ticks, b"\0\0", first=0x90),
            rtp(self.sequence, ticks, b"\0" * 8, first=0x8f),             # fifteen contributors
            rtp(self.sequence, ticks, b"", marker=True)])


class EmptyBetween(Honest):
    """sends empty datagrams between those of its pictures"""

    def show(self, picture, ticks):
        super().show(picture, ticks)
        self.link.send(interleaved(0, b"") * 50)


class OtherPayloadType(Honest):
    """sends another payload type than it described"""

    FAULT = False

    def show(self, picture, ticks):
        self.send_payloads(payloads_of_picture(picture.nals), ticks, payload_type=PAYLOAD_TYPE + 1)


class ManySources(Honest):
    """sends each datagram from another source"""

    def show(self, picture, ticks):
        for payload in payloads_of_picture(picture.nals):
            self.send_payloads([payload], ticks, ssrc=self.random.getrandbits(32))


class SequenceOfLots(Honest):
    """draws its sequence numbers by lot"""

    def datagram(self, ticks, payload, marker=False, **fields):
        return rtp(self.random.getrandbits(16), ticks, payload, marker, **fields)


class EveryDatagramTwice(Honest):
    """sends every datagram twice, and now and then an old one"""

    def datagram(self, ticks, payload, marker=False, **fields):
        self.sequence += 1
        self.link.send_datagrams([rtp(self.sequence, ticks, payload, False, **fields)])
        if self.sequence % 5 == 0:
            old = rtp(self.sequence - 300, ticks - 90000, self.noise(100))
            self.link.send_datagrams([old])
        return rtp(self.sequence, ticks, payload, marker, **fields)


class TimesOfLots(Honest):
    """draws its timestamps by lot"""

    def show(self, picture, ticks):
        super().show(picture, self.random.getrandbits(32))


class TimeStandsStill(Honest):
    """has one time for all pictures"""

    def show(self, picture, ticks):
        super().show(picture, 12345)


class SaysBye(Honest):
    """says RTCP BYE every second and sends on"""

    def show(self, picture, ticks):
        super().show(picture, ticks)
        if ticks % 90000 == 0:
            self.link.send_datagrams([b"\x81\xcb\0\1\x0b\xad\xca\xfe"], rtcp=True)


class NoiseForRtcp(Honest):
    """sends noise for RTCP beside its pictures"""

    def show(self, picture, ticks):
        super().show(picture, ticks)
        self.link.send_datagrams(
            [self.noise(self.random.randrange(300)),
             b"\x80\xc8\xff\xff" + self.noise(24),          # longer than it is
             b"\x9f\xc8\0\6" + self.noise(24)], rtcp=True)  # 31 reports in no room


class ReportsOfLots(Honest):
    """draws by lot what time it says it is (RTCP sender reports)"""

    def show(self, picture, ticks):
        super().show(picture, ticks)
        report = b"\x80\xc8\0\6\x0b\xad\xca\xfe" + self.noise(20)
        self.link.send_datagrams([report], rtcp=True)


# ---- units


class EndlessUnit(Honest):
    """sends a unit that never ends"""

    def show(self, picture, ticks):
        indicator = bytes([0x60 | FU_A])
        begin = indicator + bytes([0x80 | KEY_SLICE]) + b"\x88\x84" * 600
        self.send_payloads([begin], ticks, False)

        def more():
            return b"".join(interleaved(self.link.channel, self.datagram(
                ticks, indicator + bytes([KEY_SLICE]) + b"\x55" * PAYLOAD_MOST)) for _ in range(50))
        self.pour(more)


class EndlessPicture(Honest):
    """sends a picture of slices that never ends"""

    def show(self, picture, ticks):
        first = next(n for n in self.film.pictures[0].nals if nal_kind(n) == KEY_SLICE)
        other = first[:1] + b"\x58" + first[2:]  # begins at the second block
        self.send_payloads(payloads_of_picture([first]), ticks, False)
        self.pour(lambda: b"".join(interleaved(self.link.channel, self.datagram(ticks, p))
                                   for p in payloads_of_picture([other])))


class ContradictoryFragments(Honest):
    """begins and ends the fragments of its units as it likes"""

    def show(self, picture, ticks):
        payloads = payloads_of_picture(picture.nals)
        for i, payload in enumerate(payloads):
            if payload[0] & 31 == FU_A:
                flags = self.random.choice((0xc0, 0x80, 0x40, 0, 0x20, 0xe0))
                kind = self.random.choice((KEY_SLICE, SLICE, 0, 24, 28, 31))
                payloads[i] = payload[:1] + bytes([flags | kind]) + payload[2:]
        fragment = bytes([0x60 | FU_A])
        payloads += [fragment, fragment + b"\xc5", fragment + b"\x85", fragment + b"\x45"]
        self.send_payloads(payloads, ticks)


class AggregatesBeyondTheEnd(Honest):
    """packs units with lengths beyond the end, of nothing, and inside each other"""

    def show(self, picture, ticks):
        head = bytes([0x60 | STAP_A])
        small = b"\x06\x05\x01\x00"
        payloads = [head, head + b"\0", head + b"\0\0", head + b"\0\0" * 600,
                    head + b"\xff\xff" + small, head + b"\0\4" + small + b"\0\5" + small,
                    stap_a([stap_a([stap_a([small])])]), stap_a([b"\x1c\x85" + self.noise(100)])]
        self.send_payloads(payloads, ticks)


class FloodOfTinyUnits(Honest):
    """sends nothing but tiny units, all of one picture that never comes"""

    UNIT = bytes([SEI])

    def show(self, picture, ticks):
        self.pour(lambda: b"".join(interleaved(self.link.channel, self.datagram(0, self.UNIT))
                                   for _ in range(2000)), STEADY / 2)


class FloodOfTinySlices(FloodOfTinyUnits):
    """sends nothing but tiny slices, all of one picture"""

    UNIT = bytes([0x40 | SLICE, 0x9a])


class FloodOfTinyPictures(FloodOfTinyUnits):
    """sends thousands of tiny pictures a second"""

    def show(self, picture, ticks):
        ticks = itertools.count(0, 90)
        super().show(self.film.pictures[0], 0)
        Honest.show(self, self.film.pictures[0], 0)
        self.pour(lambda: b"".join(
            interleaved(self.link.channel, self.datagram(next(ticks), b"\x41\x9a\x24", True))
            for _ in range(1000)), STEADY / 4)


# ---- parameter sets and slices


class Bits:
    """Writes a unit's raw bytes (H.264, 7.2 and 9.1)."""

    def __init__(self):
        self.bits = ""

    def u(self, size, value):
        self.bits += format(value, "0%db" % size)
        return self

    def ue(self, *values):
        for value in values:
            code = format(value + 1, "b")
            self.bits += "0" * (len(code) - 1) + code
        return self

    def unit(self, first):
        """Behind the unit's first byte; with the stop bit and emulation prevention."""
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
        out = bytearray([first])
        for byte in raw:
            if byte <= 3 and out[-2:] == b"\0\0":
                out.append(3)
            out.append(byte)
        return bytes(out)


def sps(width, height, references=1):
    """Baseline, level 6.2; sides in macroblocks of 16 pixels (7.3.2.1.1)."""
    bits = Bits().u(8, 66).u(8, 0xc0).u(8, 62)
    bits.ue(0, 0, 2, references).u(1, 0).ue(width - 1, height - 1)
    return bits.u(1, 1).u(1, 1).u(1, 0).u(1, 0).unit(0x67)


def pps():
    """7.3.2.2"""
    bits = Bits().ue(0, 0).u(1, 0).u(1, 0).ue(0, 0, 0).u(1, 0).u(2, 0).ue(0, 0, 0)
    return bits.u(1, 1).u(1, 0).u(1, 0).unit(0x68)


def key_slice(first_block=0):
    """An I slice's head and nothing of what should follow (7.3.3)."""
    return Bits().ue(first_block, 7, 0).u(4, 0).ue(0).u(2, 0).ue(0, 1).unit(0x65)


class SidesOfSixteenThousand(Honest):
    """has pictures of 16384 by 16384"""

    FAULT = False  # not before a minute: cameras that lack keyframes are mostly set up wrongly
    BLOCKS = (1024, 1024)

    def sets(self):
        return sps(*self.BLOCKS), pps()

    def show(self, picture, ticks):
        if picture.key:
            slices = [key_slice(i * 100) + self.noise(200) for i in range(20)]
            self.send_payloads(payloads_of_picture([*self.sets(), *slices]), ticks)


class SidesOfEightThousand(SidesOfSixteenThousand):
    """has pictures of 8192 by 8192"""

    BLOCKS = (512, 512)


class SidesOfAMillion(SidesOfSixteenThousand):
    """has pictures of a million by a million"""

    BLOCKS = (65536, 65536)


class SidesOfNothing(SidesOfSixteenThousand):
    """has pictures of one block"""

    BLOCKS = (1, 1)


class SetsThatOverflow(SidesOfSixteenThousand):
    """has parameter sets whose numbers do not fit into 32 bits"""

    def sets(self):
        return b"\x67\x42\xc0\x3e" + b"\0\3" * 40 + b"\x80", b"\x68" + b"\0\3" * 40 + b"\x80"


class EverySetAnother(Honest):
    """has another size of picture in every picture"""

    RETURNS_S = 70  # each size takes a slot of its ring: so many a minute, no more

    def __init__(self, link):
        super().__init__(link)
        self.count = 0

    def show(self, picture, ticks):
        self.count += 1
        blocks = 10 + self.count % 50, 10 + self.count % 37
        slices = [key_slice(i * 10) + self.noise(50) for i in range(3)]
        self.send_payloads(payloads_of_picture([sps(*blocks), pps(), *slices]), ticks)


class HundredThousandSets(Honest):
    """repeats its parameter sets all day, and sends no picture"""

    def show(self, picture, ticks):
        self.send_payloads([stap_a([self.film.sps, self.film.pps] * 10)] * 100, ticks, False)


class TenThousandSlices(Honest):
    """has pictures of 10,000 slices"""

    def show(self, picture, ticks):
        if picture.key:
            slices = [key_slice(i % 200) + self.noise(8) for i in range(10000)]
            self.send_payloads(payloads_of_picture([sps(20, 12), pps(), *slices]), ticks)


class KeyPicturesAlone(Honest):
    """sends nothing but keyframes, as fast as its line is"""

    def show(self, picture, ticks):
        key = self.film.pictures[0]
        for i in range(8):
            super().show(key, ticks + i * 700)


class NoKeyPicture(Honest):
    """never sends a keyframe"""

    def show(self, picture, ticks):
        if not picture.key:
            super().show(picture, ticks)


# ---- over UDP


class Strangers(Honest):
    """has a neighbour who sends noise to its viewer"""

    UDP = True

    def show(self, picture, ticks):
        super().show(picture, ticks)
        if self.link.udp:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.2", 0))
                for port in self.link.udp[1]:
                    stranger.sendto(self.noise(500), ("127.0.0.1", port))
                    stranger.sendto(rtp(self.sequence + 5, ticks, self.noise(300)),
                                    ("127.0.0.1", port))
