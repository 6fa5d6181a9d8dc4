"""respstore.torch, and TCPStore's wire protocol, beside torch's own stores. `make compat` installs torch."""
