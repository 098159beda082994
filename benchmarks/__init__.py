"""What the README's figures come from."""

from tests.loopback import reach_directly


reach_directly()
