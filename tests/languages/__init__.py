"""The example clients of docs/clients.md, built and run by their own toolchains."""
