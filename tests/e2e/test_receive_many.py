"""Ten thousand mail servers have a connection open at once; most say nothing, some are in the middle of a mail, and
whoever comes then is served all the same."""

import resource
import socket
import unittest

from support.scenario import AGENT, on_sqlite
from support.sender import HOST, deliver, mail
from support.waiting import eventually
from test_receive import Inbox

CONNECTIONS = 10_000
EVERY = 100  # of these is in the middle of a mail
BYTES_EACH_MAX = 64 * 1024  # of memory, the sanitizer's share included; a buffer per connection would be more


class Client:
    def __init__(self, port):
        self._socket = socket.create_connection((HOST, port), timeout=300)
        self._replies = self._socket.makefile("rb")
        self.reply()

    def say(self, text):
        self._socket.sendall(text.encode())
        return self.reply()

    def send(self, text):
        self._socket.sendall(text.encode())

    def reply(self):
        while True:
            line = self._replies.readline().decode()
            if not line or line[3] == " ":
                return line

    def close(self):
        self._replies.close()
        self._socket.close()


@on_sqlite
class ReceiveMany(Inbox):
    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))

    def connect(self):
        client = Client(self.port)
        self.addCleanup(client.close)
        self.assertRegex(client.say("EHLO sender.example\r\n"), "^250 ")
        return client

    def begin_mail(self, client, number):
        self.assertRegex(client.say("MAIL FROM:<grace@sender.example>\r\n"), "^250 ")
        self.assertRegex(client.say(f"RCPT TO:<{AGENT}>\r\n"), "^250 ")
        self.assertRegex(client.say("DATA\r\n"), "^354 ")
        client.send(f"Subject: Half of {number}\r\n\r\n" + 20 * (50 * "x" + "\r\n"))

    def test_ten_thousand_connections_are_held_while_others_are_served(self):
        self.start(inbound__connections_max=CONNECTIONS + 1, inbound__timeout_ms=3_600_000,
                   inbound__connections_per_address_max=CONNECTIONS + 1)
        before = self.server.resident_bytes
        held = [self.connect() for _ in range(CONNECTIONS)]
        halves = held[::EVERY]
        for number, client in enumerate(halves):
            self.begin_mail(client, number)
        self.assertLess((self.server.resident_bytes - before) / CONNECTIONS, BYTES_EACH_MAX)
        deliver(self.port, mail("Served beside many", AGENT), [AGENT])
        self.wait_for("Served beside many")
        for client in halves:
            self.assertRegex(client.say(".\r\n"), "^250 2.0.0 ")
        for client in held:
            self.assertRegex(client.say("NOOP\r\n"), "^250 ")
        eventually("all are in the mailbox", lambda: self.count("messages") == len(halves) + 1)


if __name__ == "__main__":
    unittest.main()
