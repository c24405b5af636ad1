"""MLRun's calls over HTTP."""
