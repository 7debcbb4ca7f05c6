"""Real Orthanc servers: configuration, the two runtimes, deployments."""
