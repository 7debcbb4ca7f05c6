"""The archive and its contents: a snapshot of a loaded Orthanc, the cache of snapshots, and uploads."""
