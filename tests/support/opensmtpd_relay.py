#!/usr/bin/env python3
"""A private OpenSMTPD for tests: a relay in clear, without PIPELINING, that puts all mail into one Maildir.

Its Debian package is used unpacked (see mail_relay.py). Paths and users are compiled into it; a mount namespace
of its own gives it private ones. Needs root. It sends under TLS, but offers none: with Debian 12's OpenSSL that
handshake ends in an internal error.

As a program it speaks the lines of mail_relay.py.

    gone@…   is refused with 550 5.1.1        busy@…   is deferred with 450 4.2.1
"""

import shutil

import mail_relay
from mail_relay import HOST, MAILBOX_USER, MailRelay
from ports import free_port

CONFIGURATION = """\
table everybody {{ "@" = {mailbox_user} }}
filter gone phase rcpt-to match rcpt-to regex "^gone@" reject "550 5.1.1 no such user here"
filter busy phase rcpt-to match rcpt-to regex "^busy@" reject "450 4.2.1 mailbox busy, try again"
filter answers chain {{ gone, busy }}
smtp max-message-size {message_bytes_max}
listen on {host} port {port} filter answers hostname relay.test
action "inbox" maildir "{folder}/mail/inbox" virtual <everybody>
{forward}match from any for any action "inbox"
"""

FORWARD = """\
mta limit conn-delay-route 0
action "clear" relay host smtp+notls://{host}:{port}
action "secret" relay host smtp+tls://{host}:{port} tls
match from any for any rcpt-to "clear@{domain}" action "clear"
match from any for domain "{domain}" action "secret"
"""

START = """\
set -e
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
mount --bind {folder}/lib /var/lib
mount --bind {folder}/spool /var/spool
mount --bind {folder}/run /run
mount --bind {package}/usr/libexec /usr/libexec
[ ! -e {folder}/receiver-ca.pem ] || mount --bind {folder}/receiver-ca.pem /etc/ssl/certs/ca-certificates.crt
exec {package}/usr/sbin/smtpd -d -f {folder}/smtpd.conf
"""


class OpenSmtpdRelay(MailRelay):
    package = "opensmtpd"

    def configure(self):
        folder = self.folder
        for name in ("lib/opensmtpd/empty", "run", "mail", "spool/smtpd"):
            (folder / name).mkdir(mode=0o755, parents=True)
        (folder / "spool/smtpd").chmod(0o711)
        shutil.chown(folder / "mail", MAILBOX_USER)
        mail_relay.write_users(folder)
        port = free_port()
        forward = self.forward
        lines = FORWARD.format(host=HOST, port=forward.port, domain=forward.domain) if forward else ""
        values = {"folder": folder, "package": mail_relay.unpacked(self.package), "host": HOST, "port": port,
                  "mailbox_user": MAILBOX_USER, "message_bytes_max": self.message_bytes_max, "forward": lines}
        (folder / "smtpd.conf").write_text(CONFIGURATION.format(**values))
        (folder / "smtpd.conf").chmod(0o600)
        (folder / "start.sh").write_text(START.format(**values))
        self.info = {"host": HOST, "port": port, "port_tls": 0, "ca_file": "", "username": "", "password": "",
                     "maildir": str(folder / "mail/inbox"), "log_file": str(folder / "start.log"),
                     "log_of_connect": " smtp connected "}

    def launch(self):
        self.spawn("unshare", "--mount", "--propagation", "private", "sh", self.folder / "start.sh")
        self.wait_until(self.greets)


if __name__ == "__main__":
    mail_relay.main(OpenSmtpdRelay)
