"""Documents of one version of the contract as documents of another: pure functions on documents, and a step on folders."""
