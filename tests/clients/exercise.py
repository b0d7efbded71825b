"""What the exercises share: the deployment they run against, and which operations each of them exercises."""

from support.scenario import Scenario

# Independent client suites create their agents on this domain (contract §32).
SHARED_DOMAIN = "agents.e2a.dev"
ADA = f"ada@{SHARED_DOMAIN}"
BOB = f"bob@{SHARED_DOMAIN}"


def exercises(*operations):
    """Names the operations that a test exercises, for the table of report.py."""
    def mark(test):
        test.operations = operations
        return test
    return mark


class Exercise(Scenario):
    """A scenario against a server set up as client suites expect it, on the embedded store."""

    store_kind = "sqlite"

    def start_deployment(self, **settings):
        """The server and the key of a fresh account."""
        server = self.start_server(shared_domain=SHARED_DOMAIN, **settings)
        return server, server.bootstrap()
