"""Gradio, told to ask for nothing, to keep nothing, and to show no more than the page."""

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware

from .limits import MEGABYTE

# A browser then refuses whatever is not from the page's own address, should the page ever ask for it.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:"
)
_STYLE = Path(__file__).with_name("style.css")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def launch(page: gr.Blocks, host: str, port: int, megabytes: int, examples: Path) -> None:
    """Serve a page in the background.

    Args:
        page: The page.
        host: Address to listen on.
        port: Port to listen on.
        megabytes: Most that is taken of a film.
        examples: Folder of films that may be shown besides what was uploaded and made.
    """
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        max_file_size=megabytes * MEGABYTE,
        allowed_paths=[str(examples)],
        app_kwargs={"middleware": [Middleware(_WithPolicy)]},
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css_paths=[_STYLE],
    )


class _WithPolicy:
    """Sends ``_POLICY`` with every answer."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]):
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = _POLICY
            await send(message)

        await self._app(scope, receive, sent)
