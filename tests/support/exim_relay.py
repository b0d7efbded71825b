#!/usr/bin/env python3
"""A private Exim for tests: a relay in clear that puts all mail into one Maildir.

Its Debian package (exim4-daemon-light) is used unpacked (see mail_relay.py). The path of its configuration and
its user are compiled into it; a mount namespace of its own gives it a private /etc. Needs root.

As a program it speaks the lines of mail_relay.py.
"""

import os
import pathlib
import shutil
import signal

import mail_relay
from mail_relay import HOST, MAILBOX_USER, MailRelay
from ports import free_port

CONFIGURATION = """\
primary_hostname = relay.test
exim_path = {folder}/bin/exim4
spool_directory = {folder}/spool
log_file_path = {folder}/%s.log
pid_file_path = {folder}/exim.pid
local_interfaces = {host}
daemon_smtp_ports = {port}
disable_ipv6 = true
dns_again_means_nonexist = *
host_lookup =
rfc1413_hosts =
smtp_enforce_sync = false
dkim_verify_signers =
tls_advertise_hosts =
chunking_advertise_hosts = *
message_size_limit = {message_bytes_max}
keep_environment =
log_selector = +pipelining +tls_certificate_verified +smtp_confirmation
acl_smtp_rcpt = everything
acl_smtp_data = everything

begin acl
everything:
  accept

begin routers
{routers}
inbox:
  driver = accept
  transport = inbox

begin transports
inbox:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/inbox
  create_directory
  return_path_add
  user = {mailbox_user}

{transports}
begin retry
* * F,1h,1s
"""

ROUTER = """\
{name}:
  driver = manualroute
  domains = {domain}
  {condition}
  route_list = * localhost byname
  self = send
  transport = {name}

"""

TRANSPORTS = """\
clear:
  driver = smtp
  port = {port}
  hosts_avoid_tls = *
  hosts_avoid_pipelining = *
  hosts_try_chunking =

secret:
  driver = smtp
  port = {port}
  hosts_require_tls = *
  tls_verify_certificates = {folder}/receiver-ca.pem
  tls_verify_hosts = *
  tls_verify_cert_hostnames = *

"""

# Exim calls itself and expects to be root then. Its private /etc holds what it needs, and no more.
START = """\
set -e
mount -t tmpfs -o suid,mode=755 exim {folder}/bin
install -m 4755 {package}/usr/sbin/exim4 {folder}/bin/exim4
mount --bind {folder}/etc /etc
exec {folder}/bin/exim4 -bdf -q1s
"""


class EximRelay(MailRelay):
    package = "exim4-daemon-light"

    def configure(self):
        folder = self.folder
        for name in ("bin", "etc/exim4", "mail", "spool"):
            (folder / name).mkdir(mode=0o755, parents=True)
        shutil.chown(folder / "mail", MAILBOX_USER)
        mail_relay.write_users(folder / "etc")
        for name in ("main", "reject", "panic"):
            (folder / f"{name}.log").touch()
        for name in ("main.log", "reject.log", "panic.log", "spool"):
            os.chown(folder / name, mail_relay.USERS["Debian-exim"], -1)
        (folder / "etc/hosts").write_text(f"{HOST} localhost relay.test\n")
        (folder / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
        shutil.copy("/etc/ld.so.cache", folder / "etc")
        port = free_port()
        routers = transports = ""
        if self.forward:
            domain = self.forward.domain
            routers = (ROUTER.format(name="clear", domain=domain, condition="local_parts = clear") +
                       ROUTER.format(name="secret", domain=domain, condition="local_parts = !clear"))
            transports = TRANSPORTS.format(port=self.forward.port, folder=folder)
        (folder / "etc/exim4/exim4.conf").write_text(CONFIGURATION.format(
            folder=folder, host=HOST, port=port, message_bytes_max=self.message_bytes_max,
            mailbox_user=MAILBOX_USER, routers=routers, transports=transports))
        package = mail_relay.unpacked(self.package)
        (folder / "start.sh").write_text(START.format(folder=folder, package=package))
        self.info = {"host": HOST, "port": port, "port_tls": 0, "ca_file": "", "username": "", "password": "",
                     "maildir": str(folder / "mail/inbox"), "log_file": str(folder / "main.log"),
                     "log_of_connect": " SMTP connection from "}

    def launch(self):
        # Processes that it leaves behind end with their namespace.
        self.spawn("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh",
                   self.folder / "start.sh")
        self.wait_until(self.greets)

    def end(self):
        for child in self.children:
            for init in pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
                os.kill(int(init), signal.SIGKILL)


if __name__ == "__main__":
    mail_relay.main(EximRelay)
