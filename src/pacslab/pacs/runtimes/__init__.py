"""The interface of a runtime, its selection, waiting for servers, and packet capture."""
