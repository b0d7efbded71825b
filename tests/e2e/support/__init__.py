"""Real processes for the end-to-end tests: servers, stores, clients and mailboxes."""
