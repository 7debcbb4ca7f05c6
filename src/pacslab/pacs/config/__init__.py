"""What a student edits: orthanc.json, nginx.conf, Lua rules, network.yaml and handover.yaml, checked before a start."""
