"""MLRun's model servers: the class that users subclass, its node, and the models' files."""
