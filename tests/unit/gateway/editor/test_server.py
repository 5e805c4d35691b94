"""The language server as an editor meets it: a process of its own, asked by a real client over its pipes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).parents[4]
SECONDS = 60.0
SERVER = (sys.executable, "-m", "gateway.cli", "lsp")
LIB = "library\n\ndefine whole = command.complete\n"
# What comes before a place counts in the editor's units: the emoji is two of UTF-16.
POLICY = 'policy p "Prod 🔒"\nimport "lib.gate"\ndeny a "🔒 no" when resource.name == "🔒" and not whole\n'


class Editor:
    """A client with one folder, and what it was told of each file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = LanguageClient("editor", "1")
        self.told: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def told(params: lsp.PublishDiagnosticsParams) -> None:
            self.told.put_nowait(params)

        self.version = 1

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str) -> None:
        item = lsp.TextDocumentItem(self.uri(name), name.rsplit(".", 1)[-1], 1, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def change(self, name: str, text: str) -> None:
        self.version += 1
        document = lsp.VersionedTextDocumentIdentifier(version=self.version, uri=self.uri(name))
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))

    async def problems_of(self, name: str) -> list[tuple[str, int, int]]:
        """The next that is told of a file: code, line and character of each."""
        while True:
            told = await asyncio.wait_for(self.told.get(), SECONDS)
            if told.uri == self.uri(name):
                return [(str(one.code), one.range.start.line, one.range.start.character) for one in told.diagnostics]

    def place(self, name: str, line: int, character: int) -> tuple[lsp.TextDocumentIdentifier, lsp.Position]:
        return lsp.TextDocumentIdentifier(self.uri(name)), lsp.Position(line, character)


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "lib.gate").write_text(LIB)
    (tmp_path / "policies" / "p.gate").write_text(POLICY)
    one = Editor(tmp_path / "policies")
    await one.client.start_io(*SERVER, cwd=str(ROOT))
    await asyncio.wait_for(
        one.client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities())), SECONDS
    )
    one.client.initialized(lsp.InitializedParams())
    yield one
    await asyncio.wait_for(one.client.shutdown_async(None), SECONDS)
    one.client.exit(None)
    await asyncio.wait_for(one.client.stop(), SECONDS)


async def test_mistakes_in_both_languages_are_told_and_taken_back(editor: Editor) -> None:
    editor.open("p.gate", POLICY)
    assert await editor.problems_of("p.gate") == []
    editor.change("p.gate", POLICY.replace("not whole", "not hole"))
    assert await editor.problems_of("p.gate") == [("UNKNOWN_NAME", 2, 50)]
    editor.change("p.gate", POLICY)
    assert await editor.problems_of("p.gate") == []
    editor.open("r.rego", 'package policies.r\n\ndeny contains {"code": "X"} if inputt.resource.name == "x"\n')
    assert [code for code, _, _ in await editor.problems_of("r.rego")] != []
    editor.change("r.rego", 'package policies.r\n\ndeny contains {"code": "X"} if input.resource.name == "x"\n')
    assert await editor.problems_of("r.rego") == []


async def test_a_mistake_in_a_file_that_is_not_open_is_told_of_that_file(editor: Editor) -> None:
    (editor.folder / "other.gate").write_text("policy other\nallow a when resource.nme == 1\n")
    editor.open("p.gate", POLICY)
    assert [code for code, _, _ in await editor.problems_of("other.gate")] == ["UNKNOWN_FIELD"]


async def test_names_lead_to_their_meaning_and_their_place(editor: Editor) -> None:
    editor.open("p.gate", POLICY)
    line = POLICY.splitlines()[2]
    units = len(line[: line.index("whole")].encode("utf-16-le")) // 2
    hover = await editor.client.text_document_hover_async(lsp.HoverParams(*editor.place("p.gate", 2, units)))
    assert hover is not None
    assert isinstance(hover.contents, lsp.MarkupContent)
    assert hover.contents.value == "```gate\ndefine whole = command.complete\n```"
    assert hover.range is not None
    assert (hover.range.start.character, hover.range.end.character) == (units, units + 5)
    found = await editor.client.text_document_definition_async(lsp.DefinitionParams(*editor.place("p.gate", 2, units)))
    assert isinstance(found, lsp.Location)
    assert found.uri == editor.uri("lib.gate")
    assert (found.range.start.line, found.range.start.character) == (2, 7)
    nothing = await editor.client.text_document_hover_async(lsp.HoverParams(*editor.place("p.gate", 0, 3)))
    assert nothing is None


async def test_a_file_is_written_the_one_way_and_a_broken_one_left_alone(editor: Editor) -> None:
    editor.open("p.gate", POLICY)
    wanted = lsp.DocumentFormattingParams(
        lsp.TextDocumentIdentifier(editor.uri("p.gate")), lsp.FormattingOptions(2, insert_spaces=True)
    )
    edits = await editor.client.text_document_formatting_async(wanted)
    assert edits is not None
    assert 'deny a "🔒 no"\n  when resource.name == "🔒" and not whole\n' in edits[0].new_text
    assert edits[0].range.end.line == len(POLICY.splitlines())
    editor.change("p.gate", edits[0].new_text)
    assert not await editor.client.text_document_formatting_async(wanted)
    editor.change("p.gate", "policy p\ndeny deny deny\n")
    assert await editor.client.text_document_formatting_async(wanted) is None


@pytest.mark.parametrize(
    "raw", [b"hello\n", b'Content-Length: 7\r\n\r\n{"a":1}', b"Content-Length: x\r\n\r\n", b"\x00" * 3_000]
)
def test_garbage_ends_the_process_with_an_error_while_its_input_stays_open(raw: bytes) -> None:
    with subprocess.Popen(
        SERVER, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(raw)
        process.stdin.flush()
        assert process.wait(SECONDS) == 1
        said = process.stderr.read()
    assert said.startswith(b"sallyport: ")
    assert b"Traceback" not in said


def test_an_input_that_ends_is_no_error() -> None:
    done = subprocess.run(SERVER, cwd=ROOT, input=b"", capture_output=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
