"""team.py SETTINGS: a team of three agents whose model is a replay. Runs in AutoGen's own environment; imports nothing of Sallyport.

The analyst has one tool, SQL; the coder writes blocks of code; the runner executes them. Each way out is the gateway: psql and
ssh bring the job's token as their password, and a program is judged (`POST /v1/data/sallyport/decision`, language `python`) before
it is sent to the host. There is no other credential in here. Each step is a line of JSON in the file that SETTINGS names.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autogen_agentchat.agents import AssistantAgent, CodeExecutorAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage
from autogen_agentchat.teams import SelectorGroupChat
from autogen_core import CancellationToken, FunctionCall
from autogen_core.code_executor import CodeBlock, CodeExecutor, CodeResult
from autogen_core.models import CreateResult, ModelFamily, ModelInfo, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient

NEXT = {"user": "analyst", "analyst": "coder", "coder": "runner", "runner": "coder"}


@dataclass
class Gateway:
    """The ways out, all of one token."""

    settings: dict[str, str]
    token: str = field(repr=False)

    def note(self, who: str, protocol: str, command: str, saw: str) -> None:
        """One step of the story."""
        line = json.dumps({"who": who, "protocol": protocol, "command": command, "saw": saw})
        with Path(self.settings["steps"]).open("a", encoding="utf-8") as steps:
            steps.write(f"{line}\n")

    async def run(self, words: Sequence[str], more: dict[str, str]) -> tuple[int, str]:
        """A program to its end: its exit code, and what it said, both streams together."""
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "PAGER": "cat", **more},
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace").strip()

    async def sql(self, text: str) -> str:
        """Run one statement on the shop's database and give what it says, errors too."""
        words = ["psql", "-X", "-q", "-A", "-F", " | ", "-P", "footer=off", "-c", text, self.settings["conninfo"]]
        _, said = await self.run(words, {"PGPASSWORD": self.token})
        self.note("analyst", "postgres", text, said)
        return said

    async def ssh(self, line: str) -> tuple[int, str]:
        """Run one line on the host."""
        more = {"SSH_ASKPASS": self.settings["askpass"], "SSH_ASKPASS_REQUIRE": "force", "JOB_TOKEN": self.token}
        code, said = await self.run([*shlex.split(self.settings["ssh"]), line], more)
        self.note("runner", "shell", line, said)
        return code, said

    async def check(self, program: str) -> str | None:
        """Why a program may not run; None when it may."""
        question = {
            "resource": {"name": "host", "protocol": "ssh"},
            "command": {"protocol": "python", "text": program},
        }
        request = urllib.request.Request(  # noqa: S310  # an address of our own
            f"{self.settings['faces']}/v1/data/sallyport/decision",
            json.dumps({"input": question}).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with await asyncio.to_thread(urllib.request.urlopen, request, timeout=30) as answer:
            decision = json.load(answer)["result"]
        allowed = decision["verdict"] == "allow"
        reasons = [
            f"{reason['reason']} ({reason['rule']}); {reason['hint']}" if reason.get("hint") else reason["reason"]
            for reason in decision["reasons"]
        ]
        told = "may run" if allowed else "refused before it ran: " + " / ".join(dict.fromkeys(reasons))
        self.note("runner", "python", program, told)
        return None if allowed else told


class GuardedExecutor(CodeExecutor):
    """Sends each block to the host through the gateway; a program of Python is judged first, as the program it is."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def execute_code_blocks(
        self, code_blocks: list[CodeBlock], cancellation_token: CancellationToken
    ) -> CodeResult:
        """Run the blocks in order and stop at the first that fails; an unknown language is refused, never guessed."""
        output = ""
        for block in code_blocks:
            code, said = await self._one(block.language.lower(), block.code.strip())
            output += said
            if code != 0:
                return CodeResult(exit_code=code, output=output)
        return CodeResult(exit_code=0, output=output)

    async def _one(self, language: str, code: str) -> tuple[int, str]:
        match language:
            case "sh" | "bash":
                return await self._gateway.ssh(code)
            case "python" | "py":
                refusal = await self._gateway.check(code)
                if refusal is not None:
                    return 126, refusal
                # `-I`: no file of the host's folder takes the place of a module that was judged by its name.
                return await self._gateway.ssh(f"python3 -I -c {shlex.quote(code)}")
            case _:
                return 126, f"no runner for {language}"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def restart(self) -> None: ...


def calls(statements: Sequence[str]) -> list[CreateResult | str]:
    """A model's answers that call the SQL tool, one statement after the other."""
    usage = RequestUsage(prompt_tokens=0, completion_tokens=0)
    return [
        CreateResult(
            finish_reason="function_calls",
            content=[FunctionCall(id=f"call-{number}", name="sql", arguments=json.dumps({"text": text}))],
            usage=usage,
            cached=False,
        )
        for number, text in enumerate(statements)
    ]


def replay(answers: Sequence[CreateResult | str], *, calls_tools: bool = False) -> ReplayChatCompletionClient:
    """A model that says what stands here, in order."""
    info = ModelInfo(
        vision=False,
        function_calling=calls_tools,
        json_output=False,
        family=ModelFamily.UNKNOWN,
        structured_output=False,
    )
    return ReplayChatCompletionClient(list(answers), model_info=info)


def next_speaker(messages: Sequence[BaseAgentEvent | BaseChatMessage]) -> str:
    """Who speaks after the last message."""
    return NEXT[messages[-1].source]


async def main(gateway: Gateway, script: dict[str, list[str]], prompt: str, found: str) -> None:
    """The team, from the prompt to its last word."""

    async def sql(text: str) -> str:
        """Run one statement of SQL on the shop's database."""
        return await gateway.sql(text)

    statements = script["sql"]
    analyst = AssistantAgent(
        "analyst",
        model_client=replay([*calls(statements), found], calls_tools=True),
        tools=[sql],
        max_tool_iterations=len(statements) + 1,
    )
    coder = AssistantAgent("coder", model_client=replay(script["code"]))
    runner = CodeExecutorAgent("runner", code_executor=GuardedExecutor(gateway), approval_func=None)
    team = SelectorGroupChat(
        [analyst, coder, runner],
        model_client=replay([]),
        selector_func=next_speaker,
        termination_condition=TextMentionTermination("TERMINATE", sources=["coder"]) | MaxMessageTermination(40),
    )
    result = await team.run(task=prompt)
    print(result.stop_reason)
    print(result.messages[-1].to_text().strip())


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = json.loads(Path(told["script"]).read_text(encoding="utf-8"))
    token = Path(told["token"]).read_text(encoding="utf-8").strip()
    asyncio.run(main(Gateway(told, token), answers, answers["prompt"], answers["found"]))
