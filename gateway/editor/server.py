"""The language server: what an editor tells and asks, answered from `folders.py`. Called by `sallyport lsp`.

Diagnostics for `.gate` and Rego files of the whole set a file belongs to; hover, definition and formatting for `.gate` files.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from engine.compiler.gate_policies import SUFFIX
from engine.source import Diagnostic, Severity, Span
from gateway.editor.folders import diagnose, folder_of, formatted, glance_at
from gateway.editor.framing import FramedInput

QUIET_SECONDS = 0.15
"""How long nobody types before policies are compiled."""
_SEVERITIES = {Severity.ERROR: lsp.DiagnosticSeverity.Error, Severity.WARNING: lsp.DiagnosticSeverity.Warning}


_Place: TypeAlias = "lsp.HoverParams | lsp.DefinitionParams"


class PolicyServer(LanguageServer):
    """One editor's server. `told` are the files that it showed mistakes of."""

    def __init__(self) -> None:
        super().__init__("sallyport", "1", text_document_sync_kind=lsp.TextDocumentSyncKind.Incremental)
        self.told: set[Path] = set()
        self.changes = 0

    def opened(self) -> dict[Path, str]:
        """What is open in the editor, by file."""
        found = ((_path(uri), document.source) for uri, document in self.workspace.text_documents.items())
        return {path: text for path, text in found if path is not None}

    async def check(self, uri: str) -> None:
        """Tell what is wrong, once nobody has typed for a moment."""
        self.changes += 1
        change = self.changes
        await asyncio.sleep(QUIET_SECONDS)
        file = _path(uri)
        if change != self.changes or file is None:
            return
        found = await asyncio.to_thread(diagnose, file, self.opened())
        if change != self.changes:
            return
        told = {path for path, problems in found.items() if problems}
        for path in sorted({file, *told, *self.told}):
            self._tell(path, found.get(path, []))
        self.told = told

    def _tell(self, path: Path, problems: Sequence[Diagnostic]) -> None:
        uri = from_fs_path(str(path)) or path.as_uri()
        document = self.workspace.get_text_document(uri)
        shown = [_diagnostic(one, document) for one in problems]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown))

    def hover(self, at: _Place) -> lsp.Hover | None:
        """What stands at a place."""
        document = self.workspace.get_text_document(at.text_document.uri)
        found = self._glance(document, at.position)
        if found is None:
            return None
        span, text, _ = found
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), _range(span, document))

    def definition(self, at: _Place) -> lsp.Location | None:
        """Where the name at a place was defined."""
        found = self._glance(self.workspace.get_text_document(at.text_document.uri), at.position)
        if found is None or found[2] is None:
            return None
        path, span = found[2]
        document = self.workspace.get_text_document(from_fs_path(str(path)) or path.as_uri())
        return lsp.Location(document.uri, _range(span, document))

    def formatting(self, uri: str) -> list[lsp.TextEdit] | None:
        """The one edit that writes a file as it is written; None where that cannot be done."""
        document = self.workspace.get_text_document(uri)
        text = formatted(document.source) if uri.endswith(SUFFIX) else None
        if text is None:
            return None
        end = lsp.Position(len(document.lines), 0)
        return [] if text == document.source else [lsp.TextEdit(lsp.Range(lsp.Position(0, 0), end), text)]

    def _glance(
        self, document: TextDocument, position: lsp.Position
    ) -> tuple[Span, str, tuple[Path, Span] | None] | None:
        file = _path(document.uri)
        if file is None or file.suffix != SUFFIX:
            return None
        at = document.position_from_client_units(position)
        found = glance_at(file, self.opened(), at.line + 1, at.character + 1)
        if found is None:
            return None
        defined = None if found.defined is None else (folder_of(file) / found.defined.source, found.defined.span)
        return found.span, found.text, defined


def build_server() -> PolicyServer:
    """A server with everything it answers."""
    server = PolicyServer()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        await server.check(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        await server.check(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        await server.check(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return server.hover(params)

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(params: lsp.DefinitionParams) -> lsp.Location | None:
        return server.definition(params)

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        return server.formatting(params.text_document.uri)

    return server


def serve(stdin: BinaryIO, stdout: BinaryIO) -> str:
    """Answer an editor until it is done. Returns why it ended before, if it did."""
    framed = FramedInput(stdin)
    # WHY a cast: the library asks for `readline` and `read` alone.
    build_server().start_io(cast(BinaryIO, framed), stdout)
    sys.stderr.flush()
    return framed.trouble


def _path(uri: str) -> Path | None:
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return None if path is None else Path(path)


def _diagnostic(one: Diagnostic, document: TextDocument) -> lsp.Diagnostic:
    span = one.span or Span(1, 1, 1, 1)
    message = f"{one.message}\n{one.help}" if one.help else one.message
    return lsp.Diagnostic(
        _range(span, document), message, severity=_SEVERITIES[one.severity], code=one.code, source="sallyport"
    )


def _range(span: Span, document: TextDocument) -> lsp.Range:
    """A span in the positions the editor counts in."""
    start = lsp.Position(span.line - 1, span.column - 1)
    end = lsp.Position(span.end_line - 1, span.end_column - 1)
    lines = document.lines
    codec = document.position_codec
    return lsp.Range(codec.position_to_client_units(lines, start), codec.position_to_client_units(lines, end))
