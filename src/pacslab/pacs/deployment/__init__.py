"""A lab network that lives and dies: start-up, peers, certificates, state on disk, and teardown."""
