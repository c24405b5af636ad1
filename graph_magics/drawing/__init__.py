"""A graph as a picture: nodes to Graphviz's language, and that to SVG, PNG or PDF."""
