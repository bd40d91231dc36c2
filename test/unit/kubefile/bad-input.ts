import { applicationCases, fileCases, launchCases, unsupportedCases } from "./bad-input-files.ts";
import { copyFlagCases, mountCases } from "./bad-input-flags.ts";
import { instructionCases, orderCases } from "./bad-input-instructions.ts";
import { stageCases } from "./bad-input-stages.ts";
import { lineCases, wordCases } from "./bad-input-words.ts";

/** One bad Kubefile with everything that is said about it: `line:column severity[code]: message => hint`. */
export interface BadInput {
  readonly name: string;
  /** Lines of the Kubefile. */
  readonly kubefile: readonly string[];
  /** Entries of the build context (see createContext); without them the context is not looked at. */
  readonly context?: readonly string[];
  /** Directories of it that this user may not read; root, who may run the tests, may read all. */
  readonly unreadable?: readonly string[];
  readonly expected: readonly string[];
}

export const badInputs: readonly BadInput[] = [
  ...lineCases,
  ...wordCases,
  ...instructionCases,
  ...orderCases,
  ...stageCases,
  ...applicationCases,
  ...fileCases,
  ...launchCases,
  ...mountCases,
  ...copyFlagCases,
  ...unsupportedCases,
];
