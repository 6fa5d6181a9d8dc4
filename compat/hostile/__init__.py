"""What a server has to stand: a crowd that behaves badly for a minute (soak.py), and each attack alone (attacks.py)."""
