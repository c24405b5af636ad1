"""MLRun's routers: the classes that users subclass, and the nodes that run them over batches."""
