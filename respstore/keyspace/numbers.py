def parse_integer(text: bytes) -> int | None:
    try:
        n = int(text)
    except ValueError:
        return None
    return n if b"%d" % n == text and -(2**63) <= n < 2**63 else None
def parse_float(text):
    try: return float(text)
    except ValueError: return None
def format_double(v): return b"%.17g" % v
def format_long_double(v): return b"%.17g" % v
