"""What the gateway survives: big replays, slow readers, thousands that are idle."""
