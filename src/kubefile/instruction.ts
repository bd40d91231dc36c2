import type { EscapeCharacter } from "./directives.ts";
import type { Heredoc } from "./heredoc.ts";
import type { InstructionKind } from "./instruction-kinds.ts";
import type { Span } from "./mapped-text.ts";
import type { SecretMount } from "./secret-mount.ts";
import type { Word } from "./word.ts";

/** `--name=value` before the arguments. */
export interface Flag {
  readonly name: string;
  readonly value?: Word;
  readonly span: Span;
}

export interface Pair {
  readonly name: Word;
  readonly value: Word;
}

interface InstructionBase<Kind extends InstructionKind> {
  readonly kind: Kind;
  /** From the keyword to the end of the last argument. */
  readonly span: Span;
  readonly keywordSpan: Span;
  readonly flags: readonly Flag[];
  readonly heredocs: readonly Heredoc[];
  /** The whole instruction on one line, as written but without comments and continuation characters. */
  readonly text: string;
}

export interface FromInstruction extends InstructionBase<"FROM"> {
  readonly image: Word;
  readonly platform?: Word;
  readonly stage?: Word;
}

export interface CopyInstruction extends InstructionBase<"COPY"> {
  /** Here-documents are not among them. */
  readonly sources: readonly Word[];
  readonly destination: Word;
}

export interface AddInstruction extends InstructionBase<"ADD"> {
  readonly sources: readonly Word[];
  readonly destination: Word;
}

export interface ArgInstruction extends InstructionBase<"ARG"> {
  readonly arguments: readonly { readonly name: Word; readonly default?: Word }[];
}

export interface EnvInstruction extends InstructionBase<"ENV"> {
  readonly pairs: readonly Pair[];
}

export interface LabelInstruction extends InstructionBase<"LABEL"> {
  readonly pairs: readonly Pair[];
}

export interface MaintainerInstruction extends InstructionBase<"MAINTAINER"> {
  readonly name: Word;
}

/** Shell form: one command line. JSON form: the words of one command, run without a shell. */
export type RunInstruction = InstructionBase<"RUN"> & { readonly secrets: readonly SecretMount[] } & (
    | {
        readonly form: "shell";
        /** What a shell is given: the line, or with a here-document the script that the two make. */
        readonly command: Word;
      }
    | { readonly form: "json"; readonly argv: readonly Word[] }
  );

/** Shell form: one command line. JSON form: a list of command lines, each run by a shell of its own. */
export interface CmdInstruction extends InstructionBase<"CMD"> {
  readonly form: "shell" | "json";
  readonly commands: readonly Word[];
}

export interface CmdsInstruction extends InstructionBase<"CMDS"> {
  readonly commands: readonly Word[];
}

export interface LaunchInstruction extends InstructionBase<"LAUNCH"> {
  readonly apps: readonly Word[];
}

/** APP, CNI and CSI: an application made of files; sources are `local://path` or a URL. */
export interface AppInstruction extends InstructionBase<"APP" | "CNI" | "CSI"> {
  readonly name: Word;
  readonly sources: readonly Word[];
}

export interface AppCmdsInstruction extends InstructionBase<"APPCMDS"> {
  readonly name: Word;
  readonly argv: readonly Word[];
  /** The elements joined by spaces, as sealer does: one command line. */
  readonly command: Word;
}

export interface AppEnvInstruction extends InstructionBase<"APPENV"> {
  readonly name: Word;
  readonly pairs: readonly Pair[];
}

export interface KubeVersionInstruction extends InstructionBase<"KUBEVERSION"> {
  /** A version or a range, as written. */
  readonly version: Word;
}

export type Instruction =
  | FromInstruction
  | CopyInstruction
  | AddInstruction
  | ArgInstruction
  | EnvInstruction
  | RunInstruction
  | LabelInstruction
  | MaintainerInstruction
  | AppInstruction
  | AppCmdsInstruction
  | AppEnvInstruction
  | KubeVersionInstruction
  | LaunchInstruction
  | CmdInstruction
  | CmdsInstruction;

/** A FROM and what belongs to it. */
export interface Stage {
  readonly from: FromInstruction;
  readonly name?: string;
  /** Without the FROM itself. */
  readonly instructions: readonly Instruction[];
}

/** A line that is no instruction, or one whose arguments could not be read. */
export interface InvalidInstruction {
  /** Upper case. */
  readonly keyword: string;
  readonly span: Span;
}

export interface Kubefile {
  /** The name that diagnostics use. */
  readonly file: string;
  readonly text: string;
  readonly escape: EscapeCharacter;
  /** All that could be read, in the order of the file. */
  readonly instructions: readonly Instruction[];
  readonly invalid: readonly InvalidInstruction[];
  /** The last one is what is built. ARGs before the first FROM belong to none. */
  readonly stages: readonly Stage[];
}
