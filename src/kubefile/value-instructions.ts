import { type Arguments, base, checkVariableName, missing, readPair, readPairs, wholeText } from "./arguments.ts";
import type {
  ArgInstruction,
  EnvInstruction,
  KubeVersionInstruction,
  LabelInstruction,
  MaintainerInstruction,
} from "./instruction.ts";
import { shellWord, splitWritten } from "./word.ts";

export function readArg(input: Arguments<"ARG">): ArgInstruction | undefined {
  const written = splitWritten(input.rest, input.options.escape);
  if (written.length === 0) return missing(input, "ARG needs a name", "write ARG NAME or ARG NAME=default");
  const declared: ArgInstruction["arguments"][number][] = [];
  for (const item of written) {
    if (item.text.includes("=")) {
      const pair = readPair(input, item);
      if (pair === undefined) return undefined;
      declared.push({ name: pair.name, default: pair.value });
    } else {
      declared.push({ name: shellWord(item, input.options) });
    }
  }
  for (const { name } of declared) checkVariableName(input, name);
  return { ...base(input), arguments: declared };
}

export function readEnv(input: Arguments<"ENV">): EnvInstruction | undefined {
  const pairs = readPairs(input, input.rest, true);
  if (pairs === undefined) return undefined;
  for (const { name } of pairs) checkVariableName(input, name);
  return { ...base(input), pairs };
}

export function readLabel(input: Arguments<"LABEL">): LabelInstruction | undefined {
  const pairs = readPairs(input, input.rest, true);
  return pairs === undefined ? undefined : { ...base(input), pairs };
}

export function readMaintainer(input: Arguments<"MAINTAINER">): MaintainerInstruction | undefined {
  if (input.rest.text === "")
    return missing(input, "MAINTAINER needs a name", 'write MAINTAINER NAME, or LABEL maintainer="NAME"');
  return { ...base(input), name: wholeText(input.rest) };
}

/** Free text in sealer; whether it is a version or a range is for the linter to say. */
export function readKubeVersion(input: Arguments<"KUBEVERSION">): KubeVersionInstruction | undefined {
  const version = shellWord(input.rest, input.options);
  if (version.text.trim() === "") {
    return missing(input, "KUBEVERSION is empty", "write a version or a range, such as KUBEVERSION v1.34.4");
  }
  return { ...base(input), version };
}
