"""Making data sets; no module that runs a model imports this."""
