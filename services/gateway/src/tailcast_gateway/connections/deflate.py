"""The only form of compression that is agreed to: one whose frames can be shared."""

import zlib
from collections.abc import Sequence
from typing import Final

from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.typing import ExtensionParameter


class _SharedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to deflate only if one compressed frame fits every connection.

    No frame refers to an earlier one (`server_no_context_takeover`), and an offer is
    declined if its window is too small for a shared frame. Clients must not keep a
    context either; that saves 32 KiB for each connection.
    """

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True, client_no_context_takeover=True
        )

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Answer an offer. Raises NegotiationError to decline it."""
        answer, deflate = super().process_request_params(params, accepted_extensions)
        if deflate.local_max_window_bits < zlib.MAX_WBITS:
            raise NegotiationError("a smaller window cannot be shared")
        return answer, deflate


SHARED_DEFLATE: Final = _SharedDeflateFactory()
