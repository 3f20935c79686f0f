"""What admins set while the server runs: `/admin/server-config`, and the two prompts.

`page` shows the settings, `prompt` one prompt; `history` what was changed of either, with its
undoing; what the buttons do stands in `acts`.
"""

from __future__ import annotations

from console.pages.server_config.page import ConfigPage
from console.pages.server_config.prompt import PromptPage, prompt_pages

__all__ = ["ConfigPage", "PromptPage", "prompt_pages"]
