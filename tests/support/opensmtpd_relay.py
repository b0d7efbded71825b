#!/usr/bin/env python3
"""A private OpenSMTPD for tests: a relay in clear, without PIPELINING, that puts all mail into one Maildir.

Its Debian package cannot be installed beside Postfix, so it is used unpacked (dpkg-deb -x): the environment
variable COUNTERSIGN_OPENSMTPD names the folder. Paths and users are compiled into it; a mount namespace of its
own gives it private ones. Needs root. No TLS: with Debian 12's OpenSSL its handshake ends in an internal error.

As a program it speaks the lines of mail_relay.py.

    gone@…   is refused with 550 5.1.1        busy@…   is deferred with 450 4.2.1
"""

import os
import pathlib
import shutil

import mail_relay
from mail_relay import HOST, MAILBOX_USER, MailRelay

CONFIGURATION = """\
table everybody {{ "@" = {mailbox_user} }}
filter gone phase rcpt-to match rcpt-to regex "^gone@" reject "550 5.1.1 no such user here"
filter busy phase rcpt-to match rcpt-to regex "^busy@" reject "450 4.2.1 mailbox busy, try again"
filter answers chain {{ gone, busy }}
smtp max-message-size 20000000
listen on {host} port {port} filter answers hostname relay.test
action "inbox" maildir "{folder}/mail/inbox" virtual <everybody>
match from any for any action "inbox"
"""

START = """\
set -e
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
mount --bind {folder}/lib /var/lib
mount --bind {folder}/spool /var/spool
mount --bind {folder}/run /run
mount --bind {package}/usr/libexec /usr/libexec
exec {package}/usr/sbin/smtpd -d -f {folder}/smtpd.conf
"""

USERS = {"opensmtpd": 64001, "opensmtpq": 64002}


class OpenSmtpdRelay(MailRelay):
    def configure(self):
        folder = self.folder
        package = pathlib.Path(os.environ["COUNTERSIGN_OPENSMTPD"]).absolute()
        for name in ("lib/opensmtpd/empty", "run", "mail", "spool/smtpd"):
            (folder / name).mkdir(mode=0o755, parents=True)
        (folder / "spool/smtpd").chmod(0o711)
        shutil.chown(folder / "mail", MAILBOX_USER)
        passwd = pathlib.Path("/etc/passwd").read_text()
        group = pathlib.Path("/etc/group").read_text()
        for user, number in USERS.items():
            passwd += f"{user}:x:{number}:{number}::/var/lib/opensmtpd/empty:/bin/false\n"
            group += f"{user}:x:{number}:\n"
        (folder / "passwd").write_text(passwd)
        (folder / "group").write_text(group)
        (port,) = mail_relay.free_ports(1)
        values = {"folder": folder, "package": package, "host": HOST, "port": port, "mailbox_user": MAILBOX_USER}
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
