import { type Arguments, base, jsonList, listOrWords, missing, wholeText } from "./arguments.ts";
import { quoted } from "./diagnostic.ts";
import type { CmdInstruction, CmdsInstruction, LaunchInstruction, RunInstruction } from "./instruction.ts";
import { type MappedText, spanOf } from "./mapped-text.ts";
import { readMounts } from "./mount.ts";
import type { Word } from "./word.ts";

export function readRun(input: Arguments<"RUN">): RunInstruction | undefined {
  if (input.rest.text === "") return missing(input, "RUN needs a command", "write RUN COMMAND");
  const list = jsonList(input, input.rest, looksLikeList(input.rest));
  if (list === undefined) return undefined;
  const secrets = readMounts(input);
  if (list === "no list") return { ...base(input), secrets, form: "shell", command: withHeredocs(input) };
  if (list.length === 0 || list[0]?.text === "") return missing(input, "RUN needs a command", "write RUN COMMAND");
  return { ...base(input), secrets, form: "json", argv: list.map(asText) };
}

/** The shell form is one command line; the JSON form is a list of them. */
export function readCmd(input: Arguments<"CMD">): CmdInstruction | undefined {
  if (input.rest.text === "") return missing(input, "CMD needs a command", "write CMD kubectl apply -f FILE");
  const list = jsonList(input, input.rest, looksLikeList(input.rest));
  if (list === undefined) return undefined;
  if (list === "no list") return { ...base(input), form: "shell", commands: [wholeText(input.rest)] };
  return hasCommands(input, list) ? { ...base(input), form: "json", commands: list.map(asText) } : undefined;
}

/** JSON only: sealer takes every word of the other form for a command of its own. */
export function readCmds(input: Arguments<"CMDS">): CmdsInstruction | undefined {
  if (input.rest.text === "")
    return missing(input, "CMDS needs a list of commands", 'write CMDS ["COMMAND", "COMMAND"]');
  const list = jsonList(input, input.rest, true);
  if (list === undefined) return undefined;
  if (list === "no list") {
    input.report({
      severity: "error",
      code: "cmds-not-json",
      message: "CMDS needs a JSON list of commands",
      hint: `write CMDS [${quoted(input.rest.text)}]`,
      span: spanOf(input.rest, 0, input.rest.text.length),
    });
    return undefined;
  }
  return hasCommands(input, list) ? { ...base(input), commands: list.map(asText) } : undefined;
}

export function readLaunch(input: Arguments<"LAUNCH">): LaunchInstruction | undefined {
  const form = 'write LAUNCH ["APP", "APP"]';
  if (input.rest.text === "") return missing(input, "LAUNCH needs the names of applications", form);
  const apps = input.rest.text.startsWith("[") ? jsonList(input, input.rest, true) : listOrWords(input);
  if (apps === undefined || apps === "no list") return undefined;
  if (apps.length === 0) return missing(input, "LAUNCH needs the names of applications", form);
  return { ...base(input), apps };
}

/** `[ -f x ] && y` is a test of the shell; brackets around everything with a comma between are a list. */
function looksLikeList(source: MappedText): boolean {
  return source.text.endsWith("]") && source.text.includes(",");
}

function hasCommands(input: Arguments, commands: readonly Word[]): boolean {
  const empty = commands.find((command) => command.text.trim() === "");
  if (commands.length > 0 && empty === undefined) return true;
  input.report({
    severity: "error",
    code: "empty-command",
    message: commands.length === 0 ? `the list of ${input.kind} is empty` : `a command of ${input.kind} is empty`,
    hint: commands.length === 0 ? "remove the line, or name what to start" : "remove the empty string",
    span: empty?.span ?? spanOf(input.rest, 0, input.rest.text.length),
  });
  return false;
}

/** Commands are read by a shell when they run: its variables and quotes are none of ours. */
function asText(word: Word): Word {
  return { ...word, parts: [{ kind: "text", text: word.text }] };
}

/** A line that is only `<<EOF` runs the document; otherwise the shell itself reads the document that follows the line. */
function withHeredocs(input: Arguments<"RUN">): Word {
  const line = wholeText(input.rest);
  const { heredocs } = input.line;
  const first = heredocs[0];
  if (first === undefined) return line;
  const isScript = /^<<-?\S+$/.test(line.text);
  const documents = heredocs.map((heredoc) => `${heredoc.content}${heredoc.name}\n`).join("");
  const text = isScript ? first.content : `${line.text}\n${documents}`;
  return { ...line, text, parts: [{ kind: "text", text }] };
}
