"""Amazon's own Python client and a published emulator of SES, against ours. Run by scripts/providers, which
brings both; not part of the test run, because they come over the network.

COUNTERSIGN_BINARY is the program, AWS_SES_V2_LOCAL the emulator's command (npm aws-ses-v2-local).
"""

import datetime
import json
import os
import subprocess
import time
import unittest
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session

from support.client import draft
from support.postgres import free_port
from support.providers import SesStandIn
from support.scenario import AGENT, on_sqlite
from support.waiting import eventually

RAW = b"From: a@agents.localhost\r\nTo: b@example.org\r\n\r\nHello\r\n"


def botocore_client(ses, secret, key=None, token=None):
    return botocore.session.Session().create_client(
        "sesv2", region_name=ses.region, endpoint_url=ses.url, aws_access_key_id=key or ses.access_key_id,
        aws_secret_access_key=secret, aws_session_token=token,
        config=botocore.config.Config(retries={"total_max_attempts": 1}))


class RecordingSes(SesStandIn):
    """Keeps the last request that sends as it came."""

    last = None

    def accept(self, handler, body):
        self.last = (handler.command, handler.path, dict(handler.headers.items()), body)
        return super().accept(handler, body)


class StandInAgainstBotocore(unittest.TestCase):
    def setUp(self):
        self.ses = self.enterContext(SesStandIn())

    def send(self, client):
        return client.send_email(Content={"Raw": {"Data": RAW}},
                                 Destination={"ToAddresses": ["b@example.org"]},
                                 EmailTags=[{"Name": "one", "Value": "1"}], ConfigurationSetName="events")

    def test_the_stand_in_takes_what_botocore_signs(self):
        answer = self.send(botocore_client(self.ses, self.ses.secret_access_key))
        [mail] = self.ses.accepted
        self.assertEqual((answer["MessageId"], RAW, {"one": "1"}), (mail["message_id"], mail["raw"], mail["tags"]))

    def test_the_stand_in_takes_a_session_token(self):
        key = self.ses.issue_role_credentials(valid_seconds=600)
        secret, token, _ = self.ses.role_credentials[key]
        self.send(botocore_client(self.ses, secret, key, token))
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "UnrecognizedClientException"):
            self.send(botocore_client(self.ses, secret, key, "another"))

    def test_botocore_reads_the_stand_ins_refusals(self):
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "InvalidSignatureException"):
            self.send(botocore_client(self.ses, "wrong"))
        self.ses.set_faults({"kind": "refuse", "status": 400, "name": "MessageRejected", "message": "no"})
        client = botocore_client(self.ses, self.ses.secret_access_key)
        with self.assertRaises(client.exceptions.MessageRejected):
            self.send(client)


@on_sqlite
class Countersign:
    def send_through(self, endpoint, **settings):
        server = self.start_server(outbound__provider="ses", ses__region="eu-central-1", ses__endpoint=endpoint,
                                   **settings)
        account = self.open_account(server)
        account.create_agent(AGENT, "Ada's agent")
        message_id = account.send(AGENT, draft("Grüße", text="☃\n"))["message_id"]
        self.wait_for_delivery_status(account, message_id, "sent")
        return message_id

    def test_botocore_computes_the_signature_that_we_send(self):
        ses = self.enterContext(RecordingSes())
        key = ses.issue_role_credentials(valid_seconds=3600)
        secret, token, _ = ses.role_credentials[key]
        self.send_through(ses.url, ses__access_key_id=key, ses__secret_access_key=secret, ses__session_token=token)
        method, path, headers, body = ses.last
        ours = headers.pop("Authorization")
        signed = {name: headers[name] for name in ("Host", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token")}
        request = botocore.awsrequest.AWSRequest(method, ses.url + path, headers=signed, data=body)
        request.context["timestamp"] = headers["X-Amz-Date"]
        auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), "ses", ses.region)
        canonical = auth.canonical_request(request)
        signature = auth.signature(auth.string_to_sign(request, canonical), request)
        self.assertEqual(ours.rpartition("Signature=")[2], signature)
        self.assertIn(auth.scope(request), ours)
        self.assertEqual(datetime.date.today().year, int(headers["X-Amz-Date"][:4]))

    def test_the_emulator_takes_our_messages(self):
        port = free_port()
        emulator = subprocess.Popen([os.environ["AWS_SES_V2_LOCAL"], "--host", "127.0.0.1", "--port", str(port)],
                                    stdout=subprocess.DEVNULL)
        self.addCleanup(emulator.wait)
        self.addCleanup(emulator.terminate)
        url = f"http://127.0.0.1:{port}"

        def ask(path):
            try:
                with urllib.request.urlopen(url + path, timeout=60) as answer:
                    return answer.read()
            except OSError:
                return None
        eventually("the emulator runs", lambda: ask("/health-check") is not None)
        begun = time.time() - 1
        self.send_through(url, ses__access_key_id="ANY", ses__secret_access_key="ANY")
        [mail] = json.loads(ask("/store"))["emails"]
        self.assertEqual(mail["subject"], "Grüße")
        self.assertEqual(mail["destination"]["to"], ["someone@example.org"])
        self.assertGreaterEqual(mail["at"], int(begun))
        [[provider_id]] = self.store.rows("SELECT provider_message_id FROM submissions")
        self.assertEqual(provider_id, mail["messageId"])


if __name__ == "__main__":
    unittest.main()
