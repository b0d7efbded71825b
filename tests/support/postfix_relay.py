#!/usr/bin/env python3
"""A private Postfix for tests: a relay with STARTTLS and AUTH that puts all mail into one Maildir.

It has its own configuration, queue, data and log below one folder, listens on 127.0.0.1 only, takes mail from
authenticated clients for any domain and delivers every recipient locally: nothing ever leaves the machine.
Needs root (Postfix does), and the packages postfix, dovecot-core (which answers AUTH) and openssl.

    with PostfixRelay() as relay:
        relay.info            # {"host", "port", "port_tls", "ca_file", "username", "password", "maildir", …}
        relay.wait_for_mail(2)

As a program it starts a relay, prints that information as one line of JSON, and stops the relay when its
standard input ends or it is told to terminate. A line "wait N" on standard input is answered, once N messages
have arrived, with a line of JSON: the paths of all of them, or {"error": …}.

    gone@…   is refused with 550 5.1.1        busy@…   is deferred with 450 4.2.1
"""

import json
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
USERNAME = "agent"
PASSWORD = "correct horse"
MAILBOX_USER = "nobody"
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15
POLL_SECONDS = 0.02

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = relay.test
inet_interfaces = {host}
inet_protocols = ipv4
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
smtpd_peername_lookup = no
disable_dns_lookups = yes
in_flow_delay = 0
smtpd_error_sleep_time = 0
smtpd_client_event_limit_exceptions = {host}
message_size_limit = 20000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtputf8_enable = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/server.pem
smtpd_tls_key_file = {folder}/server.key
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/recipients
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
"""

MASTER_CF = """\
{host}:{port} inet n - n - - smtpd
{host}:{port_tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
smtp unix - - n - - error
relay unix - - n - - error
local unix - n n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

RECIPIENTS = """\
/^gone@/ 550 5.1.1 no such user here
/^busy@/ 450 4.2.1 mailbox busy, try again
"""

DOVECOT_CONF = """\
base_dir = {folder}/dovecot
state_dir = {folder}/dovecot
log_path = {folder}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home=/nonexistent
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0600
    user = postfix
  }}
}}
"""


def run(*command, **options):
    """Runs a command; on failure the exception shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {done.stdout}{done.stderr}")
    return done.stdout


def make_certificates(folder):
    """A throwaway authority (ca.pem) and a certificate for this machine (server.pem, server.key)."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    run("openssl", "req", "-x509", *key, "-subj", "/CN=Countersign test authority",
        "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    run("openssl", "req", "-x509", *key, "-subj", "/CN=relay.test", "-CA", folder / "ca.pem", "-CAkey",
        folder / "ca.key", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:relay.test", "-addext",
        "basicConstraints=critical,CA:FALSE", "-keyout", folder / "server.key", "-out", folder / "server.pem")


def free_ports(count):
    """Ports that were free a moment ago."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class PostfixRelay:
    def __init__(self):
        self.folder = None
        self.children = []
        self.info = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Returns when the relay answers. Raises RuntimeError with its logs when it does not."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-postfix-"))
        try:
            self._write_configuration()
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _write_configuration(self):
        folder = self.folder
        folder.chmod(0o755)  # Postfix's own user has to get through
        for name in ("config", "queue", "data", "mail", "dovecot"):
            (folder / name).mkdir(mode=0o755)
        make_certificates(folder)
        mailbox_user = pwd.getpwnam(MAILBOX_USER)
        shutil.chown(folder / "mail", MAILBOX_USER)
        shutil.chown(folder / "data", "postfix")
        port, port_tls = free_ports(2)
        values = {"folder": folder, "host": HOST, "port": port, "port_tls": port_tls,
                  "uid": mailbox_user.pw_uid, "gid": mailbox_user.pw_gid}
        (folder / "config/main.cf").write_text(MAIN_CF.format(**values))
        (folder / "config/master.cf").write_text(MASTER_CF.format(**values))
        (folder / "recipients").write_text(RECIPIENTS)
        (folder / "config/dovecot.conf").write_text(DOVECOT_CONF.format(**values))
        (folder / "users").write_text(f"{USERNAME}:{{PLAIN}}{PASSWORD}\n")
        self.info = {"host": HOST, "port": port, "port_tls": port_tls, "ca_file": str(folder / "ca.pem"),
                     "username": USERNAME, "password": PASSWORD, "maildir": str(folder / "mail/inbox"),
                     "log_file": str(folder / "mail.log")}

    def _launch(self):
        # In the foreground, so that both are children of this process and can be waited for. Dovecot first:
        # Postfix's server gives up when it finds nobody to ask for mechanisms.
        self._spawn("dovecot", "-F", "-c", self.folder / "config/dovecot.conf")
        self._wait_until((self.folder / "auth").exists)
        self._spawn("postfix", "-c", self.folder / "config", "start-fg")
        self._wait_until(self._greets)

    def _spawn(self, *command):
        with open(self.folder / "start.log", "ab") as output:
            self.children.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                                  stdin=subprocess.DEVNULL))

    def _wait_until(self, ready):
        until = time.monotonic() + START_SECONDS_MAX
        while not ready():
            if any(child.poll() is not None for child in self.children) or time.monotonic() > until:
                raise RuntimeError("the relay does not start:\n" + self._logs())
            time.sleep(POLL_SECONDS)

    def _greets(self):
        try:
            with socket.create_connection((HOST, self.info["port"]), timeout=START_SECONDS_MAX) as connection:
                return connection.recv(4) == b"220 "
        except OSError:
            return False

    def _logs(self):
        files = [self.folder / name for name in ("start.log", "dovecot.log", "mail.log")]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def mails(self):
        """The received messages, as paths, oldest first."""
        new = pathlib.Path(self.info["maildir"]) / "new"
        return sorted(new.iterdir(), key=lambda path: path.stat().st_mtime_ns) if new.is_dir() else []

    def wait_for_mail(self, count, seconds_max=30):
        """Waits until at least `count` messages are there, and returns all of them as bytes, oldest first."""
        until = time.monotonic() + seconds_max
        while len(self.mails()) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.mails())} of {count} messages arrived:\n{self._logs()}")
            time.sleep(POLL_SECONDS)
        return [path.read_bytes() for path in self.mails()]

    def stop(self):
        """Stops the relay if it runs, and removes its folder."""
        if len(self.children) > 1:  # Postfix: a signal to its starter would not reach the master process
            subprocess.run(["postfix", "-c", self.folder / "config", "stop"], capture_output=True,
                           check=False)
        if self.children:
            self.children[0].terminate()
        for child in self.children:
            try:
                child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with PostfixRelay() as relay:
        print(json.dumps(relay.info), flush=True)
        for line in sys.stdin:
            try:
                relay.wait_for_mail(int(line.removeprefix("wait ")))
                answer = [str(path) for path in relay.mails()]
            except (TimeoutError, ValueError) as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
