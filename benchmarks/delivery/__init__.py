"""Stream → socket: what a delivered record costs, and how soon it is there."""
