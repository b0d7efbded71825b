#!/usr/bin/env python3
"""A private Postfix for tests: a relay with STARTTLS and AUTH that puts all mail into one Maildir.

It has its own configuration, queue, data and log below one folder, listens on 127.0.0.1 only, takes mail from
authenticated clients for any domain and delivers every recipient locally: nothing ever leaves the machine.
Needs root (Postfix does), and the packages postfix, dovecot-core (which answers AUTH) and openssl.

    with PostfixRelay() as relay:
        relay.info            # {"host", "port", "port_tls", "ca_file", "username", "password", "maildir", …}
        relay.wait_for_mail(2)

As a program it speaks the lines of mail_relay.py.

    gone@…        is refused with 550 5.1.1        busy@…   is deferred with 450 4.2.1
    late-gone@…   is taken, and then bounces with 5.1.1 to the sender
"""

import pwd
import shutil
import subprocess

import mail_relay
from mail_relay import HOST, MAILBOX_USER, MailRelay, run
from ports import free_port

USERNAME = "agent"
PASSWORD = "correct horse"

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
mynetworks = {networks}
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
smtpd_peername_lookup = no
disable_dns_lookups = yes
in_flow_delay = 0
service_throttle_time = 1s
smtpd_error_sleep_time = 0
smtpd_client_event_limit_exceptions = {host}
message_size_limit = {message_bytes_max}
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
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/recipients
transport_maps = regexp:{folder}/transports
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
"""

# To a receiver that is down for a moment, the next try follows soon.
FORWARD_CF = """\
smtp_tls_loglevel = 1
smtp_tls_CAfile = {folder}/receiver-ca.pem
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
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
late unix - n n - - pipe flags=q user=nobody argv=/bin/sh -c {{echo no longer here; exit 67}}
discard unix - - n - - discard
smtp unix - - n - - error
relay unix - - n - - error
local unix - n n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

FORWARD_MASTER_CF = """\
clear unix - - n - - smtp -o smtp_tls_security_level=none -o smtp_discard_ehlo_keywords=pipelining,chunking
secret unix - - n - - smtp -v -o smtp_tls_security_level=verify -o smtp_tls_verify_cert_match=hostname
"""

RECIPIENTS = """\
/^gone@/ 550 5.1.1 no such user here
/^busy@/ 450 4.2.1 mailbox busy, try again
"""

TRANSPORTS = """\
/^late-gone@/ late:
"""

FORWARD_TRANSPORTS = """\
/^clear@{domain}$/ clear:[localhost]:{port}
/@{domain}$/ secret:[localhost]:{port}
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


def make_certificates(folder):
    """A throwaway authority (ca.pem) and a certificate for this machine (server.pem, server.key)."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    run("openssl", "req", "-x509", *key, "-subj", "/CN=Countersign test authority",
        "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    run("openssl", "req", "-x509", *key, "-subj", "/CN=relay.test", "-CA", folder / "ca.pem", "-CAkey",
        folder / "ca.key", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:relay.test", "-addext",
        "basicConstraints=critical,CA:FALSE", "-keyout", folder / "server.key", "-out", folder / "server.pem")


class PostfixRelay(MailRelay):
    def configure(self):
        folder = self.folder
        for name in ("config", "queue", "data", "mail", "dovecot"):
            (folder / name).mkdir(mode=0o755)
        make_certificates(folder)
        mailbox_user = pwd.getpwnam(MAILBOX_USER)
        shutil.chown(folder / "mail", MAILBOX_USER)
        shutil.chown(folder / "data", "postfix")
        port, port_tls = free_port(), free_port()
        values = {"folder": folder, "host": HOST, "port": port, "port_tls": port_tls,
                  "uid": mailbox_user.pw_uid, "gid": mailbox_user.pw_gid,
                  "networks": HOST if self.forward else "", "message_bytes_max": self.message_bytes_max}
        main, master, transports = MAIN_CF.format(**values), MASTER_CF.format(**values), TRANSPORTS
        if self.forward:
            main += FORWARD_CF.format(folder=folder)
            master += FORWARD_MASTER_CF
            domain = self.forward.domain.replace(".", "[.]")
            transports += FORWARD_TRANSPORTS.format(domain=domain, port=self.forward.port)
        (folder / "config/main.cf").write_text(main)
        (folder / "config/master.cf").write_text(master)
        (folder / "recipients").write_text(RECIPIENTS)
        (folder / "transports").write_text(transports)
        (folder / "config/dovecot.conf").write_text(DOVECOT_CONF.format(**values))
        (folder / "users").write_text(f"{USERNAME}:{{PLAIN}}{PASSWORD}\n")
        self.info = {"host": HOST, "port": port, "port_tls": port_tls, "ca_file": str(folder / "ca.pem"),
                     "username": USERNAME, "password": PASSWORD, "maildir": str(folder / "mail/inbox"),
                     "log_file": str(folder / "mail.log"), "log_of_connect": ": connect from"}

    def launch(self):
        # In the foreground, so that both are children of this process and can be waited for. Dovecot first:
        # Postfix's server gives up when it finds nobody to ask for mechanisms.
        self.spawn("dovecot", "-F", "-c", self.folder / "config/dovecot.conf")
        self.wait_until((self.folder / "auth").exists)
        self.spawn("postfix", "-c", self.folder / "config", "start-fg")
        self.wait_until(self.greets)

    def end(self):
        if len(self.children) > 1:  # Postfix: a signal to its starter would not reach the master process
            subprocess.run(["postfix", "-c", self.folder / "config", "abort"], capture_output=True,
                           check=False)
        if self.children:
            self.children[0].terminate()


if __name__ == "__main__":
    mail_relay.main(PostfixRelay)
