"""KServe InferenceGraph manifests: read, admitted as the webhook does, taken as the router does."""
