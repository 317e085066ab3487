"""What mkdocs calls as it builds the site."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from avssl_hub.site import reference
from avssl_hub.site.documents import ROOT, documents, with_parts


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's own documents at their places in it, and the pages of the reference."""
    for name in documents():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for name, text in reference.pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put what is generated elsewhere where a page asks for it."""
    return with_parts(markdown)
