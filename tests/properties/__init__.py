"""Whatever happens: properties that hold over generated histories."""
